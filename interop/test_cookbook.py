"""Every command of docs/cookbook.md runs as it is written there, on the demo archive, and finds something."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import unittest
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import support

COOKBOOK = support.PROJECT / "docs/cookbook.md"
NOTHING = "# prints nothing here"
BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Recipe:
    """A block of shell commands, and the line of the document on which it begins."""

    line: int
    commands: str

    @property
    def needs(self) -> list[str]:
        """Other programs that it calls and that may be absent."""
        return [name for name in ("jq", "duckdb") if re.search(rf"(^|[|;&]\s*){name}\b", self.commands, re.MULTILINE)]


def recipes(text: str) -> list[Recipe]:
    found = []
    for block in BLOCK.finditer(text):
        indent, commands = block.groups()
        lines = [line.removeprefix(indent) for line in commands.splitlines()]
        if any(re.search(r"\btrailseal\s", line) and not line.startswith("#") for line in lines):
            found.append(Recipe(text.count("\n", 0, block.start()) + 1, "\n".join(lines) + "\n"))
    return found


@cache
def kitchen() -> tuple[Path, dict[str, str]]:
    """A copy of what the paths in the document name, and a PATH on which `trailseal` is the binary under test."""
    folder = support.SCRATCH / "cookbook"
    shutil.copytree(support.PROJECT / "testdata", folder / "testdata")
    # Both ways to name it: from the project's folder, and from the demo's.
    for name in ("archive", "keys"):
        shutil.copytree(support.DEMO / name, folder / name)
    programs = support.SCRATCH / "cookbook-bin"
    programs.mkdir()
    (programs / "trailseal").symlink_to(support.TRAILSEAL)
    return folder, os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}


class Cookbook(unittest.TestCase):
    def test_recipes(self) -> None:
        if not COOKBOOK.is_file():
            support.skip_loudly(f"{COOKBOOK} is not there, so no recipe is tried")
        found = recipes(COOKBOOK.read_text())
        self.assertGreater(len(found), 0)
        folder, environment = kitchen()
        for recipe in found:
            absent = [name for name in recipe.needs if not shutil.which(name)]
            if absent:
                support.sys.stderr.write(
                    f"\n*** SKIPPED: the recipe on line {recipe.line} needs {' and '.join(absent)}\n"
                )
                continue
            with self.subTest(f"line {recipe.line}: {recipe.commands.splitlines()[0]}"):
                # Any command that fails ends the block, also in front of a pipe.
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", recipe.commands],
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=120,
                    check=False,
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                if NOTHING in recipe.commands:
                    self.assertEqual(done.stdout.strip(), "")
                else:
                    self.assertNotEqual(done.stdout.strip(), "", done.stderr)

    def test_blocks_are_found(self) -> None:
        text = "a\n```sh\ntrailseal query x\n```\n\n- b\n\n  ```sh\n  # c\n  trailseal keys y | jq .\n  ```\n```sh\nls\n```\n"
        first, second = recipes(text)
        self.assertEqual((first.line, first.commands, first.needs), (2, "trailseal query x\n", []))
        self.assertEqual((second.line, second.commands, second.needs), (8, "# c\ntrailseal keys y | jq .\n", ["jq"]))


if __name__ == "__main__":
    unittest.main()
