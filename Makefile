# Consilium: every target does its own prerequisites.
SHELL := /bin/bash
DEBIAN_PACKAGES := libdnnl-dev libopenblas-dev libnifti-dev libdeflate-dev libpng-dev zlib1g-dev libssl-dev \
	libcurl4-openssl-dev libsqlite3-dev
SWIFT_FLAGS := -c release --disable-testable-imports
SWIFT_FILES := Package.swift Sources Tests agent coordinator Benchmarks

# The fuzz target is compiled by itself, from the NIfTI module's sources: instrumented, and not part of the build.
FUZZ_SECONDS ?= 600
FUZZ_SOURCES := $(wildcard Sources/NIfTI/*.swift) $(wildcard Tests/NIfTIFuzz/*.swift) \
	Tests/NIfTITests/ForgedFile.swift Tests/NIfTITests/StoredGzip.swift

.PHONY: deps build test soak demo demo-stop demo-clean bench bench-peers paper lint fuzz fuzz-minute clean

deps:
	@missing=$$(for p in $(DEBIAN_PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		sudo=$$([ $$(id -u) -eq 0 ] || echo sudo); \
		$$sudo apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing; \
	fi

build: deps
	swift build -c release

# One test at a time: real processes and sockets do not share two cores well with the simulation.
test: deps fuzz-minute
	stdbuf -oL swift test $(SWIFT_FLAGS) --no-parallel

# The long forms of what the tests do in minutes: seeds of the simulation, kills of real processes, bad lines.
soak: deps
	CONSILIUM_SEEDS=100000 CONSILIUM_KILLS=100 CONSILIUM_LINES=long swift test $(SWIFT_FLAGS) --no-parallel \
		--filter 'Simulation|Kill|LineTests'

demo: build
	@coordinator/demo/demo.sh

demo-stop:
	@coordinator/demo/demo.sh stop

demo-clean:
	@coordinator/demo/demo.sh clean

lint:
	swift format lint --strict --recursive $(SWIFT_FILES)

.build/fuzz/nifti: $(FUZZ_SOURCES) $(wildcard Sources/CNIfTI/*.c Sources/CNIfTI/include/* Sources/CDeflate/*)
	@mkdir -p .build/fuzz
	clang -O2 -g -fsanitize=fuzzer-no-link,address -ISources/CNIfTI/include -c Sources/CNIfTI/forward.c \
		-o .build/fuzz/forward.o
	swiftc -O -wmo -parse-as-library -swift-version 6 -enable-upcoming-feature InternalImportsByDefault \
		-package-name consilium -module-name Files -emit-module \
		-emit-module-path .build/fuzz/Files.swiftmodule -c $(wildcard Sources/Files/*.swift) -o .build/fuzz/files.o
	swiftc -O -gline-tables-only -wmo -sanitize=fuzzer,address -parse-as-library -swift-version 6 -package-name consilium \
		-module-name NIfTIFuzz -I.build/fuzz -ISources/CDeflate -ISources/CNIfTI/include $(FUZZ_SOURCES) \
		.build/fuzz/forward.o .build/fuzz/files.o \
		-lnifti2 -lznz -use-ld=lld -o $@

# What it finds is kept in fuzz/nifti: the corpus grows from run to run, a crash lies beside it.
fuzz: deps .build/fuzz/nifti
	@mkdir -p fuzz/nifti/corpus fuzz/nifti/seeds
	SWIFT_BACKTRACE=enable=no NIFTI_FUZZ_SEEDS=fuzz/nifti/seeds .build/fuzz/nifti fuzz/nifti/corpus fuzz/nifti/seeds \
		-max_total_time=$(FUZZ_SECONDS) -max_len=4096 -rss_limit_mb=512 -timeout=10 -artifact_prefix=fuzz/nifti/ \
		-print_final_stats=1 -print_funcs=0 -verbosity=0

fuzz-minute:
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=60

# Everything, or ONLY="round fold" for measurements whose names begin so.
ONLY ?=
bench: build
	.build/release/bench $(if $(ONLY),--only $(ONLY))

# The same work in other people's programs, in turn with ours: PyTorch and MONAI, Flower, NVFlare, each in a virtual
# environment of its own, since their requirements exclude each other.
PEERS := Benchmarks/peers
VENV = $(MAKE) --no-print-directory deps DEBIAN_PACKAGES=python3-venv && python3 -m venv $(@D:/bin=) && \
	$(@D)/pip install --quiet --requirement $< && touch $@
$(PEERS)/.venv/bin/python: $(PEERS)/requirements.txt
	$(VENV)
$(PEERS)/.venv-%/bin/python: $(PEERS)/requirements-%.txt
	$(VENV)

bench-peers: build $(PEERS)/.venv/bin/python $(PEERS)/.venv-flower/bin/python $(PEERS)/.venv-nvflare/bin/python
	.build/release/bench --peers $(PEERS) $(if $(ONLY),--only $(ONLY))

# The whole design in small, on made heads: software validation, no evidence. Stopped, it goes on where it was; hours.
# FULL=1 is a protocol of its own, with each site alone and five seeds: nine times as many trainings.
PAPER ?= .build/paper$(if $(FULL),-full)
paper: build
	.build/release/bench paper $(PAPER) $(if $(FULL),full)

clean:
	rm -rf .build $(PEERS)/.venv*
