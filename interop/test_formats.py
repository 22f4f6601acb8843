"""Other tools read what `trailseal verify` writes: jq, DuckDB and Python."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import support

try:
    import duckdb
except ImportError:
    duckdb = None


def archives() -> list[support.Fixture]:
    found = [support.demo()]
    if support.GOLDEN.is_dir():
        found.append(support.golden())
    return found


def written(fixture: support.Fixture, form: str) -> Path:
    """The output of `verify` in a format, as a file."""
    done = support.run("verify", fixture.root, "--keys", fixture.keys, "--format", form)
    if done.returncode != 0:
        raise AssertionError(f"verify of {fixture.name} ended with {done.returncode}:\n{done.stderr}")
    file = support.SCRATCH / f"{fixture.name}.{form}"
    file.write_text(done.stdout)
    return file


class Jq(unittest.TestCase):
    def setUp(self) -> None:
        if not shutil.which("jq"):
            support.skip_loudly("jq is not installed")

    def jq(self, file: Path, program: str, *options: str) -> str:
        done = subprocess.run(["jq", *options, program, file], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"jq {program}: {done.stderr}")
        return done.stdout

    def test_json(self) -> None:
        for fixture in archives():
            with self.subTest(fixture.name):
                file = written(fixture, "json")
                self.jq(file, '.schema == "trailseal.verify/1"', "-e")
                self.jq(file, '.verdict == "verified" and .exit_status == 0', "-e")
                self.jq(file, ".totals.digests | .found == .verified and .violated == 0 and .missing == 0", "-e")
                self.jq(file, ".totals.logs | .named == .verified and .unproven == 0", "-e")
                self.jq(file, "[.chains[].digests] | add == ($all | tonumber)", "-e", "--arg", "all", self.digests(file))
                self.jq(file, 'all(.chains[]; .kind == "standard" and (.proven | length) > 0 and .gaps == [])', "-e")
                self.jq(file, 'all(.findings[]; .severity == "note")', "-e")

    def digests(self, file: Path) -> str:
        return self.jq(file, ".totals.digests.found").strip()

    def test_json_lines(self) -> None:
        for fixture in archives():
            with self.subTest(fixture.name):
                lines, whole = written(fixture, "jsonl"), written(fixture, "json")
                count = 'map(select(.type == "digest")) | length'
                self.assertEqual(self.jq(lines, count, "-s").strip(), self.digests(whole))
                self.jq(lines, 'map(select(.type == "summary")) | length == 1', "-s", "-e")
                self.jq(lines, '[.[].type] - ["digest", "log", "finding", "chain", "summary"] == []', "-s", "-e")


class DuckDb(unittest.TestCase):
    def setUp(self) -> None:
        if duckdb is None:
            support.skip_loudly("the Python package duckdb is not installed")

    def rows(self, query: str, file: Path) -> list[tuple]:
        return duckdb.connect().execute(query, [str(file)]).fetchall()

    def test_json(self) -> None:
        for fixture in archives():
            with self.subTest(fixture.name):
                file = written(fixture, "json")
                query = "select verdict, exit_status, totals.logs.verified, len(chains) from read_json(?)"
                ((verdict, status, logs, chains),) = self.rows(query, file)
                expected = json.loads(file.read_text())["totals"]["logs"]["verified"]
                self.assertEqual((verdict, status, logs), ("verified", 0, expected))
                self.assertEqual(chains, len(fixture.chains))

    def test_json_lines(self) -> None:
        for fixture in archives():
            with self.subTest(fixture.name):
                file = written(fixture, "jsonl")
                query = (
                    "select type, count(*) from read_json(?, format = 'newline_delimited', sample_size = -1) "
                    "where type in ('digest', 'log') group by type"
                )
                totals = json.loads(written(fixture, "json").read_text())["totals"]
                expected = {"digest": totals["digests"]["found"], "log": totals["logs"]["named"]}
                self.assertEqual(dict(self.rows(query, file)), expected)


class Python(unittest.TestCase):
    def test_json_lines(self) -> None:
        for fixture in archives():
            with self.subTest(fixture.name):
                lines = written(fixture, "jsonl").read_text().splitlines()
                types = {json.loads(line)["type"] for line in lines}
                self.assertLessEqual({"digest", "log", "chain", "summary"}, types)

    def test_golden_counts(self) -> None:
        fixture = support.golden()
        report = json.loads(written(fixture, "json").read_text())
        self.assertEqual(report["totals"]["digests"]["verified"], 32)
        self.assertEqual(report["totals"]["logs"]["verified"], 246)

    def test_times_are_rfc_3339_utc(self) -> None:
        report = json.loads(written(support.demo(), "json").read_text())
        times = [time for chain in report["chains"] for span in chain["proven"] for time in span.values()]
        self.assertTrue(times)
        for time in times:
            self.assertRegex(time, re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"))

    def test_damage_is_named(self) -> None:
        """README's second step: one byte of a log, and the report names the file."""
        fixture = support.demo()
        root = support.SCRATCH / "demo-damaged"
        shutil.copytree(fixture.root, root)
        log = sorted(path for path in root.rglob("*_CloudTrail_*.json.gz") if path.is_file())[5]
        content = bytearray(log.read_bytes())
        content[len(content) // 2] ^= 1
        log.write_bytes(content)
        status, report = support.report(root, fixture.keys)
        self.assertEqual((status, report["verdict"], report["exit_status"]), (1, "violated", 1))
        (finding,) = [one for one in report["findings"] if one["severity"] == "violation"]
        self.assertIn(finding["code"], ("log_altered", "log_corrupt", "log_truncated"))
        self.assertTrue(finding["key"].endswith(log.name))


class Determinism(unittest.TestCase):
    def test_threads_do_not_matter(self) -> None:
        for fixture in archives():
            for form in ("json", "jsonl", "text", "aws"):
                with self.subTest(f"{fixture.name} {form}"):
                    outputs = {
                        support.run(
                            "verify", fixture.root, "--keys", fixture.keys, "--format", form, "--threads", threads
                        ).stdout
                        for threads in (1, 2, 2)
                    }
                    self.assertEqual(len(outputs), 1)
                    self.assertTrue(outputs.pop())


if __name__ == "__main__":
    unittest.main()
