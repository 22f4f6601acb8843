#!/usr/bin/env python3
"""Times `trailseal verify` beside the code of `aws cloudtrail validate-logs`, on the same files in one run.

The reference is driven in-process by interop/oracle.py with stub clients, at its best: no network, no
interpreter start, keys and metadata listed before the clock starts, one `read` for each file. Ours is the
wall time of the whole process. Both run warm and take turns; the figures are medians.

    python benches/peers/time_awscli.py ARCHIVE --keys KEYS [--runs 5] [--threads 2] [--processes 1,2]
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "interop"))

import oracle  # noqa: E402


class LeanS3(oracle.StubS3):
    """The stub with everything but the reading of files done beforehand."""

    def __init__(self, archive: oracle.Archive) -> None:
        super().__init__(archive)
        self._objects = {
            (bucket, key): (str(archive.path(bucket, key)), archive.metadata(bucket, key))
            for bucket in archive.buckets
            for key in archive.keys(bucket)
        }

    def get_object(self, Bucket: str, Key: str) -> dict:
        try:
            path, metadata = self._objects[Bucket, Key]
        except KeyError:
            raise oracle.client_error("GetObject", "NoSuchKey", "The specified key does not exist.") from None
        with open(path, "rb", buffering=0) as file:
            return {"Body": io.BytesIO(file.read()), "Metadata": metadata}


def reference(root: str, keys: str, processes: int) -> dict:
    """Runs all chains of the archive once; says how long that took and what was found."""
    archive, public_keys = oracle.Archive(root), oracle.PublicKeys(keys)
    start, end = oracle.cover(archive)
    s3 = LeanS3(archive)
    sizes = Counter(digest.chain for digest in archive.digests())
    trails = {chain: oracle.trail_settings(archive, chain) for chain in sizes}

    def one(chain: oracle.Chain) -> oracle.Outcome:
        return oracle.validate(archive, public_keys, chain, start, end, trail=trails[chain], s3=s3)

    def several(chains: list[oracle.Chain]) -> list[oracle.Outcome]:
        return [one(chain) for chain in chains]

    order = [chain for chain, _ in sizes.most_common()]
    if processes == 1:
        began = time.perf_counter()
        outcomes = several(order)
        seconds = time.perf_counter() - began
    else:
        # Forked workers share what was listed above; each takes every n-th chain.
        Forked.work = several
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            began = time.perf_counter()
            outcomes = sum(pool.map(Forked.run, [order[at::processes] for at in range(processes)]), [])
            seconds = time.perf_counter() - began
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        for kind, (valid, total) in outcome.counts().items():
            counts["logs" if kind == "log" else "digests"] += valid
            counts["invalid"] += total - valid
    return {"seconds": seconds, "status": max(outcome.status for outcome in outcomes), **counts}


class Forked:
    """Holds what the forked workers run, which cannot be sent to them."""

    work = None

    @staticmethod
    def run(chains: list[oracle.Chain]) -> list[oracle.Outcome]:
        return Forked.work(chains)


def inflated_bytes(root: str) -> tuple[int, int, int]:
    """Inflated bytes (by the gzip trailers), log files and digests; reading them warms the cache."""
    total, logs, digests = 0, 0, 0
    for path in Path(root).rglob("*.json.gz"):
        content = path.read_bytes()
        total += int.from_bytes(content[-4:], "little")
        if "_CloudTrail-Digest_" in path.name:
            digests += 1
        else:
            logs += 1
    return total, logs, digests


def timed(arguments: list[str]) -> tuple[float, int, str]:
    """Wall seconds, peak resident KiB and stdout of a process that must succeed.

    The peak is read from /proc while the process runs: what wait4 reports would include this interpreter's
    own memory, which the child has for a moment before it becomes another program.
    """
    peak = 0
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as stdout:
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=stdout)
        while child.poll() is None:
            peak = max(peak, peak_memory(child.pid))
            time.sleep(0.005)
        seconds = time.perf_counter() - began
        stdout.seek(0)
        output = stdout.read()
    if child.returncode != 0:
        sys.exit(f"{arguments[0]} ended with {child.returncode}; the archive must be clean\n{output[-2000:]}")
    return seconds, peak, output


def peak_memory(pid: int) -> int:
    """KiB, or 0 once the process has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    return next((int(line[1]) for line in lines), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description="time the reference and trailseal on the same archive")
    parser.add_argument("archive")
    parser.add_argument("--keys", required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="threads of trailseal")
    parser.add_argument("--processes", default="1", help="processes of the reference, such as 1,2")
    parser.add_argument(
        "--trailseal", default=os.environ.get("TRAILSEAL", str(PROJECT / "target/release/trailseal"))
    )
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        json.dump(reference(options.archive, options.keys, options.worker), sys.stdout)
        return

    size, logs, digests = inflated_bytes(options.archive)
    print(f"{size / 1e6:.0f} MB inflated, {logs} log files, {digests} digests, {options.runs} runs")
    ours = [options.trailseal, "verify", options.archive, "--keys", options.keys, "--format", "json"]
    ours += ["--threads", str(options.threads)]
    rows: dict[str, list[tuple[float, int]]] = {}
    for _ in range(options.runs):
        for processes in map(int, options.processes.split(",")):
            worker = [sys.executable, __file__, options.archive, "--keys", options.keys]
            _, peak, output = timed([*worker, "--worker", str(processes)])
            done = json.loads(output)
            if (done["status"], done.get("digests"), done.get("logs", 0)) != (0, digests, logs):
                sys.exit(f"the reference did not find all files valid: {done}")
            rows.setdefault(f"awscli, {processes} process(es)", []).append((done["seconds"], peak))
        seconds, peak, output = timed(ours)
        totals = json.loads(output)["totals"]
        if (totals["digests"]["verified"], totals["logs"]["verified"]) != (digests, logs):
            sys.exit(f"trailseal did not verify all files: {totals}")
        rows.setdefault(f"trailseal, {options.threads} thread(s)", []).append((seconds, peak))

    *_, own = rows
    fastest = statistics.median(seconds for seconds, _ in rows[own])
    print(f"{'':26}{'median s':>10}{'min s':>9}{'max s':>9}{'MB/s':>8}{'peak MB':>9}{'ours is':>10}")
    for name, row in rows.items():
        times = [seconds for seconds, _ in row]
        median = statistics.median(times)
        peak = max(peak for _, peak in row) * 1024 / 1e6
        ratio = "" if name == own else f"{median / fastest:.2f} x"
        print(f"{name:26}{median:10.3f}{min(times):9.3f}{max(times):9.3f}{size / 1e6 / median:8.0f}{peak:9.1f}{ratio:>10}")


if __name__ == "__main__":
    main()
