"""What the echo rounds of the peers share: the workload, processes and their figures.

Weights are `MB` million bytes of random fp32 numbers in equal tensors; site i (from 0) adds 0.5 (1 + i) to every weight
and counts 100 + i samples. The final weights are compared with the closed form. A round's seconds are the peer's own,
from the start of its configuration to the aggregated model; the first round, which starts everything, is left out.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time

TENSORS = {1: 4, 100: 50, 345: 150, 2024: 200}
TICKS = os.sysconf("SC_CLK_TCK")


def arguments():
    """MB SITES ROUNDS of the command line."""
    megabytes, sites, rounds = (int(x) for x in sys.argv[1:4])
    count = megabytes * 1_000_000 // 4 // TENSORS[megabytes]
    return megabytes, sites, rounds, TENSORS[megabytes], count


def environment(folder):
    """Without proxies and telemetry, with a home of its own, one thread a process for NumPy."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    programs = os.path.dirname(sys.executable)
    return kept | {
        "HOME": folder, "TMPDIR": folder, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1",
        "PATH": programs + ":" + kept["PATH"],
    }


class Processes:
    """Servers and sites as process trees, with the most memory and the processor time of each."""

    def __init__(self, folder):
        self.folder, self.roots, self.children = folder, {}, []
        self.peaks, self.ticks = {}, {}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def start(self, name, command, env):
        log = open(os.path.join(self.folder, name + ".log"), "w")
        child = subprocess.Popen(
            command, env=env, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.children.append(child)
        self.roots[child.pid] = name
        return child

    def log(self, name):
        with open(os.path.join(self.folder, name + ".log")) as file:
            return file.read()

    def _trees(self):
        """Processes below each root, by its name; children that outlive their parent stay with it."""
        parents = {}
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                parents[int(entry)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
            except (OSError, ValueError, IndexError):
                continue
        owner = {pid: name for pid, name in self.roots.items() if pid in parents}
        owner |= {pid: name for (name, pid) in list(self.ticks) if pid in parents}
        grown = True
        while grown:
            more = {p: owner[pp] for p, (pp, _) in parents.items() if p not in owner and pp in owner}
            owner |= more
            grown = bool(more)
        return owner, parents

    def _watch(self):
        while not self.stopping.wait(0.1):
            owner, parents = self._trees()
            for pid, name in owner.items():
                self.ticks[name, pid] = parents[pid][1]
                try:
                    with open(f"/proc/{pid}/status") as file:
                        peak = [line for line in file if line.startswith("VmHWM")]
                    self.peaks[name, pid] = int(peak[0].split()[1]) * 1024 / 1e6
                except (OSError, IndexError):
                    continue

    def processor_seconds(self):
        return sum(self.ticks.values()) / TICKS

    def peak(self, name):
        """Megabytes, VmHWM summed over the processes of a root."""
        return sum(peak for (owner, _), peak in list(self.peaks.items()) if owner == name)

    def end(self):
        """Ends what was started here, by number."""
        owner, _ = self._trees()
        self.stopping.set()
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for pid in owner:
                try:
                    os.kill(pid, sign)
                except OSError:
                    pass
            for child in self.children:
                try:
                    child.wait(4)
                except subprocess.TimeoutExpired:
                    pass


class Events:
    """Lines of JSON that the peer's own process writes."""

    def __init__(self, path):
        self.path = path

    def read(self):
        try:
            with open(self.path) as file:
                return [json.loads(line) for line in file if line.endswith("\n")]
        except OSError:
            return []


def follow(processes, events, rounds, limit, failed):
    """Waits for the end.

    Returns seconds of each round and the processor seconds between the ends of the first and the last.
    """
    end = time.monotonic() + limit
    marks = {}
    while time.monotonic() < end:
        seen = events.read()
        ended = sum(event["event"] == "aggregated" for event in seen)
        marks.setdefault(ended, processes.processor_seconds())
        done = [event for event in seen if event["event"] == "done"]
        if done:
            if done[0]["error"] > 1e-3:
                raise SystemExit(f"the final weights are off by {done[0]['error']}")
            starts = {e["round"]: e["time"] for e in seen if e["event"] == "start"}
            ends = {e["round"]: e["time"] for e in seen if e["event"] == "aggregated"}
            return [ends[r] - starts[r] for r in sorted(ends)], marks[max(marks)] - marks.get(1, 0)
        problem = failed()
        if problem:
            raise SystemExit(problem)
        time.sleep(0.1)
    raise SystemExit(f"the rounds did not end in {limit} s; see {processes.folder}")


def report(processes, server, sites, seconds, processor, megabytes):
    """The figures as one line of JSON, under the names our own have."""
    counted = sorted(seconds[1:]) or seconds
    moved = 2 * len(sites) * megabytes * max(len(seconds) - 1, 1) / 1000
    print(json.dumps({
        "seconds": counted[len(counted) // 2], "cpu_seconds_per_gb": processor / moved,
        "coordinator_peak_mb": processes.peak(server), "agent_peak_mb": max(processes.peak(site) for site in sites),
    }))
