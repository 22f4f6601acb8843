#!/usr/bin/env python3
"""Times `trailseal query` beside jq, DuckDB, chDB, polars and a Python script, on the same six questions.

All of them read the same archive in one run and take turns; every figure is the median of the wall time of a whole
process, its start included, with two threads or processes and a warm page cache, its rows thrown away. A peer is
timed only where its rows are those of the reference (ask_orjson.py): the same event ids, the same counts.

    python3 -m venv target/venv-peers
    target/venv-peers/bin/pip install -r benches/peers/requirements.txt
    target/venv-peers/bin/python -B benches/peers/time_queries.py target/bench/medium/archive \
        --keys target/bench/medium/keys [--runs 5] [--only Q1,Q4] [--peers chDB,DuckDB] [--show] [--index]

With `--index`, an index is made beforehand, as the Parquet file is, and what peers are compared with is the answer with it; that
without it (`--no-index`) is timed beside it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import select
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from questions import ALL_LOGS, QUESTIONS, TOP, Questions, choose, read_answer

PROJECT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
THREADS = 2


def ours(asked: Questions, keys: str | None, index: Path | None) -> dict[str, dict[str, list[str]]]:
    """Question → how trailseal is asked it, by name. The first one is what peers are compared with."""
    root, lines = asked.archive, ["-t", "jsonl", "-q", "--threads", str(THREADS)]
    in_hour = ["--access-key", asked.access_key, "--from", asked.first, "--to", asked.last]
    hour = {"trailseal, files chosen by name": ["query", root, *in_hour, *lines]}
    if keys:
        verified = {"trailseal --verified-with": ["query", root, *in_hour, "--verified-with", keys, *lines]}
        hour = hour | verified if index else verified | hour
    names = [word for name in asked.common_names for word in ("--event-name", name)]
    all_of_ours = {
        "Q1": {"trailseal": ["query", root, "--event-name", asked.rare_name, *lines]},
        "Q2": {"trailseal": ["query", root, *names, *lines]},
        "Q3": hour,
        "Q4": {"trailseal": ["query", root, "--where", f"eventID = '{asked.event_id}'", *lines]},
        "Q5": {"trailseal": ["query", root, "--count-by", "eventName", "--top", str(TOP), *lines]},
        "Q6": {"trailseal": ["query", root, "--error=AccessDenied", "--count-by", "userIdentity.arn", *lines]},
    }
    if index is None:
        return {q: {name: [*words, "--no-index"] for name, words in own.items()} for q, own in all_of_ours.items()}
    return {
        q: {f"{name}, index": [*words, "--index-dir", str(index)] for name, words in own.items()}
        | {f"{name}, no index": [*words, "--no-index"] for name, words in own.items()}
        for q, own in all_of_ours.items()
    }


# Name → (script, what it needs, whether it reads the Parquet file). The reference comes first.
PEERS: dict[str, tuple[str, str, bool]] = {
    "Python: gzip, orjson": ("ask_orjson.py", "orjson", False),
    "chDB": ("ask_chdb.py", "chdb", False),
    "DuckDB, tuned": ("ask_duckdb.py", "duckdb", False),
    "polars": ("ask_polars.py", "polars", False),
    "zcat, jq": ("ask_jq.sh", "jq", False),
    "chDB on Parquet": ("ask_chdb.py", "chdb", True),
    "DuckDB on Parquet": ("ask_duckdb.py", "duckdb", True),
}
REFERENCE = next(iter(PEERS))


@dataclass
class Measured:
    """The runs of one program on one question."""

    seconds: list[float] = field(default_factory=list)
    peak: int = 0
    rows: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


class Failed(Exception):
    """A program did not end with status 0."""


def measure(command: list[str], output: Path | None = None) -> tuple[float, int]:
    """Wall seconds and peak resident bytes of a command and its children, which run at the same time.

    Memory is read from /proc now and then while they run: what wait4 reports would include this interpreter's own,
    which the child has for a moment before it becomes another program.
    """
    with open(output or os.devnull, "wb") as stdout, tempfile.TemporaryFile() as stderr:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=HERE)
        ended = select.poll()
        pidfd = os.pidfd_open(child.pid)
        ended.register(pidfd, select.POLLIN)
        peak, pause = 0, 2
        while not ended.poll(pause):
            peak = max(peak, tree_memory(child.pid))
            pause = min(pause + 1, 20)
        seconds = time.perf_counter() - began
        os.close(pidfd)
        if child.wait() != 0:
            stderr.seek(0)
            raise Failed(f"status {child.returncode}: {stderr.read().decode(errors='replace').strip()[-1000:]}")
    return seconds, peak


def tree_memory(pid: int) -> int:
    """Peak resident bytes of a process, and of the children that it has now; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    return own + sum(tree_memory(int(child)) for child in children)


def inflated_bytes(archive: str) -> tuple[int, int]:
    """Inflated bytes of the log files (by their gzip trailers) and their number; reading them warms the cache."""
    total = files = 0
    for path in Path(archive).glob(ALL_LOGS):
        total += int.from_bytes(path.read_bytes()[-4:], "little")
        files += 1
    return total, files


class Timing:
    """Everything that takes part, and what was measured."""

    def __init__(self, options: argparse.Namespace, scratch: Path) -> None:
        self.options = options
        self.scratch = scratch
        self.asked, self.records = self.parameters()
        self.parameter_file = scratch / "parameters.json"
        self.asked.save(self.parameter_file)
        self.parquet = scratch / "records.parquet"
        self.index = scratch / "index" if options.index else None
        self.measured: dict[str, dict[str, Measured]] = defaultdict(dict)
        self.remarks: list[str] = []

    def parameters(self) -> tuple[Questions, int]:
        began = time.perf_counter()
        asked, records = choose(str(Path(self.options.archive).resolve()))
        print(f"chose the parameters in {time.perf_counter() - began:.1f} s", file=sys.stderr)
        return asked, records

    def participants(self) -> dict[str, list[str]]:
        """Peer → its command without the question, for those that can run here."""
        chosen = self.options.peers.split(",") if self.options.peers else None
        commands = {}
        for name, (script, needs, on_parquet) in PEERS.items():
            if chosen and name != REFERENCE and not any(name.startswith(one) for one in chosen):
                continue
            present = shutil.which(needs) if needs == "jq" else importlib.util.find_spec(needs)
            if not present:
                if name == REFERENCE:
                    sys.exit("the reference needs orjson: pip install -r benches/peers/requirements.txt")
                self.remarks.append(f"{name}: not timed, {needs} is not installed")
                continue
            interpreter = ["sh"] if script.endswith(".sh") else [sys.executable, "-B"]
            more = ["--parquet", str(self.parquet)] if on_parquet else []
            commands[name] = [*interpreter, str(HERE / script), "{question}", str(self.parameter_file), *more]
        self.remarks.append("suzaku: not timed, there is no crate of that name in the crates registry")
        return commands

    def convert(self, peers: dict[str, list[str]]) -> None:
        """Makes the Parquet file, for those that read one."""
        on_parquet = [name for name in peers if PEERS[name][2]]
        if not on_parquet:
            return
        if not importlib.util.find_spec("duckdb"):
            for name in on_parquet:
                del peers[name]
            self.remarks.append("Parquet: not timed, duckdb is not installed, which makes the file")
            return
        script = [sys.executable, "-B", str(HERE / "ask_duckdb.py"), "convert", str(self.parameter_file)]
        seconds, peak = measure([*script, "--parquet", str(self.parquet)])
        size = self.parquet.stat().st_size
        self.remarks.append(
            f"conversion to Parquet, not part of any figure: {seconds:.1f} s, peak {peak / 1e6:.0f} MB, "
            f"{size / 1e6:.0f} MB of zstd"
        )

    def make_index(self) -> None:
        """Makes the index, and brings it up to date when nothing has changed."""
        if self.index is None:
            return
        program = str(Path(self.options.trailseal).resolve())
        command = [program, "index", self.asked.archive, "--index-dir", str(self.index), "-q", "--threads", str(THREADS)]
        seconds, peak = measure(command)
        again, _ = measure(command)
        size = sum(path.stat().st_size for path in self.index.rglob("*") if path.is_file())
        self.remarks.append(
            f"index, not part of any figure: {seconds:.1f} s, peak {peak / 1e6:.0f} MB, {size / 1e6:.1f} MB; "
            f"brought up to date, with nothing to do: {again:.3f} s"
        )

    def commands(self, question: str, peers: dict[str, list[str]]) -> dict[str, list[str]]:
        own = ours(self.asked, self.options.keys, self.index)[question]
        every = {name: [str(Path(self.options.trailseal).resolve()), *words] for name, words in own.items()}
        return every | {
            name: [question if word == "{question}" else word for word in words] for name, words in peers.items()
        }

    def check(self, question: str, commands: dict[str, list[str]]) -> None:
        """One run of each as a warm-up; leaves those out whose answer is not the reference's."""
        # in the order of the table
        self.measured[question] = {name: Measured() for name in commands}
        expected = None
        for name in [REFERENCE, *(name for name in commands if name != REFERENCE)]:
            answer, one = self.scratch / "answer.jsonl", self.measured[question][name]
            try:
                measure(commands[name], answer)
                rows, found = read_answer(question, answer.read_bytes().splitlines())
            except (Failed, OSError, ValueError, KeyError) as error:
                if name == REFERENCE:
                    raise
                self.leave_out(question, commands, name, f"failed: {error}")
                continue
            expected = expected or (rows, found)
            if (rows, found) == expected:
                one.rows = rows
            else:
                self.leave_out(question, commands, name, f"answers with other rows ({rows}, not {expected[0]})")

    def leave_out(self, question: str, commands: dict[str, list[str]], name: str, reason: str) -> None:
        del commands[name], self.measured[question][name]
        self.remarks.append(f"{question}, {name}: not timed, {reason}")
        print(self.remarks[-1], file=sys.stderr)

    def run(self) -> None:
        peers = self.participants()
        self.convert(peers)
        self.make_index()
        chosen = self.options.only.split(",") if self.options.only else list(QUESTIONS)
        commands = {question: self.commands(question, peers) for question in chosen}
        for question in chosen:
            print(f"checking {question}", file=sys.stderr)
            self.check(question, commands[question])
        for at in range(self.options.runs):
            print(f"run {at + 1} of {self.options.runs}", file=sys.stderr)
            for question in chosen:
                for name, command in commands[question].items():
                    one = self.measured[question][name]
                    if one.seconds and one.median > self.options.slow:
                        continue
                    seconds, peak = measure(command)
                    one.seconds.append(seconds)
                    one.peak = max(one.peak, peak)

    def report(self) -> None:
        size, files = inflated_bytes(self.asked.archive)
        print(
            f"{size / 1e6:.1f} MB inflated, {files} log files, {self.records} records, {THREADS} threads, "
            f"median of {self.options.runs} (n=1: slower than {self.options.slow} s). MB/s: of all log files.\n"
        )
        for question, measured in self.measured.items():
            own = next((one for name, one in measured.items() if name.startswith("trailseal")), None)
            rows = next(iter(measured.values())).rows
            print(f"### {question}: {QUESTIONS[question]} ({rows} rows)\n")
            print("| | s | MB/s | peak MB | ours is |\n| --- | --- | --- | --- | --- |")
            for name, one in measured.items():
                ratio = "" if own is None or one is own else f"{one.median / own.median:.2f} x"
                once = " (n=1)" if len(one.seconds) == 1 < self.options.runs else ""
                rate = size / 1e6 / one.median
                print(f"| {name}{once} | {one.median:.3f} | {rate:,.0f} | {one.peak / 1e6:.0f} | {ratio} |")
            print()
        print("\n".join(f"- {remark}" for remark in self.remarks))


def show(timing: Timing) -> None:
    peers = timing.participants()
    for question in QUESTIONS:
        print(f"\n{question}: {QUESTIONS[question]}")
        for name, command in timing.commands(question, peers).items():
            print(f"  {name}: {shlex.join(command)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="time trailseal query and its peers on the same questions")
    parser.add_argument("archive", help="a folder that holds buckets, as `trailseal generate` makes it")
    parser.add_argument("--keys", help="public keys, for Q3 with --verified-with")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--slow", type=float, default=4.7, help="what takes longer than these seconds runs once")
    parser.add_argument("--only", help="questions, as Q1,Q4")
    parser.add_argument("--peers", help="peers by the beginning of their names, as chDB,DuckDB")
    parser.add_argument("--index", action="store_true", help="with an index that is made beforehand, too")
    parser.add_argument("--show", action="store_true", help="print the commands and end")
    parser.add_argument("--trailseal", default=os.environ.get("TRAILSEAL", str(PROJECT / "target/release/trailseal")))
    options = parser.parse_args()
    if options.keys:
        options.keys = str(Path(options.keys).resolve())
    with tempfile.TemporaryDirectory(prefix="trailseal-peers-") as scratch:
        timing = Timing(options, Path(scratch))
        if options.show:
            show(timing)
            return
        timing.run()
        timing.report()


if __name__ == "__main__":
    main()
