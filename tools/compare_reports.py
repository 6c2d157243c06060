"""Whether two checkouts say the same of the same logs: their JSON reports, field by field, but for sentences.

    python tools/compare_reports.py OTHER_CHECKOUT [FOLDER|FILE ...]

The other checkout analyses with this interpreter. Without folders: the sample logs, the data of its tests, and
the recordings that lie beside this checkout, where there are some. Exits 1 when something but a sentence differs, and
prints where.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SENTENCES = frozenset({"title", "detail", "advice", "sentence", "tool"})  # what may be worded otherwise, and by whom
NO_LOGS = (".md", ".py", ".toml", ".png", ".truth.json")
SHOWN = 20

DUMP = """
import contextlib, io, json, pathlib, sys
from analyzer.cli import main
out, files = pathlib.Path(sys.argv[1]), json.load(sys.stdin)
for number, name in enumerate(files):
    target = out / f"{number}.json"
    said = io.StringIO()
    sys.argv = ["k3slog", "analyze", name, "--format", "json", "-o", str(target), "--start", "all"]
    with contextlib.redirect_stderr(said):
        try:
            main.run()
            code = 0
        except SystemExit as end:
            code = end.code
    (out / f"{number}.said").write_text(json.dumps([code, said.getvalue().replace(str(target), "OUT")]))
"""


def inputs(names: list[str], other: Path) -> list[str]:
    shared = ROOT.parent / "shared"
    roots = [Path(name).resolve() for name in names] or [
        other / "sample_logs",
        other / "tests" / "data",
        other / "tests" / "cases",
        *(shared / name for name in ("real-k3s", "real-k3s-2", "samples", "cases")),
    ]
    found = (p for root in roots for p in ([root] if root.is_file() else sorted(root.rglob("*"))) if p.is_file())
    return [str(p) for p in found if not p.name.endswith(NO_LOGS)]


def dump(checkout: Path, files: list[str], out: Path) -> subprocess.Popen[str]:
    out.mkdir(parents=True)
    env = os.environ | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", DUMP, str(out)], env=env, cwd=checkout, stdin=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    json.dump(files, process.stdin)
    process.stdin.close()
    return process


def differences(a: Any, b: Any, where: str = "") -> Iterator[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            if key in SENTENCES and key in a and key in b:
                continue
            yield from differences(a.get(key, "(missing)"), b.get(key, "(missing)"), f"{where}.{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for number, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from differences(left, right, f"{where}[{number}]")
    elif a != b:
        yield f"{where}: {str(a)[:150]} | {str(b)[:150]}"


def compare(left: Path, right: Path, number: int) -> list[str]:
    said = [json.loads((side / f"{number}.said").read_text()) for side in (left, right)]
    found = list(differences(*said, "exit and stderr"))
    reports = [side / f"{number}.json" for side in (left, right)]
    if all(report.exists() for report in reports):
        found += differences(*(json.loads(report.read_text()) for report in reports))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("other", type=Path, help="a checkout to compare this one with")
    parser.add_argument("inputs", nargs="*", help="logs, or folders of logs")
    options = parser.parse_args()
    other = options.other.resolve()
    files = inputs(options.inputs, other)
    with tempfile.TemporaryDirectory() as folder:
        sides = [Path(folder) / "other", Path(folder) / "this"]
        processes = [dump(checkout, files, side) for checkout, side in zip((other, ROOT), sides, strict=True)]
        if any(process.wait() for process in processes):
            print("a checkout could not analyse; nothing was compared", file=sys.stderr)
            return 2
        found = {name: lines for n, name in enumerate(files) if (lines := compare(*sides, n))}
    for name, lines in list(found.items())[:SHOWN]:
        print(name, *lines[:SHOWN], sep="\n  ")
    print(f"{len(files)} logs compared, {len(found)} answered otherwise")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
