"""Writes the parts of README.md that the program itself knows: a report of a sample log, and the list of commands.

Usage: ``python tools/refresh_readme.py [--check]``. ``--check`` only says whether the README is current (exit 1: not).
Each part stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
SAMPLE = "sample_logs/slow-rbac-one-core.short.txt"


def k3slog(*args: str) -> str:
    """Standard output of the command, run at the root as a reader of the README would."""
    command = [sys.executable, "-m", "analyzer.cli.main", *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def report() -> str:
    """The report, as typed and as printed."""
    return "\n".join(["```console", f"$ k3slog analyze {SAMPLE}", k3slog("analyze", SAMPLE).rstrip("\n"), "```"])


def commands() -> str:
    """A table of the commands with the sentence that the help gives each."""
    _, _, listed = k3slog("--help").partition("Commands:\n")
    rows = re.findall(r"^  (\w+) +(.+(?:\n {4,}.+)*)", listed, re.M)
    table = [f"| `k3slog {name}` | {' '.join(words.split())} |" for name, words in rows]
    return "\n".join(["| command | does |", "|---|---|", *table])


def refreshed(text: str) -> str:
    """``text`` with every part written anew."""
    for name, part in {"report": report, "commands": commands}.items():
        begin, end = f"<!-- begin {name} -->\n", f"\n<!-- end {name} -->"
        head, found_begin, rest = text.partition(begin)
        _, found_end, tail = rest.partition(end)
        if not (found_begin and found_end):
            raise SystemExit(f"refresh_readme: README.md has no part {name!r}")
        text = head + begin + part() + end + tail
    return text


def main() -> int:
    """Write, or compare with ``--check``."""
    before = README.read_text(encoding="utf-8")
    after = refreshed(before)
    if "--check" in sys.argv[1:]:
        if before != after:
            print("refresh_readme: README.md is not current; run `make docs`", file=sys.stderr)
        return int(before != after)
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
