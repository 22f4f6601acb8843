"""Random archives, tampered with at random (`trailseal_testkit::tamper`), before `trailseal verify` and the reference.

Where the reference reports a problem, we report one too; where nothing was touched, both count the same files; and
whatever is missing or unsigned, by the generator's own knowledge, is not passed with status 0.

`TRAILSEAL_TAMPERINGS` is how many archives (30), `TRAILSEAL_SEED` the number of the first. `TRAILSEAL_TAMPER` is the
program that writes them, if it is not to be built: `cargo build -p trailseal-testkit --example tamper`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import oracle
import support

ARCHIVES = int(os.environ.get("TRAILSEAL_TAMPERINGS", "30"))
SEED = int(os.environ.get("TRAILSEAL_SEED", "0"))
BATCH = 50

# What the reference takes for damage and is none, with the reason (EXPECTED_DIFFERENCES of test_oracle.py).
HARMLESS_FOR_US = {
    "store inflated": "hashes are over inflated bytes, so an inflated copy is verifiable",
    "lose the sidecar of an interior digest": "a missing signature is not a false one: the successor vouches",
    "delete a sidecar": "the same, where the successor is there",
    "download twice": "it takes a digest's copy under another name for a digest out of its place",
    "a link that is another name": "it takes the other name for a file of its own",
    "add the attacker's own account": "its chain is what AWS signed; events in it end no trail",
    "replica": "it takes the copies' folders for the bucket's",
}


def write(first: int, count: int, out: Path) -> None:
    """Has archives written to `OUT/N`."""
    tamper = os.environ.get("TRAILSEAL_TAMPER")
    command = [tamper] if tamper else ["cargo", "run", "-q", "-p", "trailseal-testkit", "--example", "tamper", "--"]
    if not tamper and not shutil.which("cargo"):
        support.skip_loudly("there is no cargo to build the generator of tampered archives with")
    subprocess.run([*command, str(first), str(count), str(out)], cwd=support.PROJECT, check=True)


class Archive:
    """A tampered archive, what is true of it, and what the two validators say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.truth = json.loads((folder / "truth.json").read_bytes())
        self.steps = {name for name, _ in self.truth["steps"]}

    def ours(self) -> tuple[int, dict | None]:
        """Exit status and report of `trailseal verify`; no report where nothing could be verified."""
        roots = [self.folder / root for root in self.truth["roots"] if (self.folder / root).is_dir()]
        done = support.run("verify", *roots, "--keys", self.folder / "keys", "--format", "json")
        if done.returncode not in (0, 1, 2, 3):
            raise AssertionError(f"exit {done.returncode}: {done.stderr}")
        return done.returncode, json.loads(done.stdout) if done.returncode != 2 else None

    def reference(self) -> list[oracle.Outcome]:
        """The reference's runs, one for each chain whose digests lie in the layout."""
        root = self.folder / "archive"
        if not root.is_dir():
            return []
        archive = oracle.Archive(root)
        if not archive.digests():
            return []
        return oracle.validate_all(archive, oracle.PublicKeys(self.folder / "keys"))

    def __str__(self) -> str:
        lines = [f"archive {self.folder.name}", self.truth["summary"], *(f"- {step}" for step in self.truth["steps"])]
        lines += [f"must be told: {demand}" for demand in self.truth["demands"]]
        return "\n".join(lines)


class Tampering(unittest.TestCase):
    maxDiff = None

    def check(self, archive: Archive, counts: dict[str, int]) -> None:
        status, report = archive.ours()
        outcomes = archive.reference()
        problems = [outcome for outcome in outcomes if outcome.status != 0]
        counts["tampered"] += bool(archive.truth["demands"])
        counts["found by the reference"] += bool(problems)
        counts["found by us"] += status != 0
        if archive.truth["demands"]:
            self.assertNotEqual(status, 0, f"{archive}\nwe find nothing")
        if problems and not archive.steps & HARMLESS_FOR_US.keys():
            texts = "\n".join(f"{one.chain}\n{one.stdout}{one.stderr}" for one in problems)
            self.assertNotEqual(status, 0, f"{archive}\nthe reference finds, and we do not:\n{texts}")
        if not archive.steps:
            counts["untouched"] += 1
            self.check_clean(archive, report, outcomes)

    def check_clean(self, archive: Archive, report: dict | None, outcomes: list[oracle.Outcome]) -> None:
        expected = archive.truth["digests"], archive.truth["logs"]
        self.assertIsNotNone(report, str(archive))
        ours = report["totals"]["digests"]["verified"], report["totals"]["logs"]["verified"]
        self.assertEqual(ours, expected, f"{archive}\ndigests and logs that we call valid")
        digests = logs = 0
        for outcome in outcomes:
            self.assertEqual(outcome.status, 0, f"{archive}\nthe reference refuses {outcome.chain}:\n{outcome.stderr}")
            for kind, (valid, total) in outcome.counts().items():
                self.assertEqual(valid, total, f"{archive}\n{outcome.stdout}")
                digests += valid * (kind != "log")
                logs += valid * (kind == "log")
        # Where a chain goes on in another place, the reference follows it from both.
        if not archive.truth["moved"]:
            self.assertEqual((digests, logs), expected, f"{archive}\ndigests and logs that the reference calls valid")

    def test_what_the_reference_finds_we_find(self) -> None:
        counts = dict.fromkeys(("tampered", "untouched", "found by the reference", "found by us"), 0)
        first, left = SEED, ARCHIVES
        while left:
            with tempfile.TemporaryDirectory(prefix="trailseal-tampered-", dir=support.SCRATCH) as folder:
                write(first, min(BATCH, left), Path(folder))
                names = [path.name for path in Path(folder).iterdir()]
                for name in sorted(names):
                    with self.subTest(name):
                        self.check(Archive(Path(folder) / name), counts)
            numbers = [int(name) for name in names if name.isdigit()]
            left -= len(numbers)
            first = max(numbers) + 1
        print(f"\n{ARCHIVES} archives: {', '.join(f'{count} {what}' for what, count in counts.items())}")


if __name__ == "__main__":
    unittest.main()
