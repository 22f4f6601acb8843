"""What the tests share: the binary under test, archives that it generates, and private copies of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import oracle

PROJECT = Path(__file__).resolve().parent.parent
TRAILSEAL = Path(os.environ.get("TRAILSEAL", PROJECT / "target/release/trailseal")).resolve()
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target")).resolve()
GOLDEN = PROJECT.parent / "shared/golden"
DEMO = PROJECT / "testdata/demo"

# Shape → the options of `trailseal generate` that make it.
COMMON = ["--hours", "10", "--start", "2024-03-01"]
EVENTS = ["--events-per-hour", "40"]
SHAPES: dict[str, list[str]] = {
    "organization": ["--accounts", "2", "--regions", "us-east-1,eu-west-1", "--organization-id", "o-exampleorgid"],
    "prefix": ["--accounts", "1", "--regions", "us-east-1,eu-west-1", "--prefix", "some/where"],
    "rotation": ["--accounts", "1", "--regions", "eu-west-1", "--rotate-keys-hours", "3"],
    "empty hours": ["--accounts", "1", "--regions", "us-east-1", "--empty-every", "2"],
    "gap": ["--accounts", "2", "--regions", "us-east-1", "--gap-at", "4", "--gap-hours", "2"],
    "backfill": ["--accounts", "1", "--regions", "us-east-1,eu-west-1", "--backfill", "4"],
    "single region": ["--accounts", "1", "--regions", "us-east-1,eu-west-1", "--single-region"],
    "no events": ["--accounts", "1", "--regions", "us-east-1", "--events-per-hour", "0"],
}

_scratch = tempfile.TemporaryDirectory(prefix="trailseal-interop-")
SCRATCH = Path(_scratch.name)


def skip_loudly(reason: str) -> None:
    """Skips the test, and says so where nobody can overlook it."""
    sys.stderr.write(f"\n*** SKIPPED: {reason}\n")
    raise unittest.SkipTest(reason)


NODE_MODULES = TARGET / "node"
OLD_NODE_MODULES = TARGET / "node-v2"
OLD_BOTO3 = TARGET / "boto3-2021/bin/python"


def require_node(package: str, folder: Path = NODE_MODULES) -> None:
    """Skips, loudly, where node or a package of npm is not installed."""
    if shutil.which("node") is None or not (folder / "node_modules" / package).is_dir():
        skip_loudly(f"node or npm's {package} is absent, so it is not held against the server")


def run_node(script: str, steps: Any, *arguments: str, **environment: str) -> Any:
    """Runs a script of node/ over AWS's SDK for JavaScript with JSON, and reads what it answers; any credentials."""
    known = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(SCRATCH),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE01",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_REGION": "us-east-1",
        "TRAILSEAL_NODE": str(NODE_MODULES),
    }
    done = subprocess.run(
        ["node", str(PROJECT / "interop/node" / script), *arguments],
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        env=known | environment,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"node ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs trailseal without a terminal and without colours."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CLICOLOR")}
    return subprocess.run(
        [TRAILSEAL, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment | {"NO_COLOR": "1"},
        timeout=300,
        check=False,
    )


class Fixture:
    """An undamaged archive with its keys, its chains and a time range that covers it."""

    def __init__(self, name: str, root: Path, keys: Path) -> None:
        self.name = name
        self.root = root
        self.keys = keys
        self.archive = oracle.Archive(root)
        self.public_keys = oracle.PublicKeys(keys)
        self.chains = oracle.chains(self.archive)
        self.start, self.end = oracle.cover(self.archive)
        self._trails = {chain: oracle.trail_settings(self.archive, chain) for chain in self.chains}

    def reference(
        self,
        chain: oracle.Chain,
        archive: oracle.Archive | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        verbose: bool = False,
    ) -> oracle.Outcome:
        """The reference's run over this archive, or over a damaged copy of it."""
        return oracle.validate(
            archive or self.archive,
            self.public_keys,
            chain,
            start or self.start,
            end or self.end,
            verbose=verbose,
            trail=self._trails[chain],
        )

    def ours(
        self,
        chain: oracle.Chain,
        root: Path | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        verbose: bool = False,
    ) -> oracle.Outcome:
        """Our run for the same."""
        done = run(
            *("verify", root or self.root, "--keys", self.keys, "--format", "aws"),
            *("--account", chain.account, "--region", chain.region, "--trail", chain.trail),
            *("--start-time", (start or self.start).strftime(oracle.ISO)),
            *("--end-time", (end or self.end).strftime(oracle.ISO)),
            *(["--verbose"] if verbose else []),
        )
        return oracle.Outcome(chain, done.stdout, done.stderr, done.returncode)


@cache
def generated(shape: str) -> Fixture:
    """An archive made by `trailseal generate`; made once for all tests."""
    out = SCRATCH / "generated" / shape.replace(" ", "-")
    options = SHAPES[shape]
    events = [] if EVENTS[0] in options else EVENTS
    seed = list(SHAPES).index(shape) + 1  # a seed decides the keys, and no two shapes should share theirs
    done = run("generate", out, "--seed", seed, *COMMON, *events, *options)
    if done.returncode != 0:
        raise AssertionError(f"trailseal generate ({shape}) ended with {done.returncode}:\n{done.stderr}")
    return Fixture(shape, out / "archive", out / "keys")


@cache
def golden() -> Fixture:
    """The archive of a writer that is not ours, with its keys in a folder of their own."""
    if not GOLDEN.is_dir():
        skip_loudly(f"{GOLDEN} is not there, so nothing is compared over the golden archive")
    copy = SCRATCH / "golden"
    shutil.copytree(GOLDEN / "golden-audit-logs", copy / "archive/golden-audit-logs")
    (copy / "keys").mkdir()
    for file in GOLDEN.glob("public-keys-*.json"):
        shutil.copy(file, copy / "keys")
    return Fixture("golden", copy / "archive", copy / "keys")


@cache
def demo() -> Fixture:
    """The committed demo archive."""
    return Fixture("demo", DEMO / "archive", DEMO / "keys")


def report(root: Path, keys: Path, *more: object) -> tuple[int, dict]:
    """Exit status and JSON report of `trailseal verify`."""
    done = run("verify", root, "--keys", keys, "--format", "json", *more)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError as error:
        raise AssertionError(f"no JSON report, exit {done.returncode}:\n{done.stdout[:500]}\n{done.stderr}") from error
