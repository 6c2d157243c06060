"""Small mistakes put into the program one at a time: do the tests notice each?

    python tools/mutants.py [--count 120] [--seed 1] [--jobs 2] [--rooms starts,analysis,records] [--out FILE]
    python tools/mutants.py --again FILE       # only those that survived the run that wrote FILE
    python tools/mutants.py --list

A mutant differs from the program in one comparison, constant, ``and``/``or``, ``min``/``max``, sign or statement. Which
are tried is decided by the seed and the code, evenly over rooms, kinds of change and files. Each is tried in a copy of
the tree against the tests of its module, whole reports and small logs, its room, and what else leans on that; the first
failure ends it. Survivors
are printed as diffs. Exits 1 when more than one in ten survives. ``tests/mutants.md`` says why the known ones live.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from random import Random

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("starts", "analysis", "records")
GENERAL = ("tests/reports/test_gold.py", "tests/cases", "tests/pastes")
MORE = {  # what else holds a room, behind its own tests
    "starts": ("tests/analysis",),
    "analysis": ("tests/starts",),
    "records": ("tests/testing/test_every_carrier.py", "tests/sources/test_inputs.py"),
}
NOT_OF_LOGS = "test_contributing.py"  # runs the tree in processes of its own
LIMIT_S = 1200  # of wall time for one mutant
TEST_LIMIT_S = 120  # of wall time for one test: a mutant may loop for ever
MOST_SURVIVORS = 0.1

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """``old`` at ``begin`` … ``end`` (offsets in the UTF-8 text of ``path``) becomes ``new``."""

    path: str
    line: int
    kind: str
    begin: int
    end: int
    new: str

    def text(self) -> str:
        data = (ROOT / self.path).read_bytes()
        return (data[: self.begin] + self.new.encode() + data[self.end :]).decode()

    def diff(self) -> str:
        before = (ROOT / self.path).read_text().splitlines(True)
        return "".join(difflib.unified_diff(before, self.text().splitlines(True), self.path, self.path, n=2))


# --- which mutants there are ----------------------------------------------------------------------------------------


def changes(node: ast.AST) -> Iterator[tuple[str, str]]:
    """``(kind, new source)`` of the ways to change this one node."""
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            ops: list[ast.cmpop] = [*node.ops[:at], COMPARISONS[type(op)](), *node.ops[at + 1 :]]
            yield "comparison", f"({ast.unparse(ast.Compare(node.left, ops, node.comparators))})"
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and/or", f"({ast.unparse(ast.BoolOp(other, node.values))})"
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
        yield "min/max", ast.unparse(ast.Call(ast.Name(CALLS[node.func.id]), node.args, node.keywords))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not", f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and not _is_text(node):
        sign = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "sign", f"({ast.unparse(ast.BinOp(node.left, sign, node.right))})"
    elif isinstance(node, ast.AugAssign | ast.Continue | ast.Break) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield "dropped", "pass"


def _constants(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, bool):
        yield "constant", repr(not value)
    elif isinstance(value, int):
        yield "constant", repr(value + 1)
        if value > 1:
            yield "constant", repr(value // 10 if value >= 20 else value - 1)
    elif isinstance(value, float):
        yield "constant", repr(value * 2 if value else 1.0)
        if value:
            yield "constant", repr(value / 2)


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(n, ast.JoinedStr | ast.List | ast.Tuple)
        or (isinstance(n, ast.Constant) and isinstance(n.value, str))
        for n in (node.left, node.right)
    )


def candidates(path: Path) -> list[Mutant]:
    """All mutants of a file. Annotations, decorators and f-strings (whose places Python 3.11 does not know) stay."""
    data = path.read_bytes()
    starts = [0]
    for row in data.splitlines(True):
        starts.append(starts[-1] + len(row))
    found = []

    def walk(node: ast.AST) -> None:
        for kind, new in changes(node):
            begin = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
            end = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
            found.append(Mutant(str(path.relative_to(ROOT)), node.lineno, kind, begin, end, new))  # type: ignore[attr-defined]
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list") or isinstance(node, ast.JoinedStr):
                continue
            if isinstance(node, ast.keyword) and node.arg == "strict":  # zip's: a guard for ourselves
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    walk(child)

    walk(ast.parse(data))
    return found


def chosen(rooms: Iterable[str], count: int, seed: int) -> list[Mutant]:
    """``count`` mutants, the same ones for the same seed and code: in turn by room, kind of change, and file."""
    picked: list[Mutant] = []
    rooms = list(rooms)
    for number, room in enumerate(rooms):
        random = Random(f"{seed} {room}")
        by_kind: dict[str, list[Mutant]] = defaultdict(list)
        for path in sorted((ROOT / "analyzer" / room).rglob("*.py")):
            for mutant in candidates(path):
                by_kind[mutant.kind].append(mutant)
        share = count // len(rooms) + (number < count % len(rooms))
        used: dict[str, int] = defaultdict(int)
        for mutants in by_kind.values():
            random.shuffle(mutants)
        kinds = sorted(by_kind)
        for turn in range(share):
            mutants = by_kind[kinds[turn % len(kinds)]] or max(by_kind.values(), key=len)
            if not mutants:
                break
            mutant = min(mutants, key=lambda one: used[one.path])  # the first in shuffled order of the least used file
            mutants.remove(mutant)
            used[mutant.path] += 1
            picked.append(mutant)
    return picked


# --- trying one -----------------------------------------------------------------------------------------------------


def tests_of(mutant: Mutant) -> list[str]:
    """Test files in the order in which they are likely to notice."""
    room, name = Path(mutant.path).parts[1], Path(mutant.path).stem
    of_room = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "tests" / room).glob("test_*.py"))]
    mirror = f"tests/{room}/test_{name}.py"
    wanted = dict.fromkeys([mirror, *GENERAL, *(path for path in of_room if NOT_OF_LOGS not in path), *MORE[room]])
    return [path for path in wanted if (ROOT / path).exists()]


def copied(folder: Path) -> Path:
    """The tree as it is here, without history and environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def run_tests(tree: Path, tests: list[str]) -> tuple[str, str]:
    """What became of the tests in a tree: passed, failed or time, and which test."""
    command = [
        sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "--no-header", "-rfE", "-p", "no:cacheprovider",
        "-p", "no:xdist", "--timeout", str(TEST_LIMIT_S), "--timeout-method=signal", *tests,
    ]  # fmt: skip
    env = os.environ | {"PYTHONPATH": str(tree), "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / ".hypothesis")}
    try:
        ran = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return "time", "the whole run"
    told = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if ran.returncode == 0:
        return "passed", ""
    return "failed", told[0] if told else (ran.stdout + ran.stderr)[-300:]


def attempt(mutant: Mutant, tree: Path) -> tuple[str, str, float]:
    """What the tests make of the mutant, and the seconds that took."""
    target = tree / mutant.path
    begun = time.monotonic()
    target.write_text(mutant.text())
    for stale in (target.parent / "__pycache__").glob(f"{target.stem}.*"):
        stale.unlink()
    try:
        outcome, told = run_tests(tree, tests_of(mutant))
    finally:
        shutil.copy2(ROOT / mutant.path, target)
        for stale in (target.parent / "__pycache__").glob(f"{target.stem}.*"):
            stale.unlink()
    return outcome, told, time.monotonic() - begun


def try_all(mutants: list[Mutant], jobs: int, out: Path | None) -> list[Mutant]:
    """Those that survive."""
    with tempfile.TemporaryDirectory(prefix="k3slog-mutants-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(jobs):
            trees.put(copied(Path(folder) / str(number)))
        survivors = []
        for room in {Path(mutant.path).parts[1]: mutant for mutant in mutants}.values():
            outcome, told = run_tests(Path(folder) / "0", tests_of(room))
            if outcome != "passed":
                raise SystemExit(f"without any mutant the tests do not pass: {told}")

        def one(mutant: Mutant) -> tuple[Mutant, str, str, float]:
            tree = trees.get()
            try:
                return mutant, *attempt(mutant, tree)
            finally:
                trees.put(tree)

        with ThreadPoolExecutor(jobs) as pool:
            for number, (mutant, outcome, told, took) in enumerate(pool.map(one, mutants), 1):
                print(f"[{number}/{len(mutants)}] {mutant.path}:{mutant.line} {mutant.kind}: {outcome}, {took:.0f} s"
                      f" {told[:110]}", flush=True)  # fmt: skip
                if outcome == "passed":
                    survivors.append(mutant)
                if out is not None:
                    with out.open("a") as file:
                        file.write(json.dumps(asdict(mutant) | {"outcome": outcome, "told": told}) + "\n")
    return survivors


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rooms", default=",".join(ROOMS))
    parser.add_argument("--out", type=Path, help="one JSON line per mutant is added to this file")
    parser.add_argument("--again", type=Path, help="try the survivors of the run that wrote this file, nothing else")
    parser.add_argument("--list", action="store_true", help="print the diffs, try nothing")
    options = parser.parse_args()
    if options.again is not None:
        rows = [json.loads(line) for line in options.again.read_text().splitlines()]
        mutants = [
            Mutant(*(row[name] for name in Mutant.__dataclass_fields__)) for row in rows if row["outcome"] == "passed"
        ]
    else:
        mutants = chosen(options.rooms.split(","), options.count, options.seed)
    if options.list:
        print(*(mutant.diff() for mutant in mutants), sep="\n")
        return 0
    survivors = try_all(mutants, options.jobs, options.out)
    for mutant in survivors:
        print(f"\nsurvived: {mutant.path}:{mutant.line} {mutant.kind}\n{mutant.diff()}")
    print(f"{len(mutants)} mutants, {len(survivors)} survived")
    return int(len(survivors) > MOST_SURVIVORS * len(mutants))


if __name__ == "__main__":
    sys.exit(main())
