#!/usr/bin/env bash
# A whole federation on this machine: a coordinator and three sites as processes of their own over mutual TLS, a study
# from its first round to a released model, and that model against what each site could do alone.
#
#   make demo                    runs it and leaves the federation serving
#   make demo ONCE=1             stops everything after the final table
#   make demo SITES_FROM=DIR     takes real manifests: DIR/<site>/manifest.csv, one folder a site, and DIR/plan.yaml
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$PWD/.build/release
demo=$PWD/certs/demo
port=${PORT:-18443}
cases=${CASES:-150}
coordinator="$bin/coordinator"
agent="$bin/agent"
export CONSILIUM_COORDINATOR=$demo/coordinator

say() { printf '\n== %s\n' "$*"; }

stop_all() {
    for file in "$demo"/*.pid; do
        [ -e "$file" ] || continue
        pid=$(cat "$file")
        kill -TERM "$pid" 2>/dev/null || true
        for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -KILL "$pid" 2>/dev/null || true
        rm -f "$file"
    done
}

case "${1:-run}" in
stop) stop_all; echo "the demonstration's processes have ended; its files are in $demo (make demo-clean removes them)"; exit ;;
clean) stop_all; rm -rf "$demo"; exit ;;
esac

stop_all
rm -rf "$demo"
mkdir -p -m 700 "$demo"
began=$SECONDS
finish() { code=$?; if [ "$code" -ne 0 ] || [ -n "${ONCE:-}" ]; then stop_all; fi; exit "$code"; }
trap finish EXIT
trap 'exit 130' INT TERM

background() { # name command...: started apart from this script, its output in a log
    local name=$1; shift
    setsid "$@" > "$demo/$name.log" 2>&1 < /dev/null &
    echo $! > "$demo/$name.pid"
}

declare -A manifest
if [ -n "${SITES_FROM:-}" ]; then
    say "Sites from $SITES_FROM"
    for file in "$SITES_FROM"/*/manifest.csv; do
        [ -e "$file" ] || { echo "$SITES_FROM holds no <site>/manifest.csv: give a folder with one folder a site"; exit 1; }
        site=$(basename "$(dirname "$file")")
        manifest[$site]=$(realpath "$file")
    done
    plan=${PLAN:-$SITES_FROM/plan.yaml}
    [ -r "$plan" ] || { echo "$plan is not there: write the study's plan there, or name it with PLAN=FILE"; exit 1; }
else
    say "Making $cases heads of three sites that differ in scanner, contrasts and share of tumours, and 120 for judging"
    "$agent" synthesize --cases "$cases" --sites 3 --seed 7 --size 64 --out "$demo/cohort" | tail -1
    "$agent" synthesize --cases 120 --sites 3 --seed 8 --size 64 --out "$demo/judge" | tail -1
    # Of the heads for judging, half choose (select) and half are the locked test.
    # A patient stays in one half.
    awk -F, -v OFS=, '
        NR == 1 { for (i = 1; i <= NF; i++) { if ($i == "split") s = i; if ($i == "patient") p = i } }
        NR > 1 { if (!($p in half)) half[$p] = ++n % 2 ? "select" : "test"; $s = half[$p] }
        1' "$demo/judge/manifest.csv" > "$demo/judge/halves.csv"
    for n in 1 2 3; do manifest[site-$n]=$demo/cohort/site-$n/manifest.csv; done
    plan=$PWD/coordinator/demo/plan.yaml
fi
sites=$(printf '%s\n' "${!manifest[@]}" | sort)
# In a trial, the sites say of their data what the plan says.
origin=$(sed -n '/^governance:/,$ s/^ *data_declared: *\([a-z]*\).*/\1/p' "$plan" | head -1)

say "The coordinator: its authority, its keys, its listeners"
"$coordinator" init --address "127.0.0.1:$port" --name demo
if [ -z "${SITES_FROM:-}" ]; then
    cat >> "$demo/coordinator/coordinator.yaml" <<YAML
evaluation:
  - name: demo-select
    manifest: $demo/judge/halves.csv
    origin: synthetic
YAML
fi
background coordinator "$coordinator" serve
for _ in $(seq 100); do [ -S "$demo/coordinator/control.sock" ] && break; sleep 0.1; done

say "Sites enrol by one-time codes and make their own keys"
for site in $sites; do
    code=$("$coordinator" site add "$site" --yes-on-match | tail -1)
    printf '%s\n' "$code" | "$agent" enroll - --state "$demo/$site"
    cat > "$demo/$site/agent.yaml" <<YAML
data: ${manifest[$site]}
approve: {consent: automatic, update: automatic, evaluation: automatic, release: automatic}
origin: $origin
minimum: {cases: 1, cases_per_class: 1}
YAML
    background "$site" "$agent" up --state "$demo/$site"
done
"$coordinator" site list

say "The study"
"$coordinator" study create "$plan"
study=$(sed -n 's/^name: *//p' "$plan" | head -1)
"$coordinator" study start "$study"
"$coordinator" study watch "$study"
[ -n "${SITES_FROM:-}" ] || say "Rounds took $((SECONDS - began)) s with all before them"

say "The release"
"$coordinator" release create "$study-1" --study "$study"
"$coordinator" release promote "$study-1"
for site in $sites; do
    for _ in $(seq 300); do [ -e "$demo/$site/releases/$study-1/card.json" ] && break; sleep 0.1; done
done
first=$(printf '%s\n' $sites | head -1)

say "Site inference with the release, at $first"
data=$demo/judge/halves.csv
[ -z "${SITES_FROM:-}" ] || data=${manifest[$first]}
# Of the few cases of a trial with real scans no performance is shown.
"$agent" infer --state "$demo/$first" --release "$study-1" --data "$data" --split test --out "$demo/predictions/federated" |
    { if [ -z "${SITES_FROM:-}" ]; then tail -3; else sed '/ cases: /d' | tail -2; fi; }
if [ -n "${SITES_FROM:-}" ]; then
    say "Done: transcript and release in $demo/coordinator, predictions in $demo/predictions (no comparison from so few cases)"
    "$coordinator" verify
    exit 0
fi

say "The same training at each site alone, and on all heads in one place"
rounds=$(sed -n 's/^rounds: *//p' "$plan")
epochs=$((rounds * 2))
alone() { # name manifest
    "$agent" fit --data "$2" --task detection --preset small --epochs "$epochs" --batch 8 --rate 3e-4 --threads "$3" \
        --class-weights none --out "$demo/alone/$1" > "$demo/alone-$1.log" 2>&1
    "$agent" infer --model "$demo/alone/$1" --data "$data" --split test --out "$demo/predictions/$1" > /dev/null
}
mkdir -p "$demo/alone"
alone site-1 "${manifest[site-1]}" 1 & one=$!
alone site-2 "${manifest[site-2]}" 1 & two=$!
wait "$one" "$two"
alone site-3 "${manifest[site-3]}" 2
alone pooled "$demo/cohort/manifest.csv" 2

say "AUC on one locked test of $(grep -c ',test,' "$data") SYNTHETIC heads that no model has seen: shows that the chain works, not that it helps a patient"
printf '%-12s %6s   %s\n' model AUC '95 % interval'
for model in site-1 site-2 site-3 federated pooled; do
    awk -v model="$model" '
        /"auc" *:/ { split($0, a, ":"); auc = a[2] + 0; has = 1 }
        /"auc_interval"/ { inside = 1; next }
        inside && /[0-9]/ { bound[++n] = $1 + 0; if (n == 2) inside = 0 }
        END { if (has) printf "%-12s %6.3f   %.3f to %.3f\n", model, auc, bound[1], bound[2]; else printf "%-12s      –   too few cases\n", model }
    ' "$demo/predictions/$model/metrics.json"
done
echo
"$coordinator" verify
echo "transcript   $demo/coordinator/consilium.sqlite (coordinator --state $demo/coordinator study export demo DIR)"
echo "release      $demo/$first/releases/$study-1"
echo "predictions  $demo/predictions"
echo "took         $((SECONDS - began)) s"
[ -n "${ONCE:-}" ] || echo "The federation still serves. Stop it with make demo-stop; make demo-clean also removes its files."
