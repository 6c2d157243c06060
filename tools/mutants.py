"""Small mistakes put into the program one at a time: do the tests notice each?

    python tools/mutants.py [--count 120] [--seed 1] [--jobs 2] [--rooms starts,analysis,records] [--out FILE]
    python tools/mutants.py --again FILE [--wide]  # only those that survived the run that wrote FILE, by more tests
    python tools/mutants.py --list

A mutant differs from the program in one comparison, constant, ``and``/``or``, ``min``/``max``, sign or statement. Which
are tried is decided by the seed and the code, evenly over rooms, kinds of change and files. Each is tried in a copy of
the tree against the tests of its module, of its room, whole reports and small logs; the first failure ends it.
Survivors are printed as diffs. Exits 1 when more than one in ten survives. ``tests/mutants.md`` says why the known ones
live.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("starts", "analysis", "records")
GENERAL = ["tests/reports/test_gold.py", "tests/cases", "tests/pastes"]
MORE = {  # with --wide: what else holds a room
    "starts": ["tests/analysis"],
    "analysis": ["tests/starts"],
    "records": ["tests/testing/test_every_carrier.py", "tests/sources/test_inputs.py"],
}
WIDE = ["tests/test_recorded.py", "tests/test_generated.py", "tests/test_mutations.py", "tests/testing"]  # with --wide
LAST = ("test_findings_recorded.py", "test_findings_generated.py")  # longer than all the others of their room together
NEVER = ("test_contributing.py",)  # runs the tree in processes of its own
LOADED_ONCE = ("hypothesis", "numpy", "pandas", "jinja2", "typer", "rich.console", "rich.table", "plotly")  # of others
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
    by_room: list[list[Mutant]] = []
    rooms = list(rooms)
    for number, room in enumerate(rooms):
        random = Random(f"{seed} {room}")
        by_kind: dict[str, list[Mutant]] = defaultdict(list)
        for path in sorted((ROOT / "analyzer" / room).rglob("*.py")):
            for mutant in candidates(path):
                by_kind[mutant.kind].append(mutant)
        picked: list[Mutant] = []
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
        by_room.append(picked)
    return [mutant for turn in zip_longest(*by_room) for mutant in turn if mutant is not None]


# --- trying one -----------------------------------------------------------------------------------------------------


def stages_of(mutant: Mutant, wide: bool) -> list[list[str]]:
    """Test files, in the order in which they are likely to notice, cheap ones first."""
    room, name = Path(mutant.path).parts[1], Path(mutant.path).stem
    mirror = ROOT / "tests" / Path(mutant.path).relative_to("analyzer").with_name(f"test_{name}.py")
    of_room = [path for path in _files(f"tests/{room}") if path != mirror]
    long = [path for path in of_room if path.name in LAST]
    general = [path for more in GENERAL for path in _files(more)]
    stages = [[mirror], [path for path in of_room if path not in long], general, long]
    if wide:
        stages.append([path for more in (*MORE[room], *WIDE) for path in _files(more) if path not in of_room])
    return [[str(path.relative_to(ROOT)) for path in stage if path.exists()] for stage in stages]


def _files(place: str) -> list[Path]:
    path = ROOT / place
    return [one for one in (sorted(path.rglob("test_*.py")) if path.is_dir() else [path]) if one.name not in NEVER]


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


def run_tests(tree: Path, stages: list[list[str]], said: Path) -> None:
    """In a process of its own: the stages one after the other until something fails. Exits 0 when nothing did."""
    with said.open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    os.chdir(tree)
    os.environ |= {"PYTHONPATH": str(tree), "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / ".hypothesis")}
    sys.path[0] = str(tree)
    options = ["-x", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", "-p", "no:xdist"]
    options += ["--timeout", str(TEST_LIMIT_S), "--timeout-method=signal"]
    for stage in stages:
        there = [path for path in stage if Path(path).exists()]  # one that was added since the copy notices nothing
        if there and (code := int(pytest.main([*options, *there]))):
            os._exit(code)
    os._exit(0)


@dataclass
class Trial:
    """A process that tries one mutant, or none, in one of the trees."""

    mutant: Mutant
    tree: Path
    wide: bool
    pristine: bool = False

    def __post_init__(self) -> None:
        self.said = self.tree.with_name(f"{self.tree.name}.txt")
        self.begun = time.monotonic()
        if not self.pristine:
            self._put(self.mutant.text())
        fork = multiprocessing.get_context("fork")
        self.process = fork.Process(target=run_tests, args=(self.tree, stages_of(self.mutant, self.wide), self.said))
        self.process.start()

    def _put(self, text: str) -> None:
        target = self.tree / self.mutant.path
        target.write_text(text)
        for stale in (target.parent / "__pycache__").glob(f"{target.stem}.*"):
            stale.unlink()

    def result(self) -> tuple[str, str] | None:
        """What became of it (passed, failed or time), and which test said so; ``None`` while it runs."""
        late = time.monotonic() - self.begun > LIMIT_S
        if self.process.is_alive() and not late:
            return None
        if late:
            self.process.kill()
        self.process.join()
        self._put((ROOT / self.mutant.path).read_text())
        if late:
            return "time", "the whole run"
        if self.process.exitcode == 0:
            return "passed", ""
        said = self.said.read_text()
        return "failed", next((line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))), said[-200:])


def try_all(mutants: list[Mutant], jobs: int, out: Path | None, wide: bool, first_without: bool) -> list[Mutant]:
    """Those that survive."""
    survivors = []
    with tempfile.TemporaryDirectory(prefix="k3slog-mutants-") as folder:
        free = [copied(Path(folder) / str(number)) for number in range(jobs)]
        without = {Path(mutant.path).parts[1]: mutant for mutant in mutants}.values()
        waiting = [(mutant, True) for mutant in without if first_without] + [(mutant, False) for mutant in mutants]
        running: list[Trial] = []
        done = 0
        while waiting or running:
            while waiting and free:
                mutant, pristine = waiting.pop(0)
                running.append(Trial(mutant, free.pop(), wide, pristine))
            time.sleep(0.05)
            for trial in list(running):
                if (result := trial.result()) is None:
                    continue
                running.remove(trial)
                free.append(trial.tree)
                outcome, told = result
                if trial.pristine:
                    if outcome != "passed":
                        raise SystemExit(f"without any mutant the tests do not pass: {told}")
                    continue
                done += 1
                mutant, took = trial.mutant, time.monotonic() - trial.begun
                print(f"[{done}/{len(mutants)}] {mutant.path}:{mutant.line} {mutant.kind}: {outcome}, {took:.0f} s"
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
    parser.add_argument("--skip", type=int, default=0, help="leave out the first so many")
    parser.add_argument("--wide", action="store_true", help="besides, try recordings and generated journals")
    parser.add_argument("--skip-first-run", action="store_true", help="do not try the tests without a mutant first")
    parser.add_argument("--list", action="store_true", help="print the diffs, try nothing")
    options = parser.parse_args()
    if options.again is not None:
        rows = [json.loads(line) for line in options.again.read_text().splitlines()]
        mutants = [
            Mutant(*(row[name] for name in Mutant.__dataclass_fields__)) for row in rows if row["outcome"] == "passed"
        ]
    else:
        mutants = chosen(options.rooms.split(","), options.count, options.seed)
    mutants = mutants[options.skip :]
    if options.list:
        print(*(mutant.diff() for mutant in mutants), sep="\n")
        return 0
    for name in LOADED_ONCE:
        importlib.import_module(name)
    survivors = try_all(mutants, options.jobs, options.out, options.wide, not options.skip_first_run)
    for mutant in survivors:
        print(f"\nsurvived: {mutant.path}:{mutant.line} {mutant.kind}\n{mutant.diff()}")
    print(f"{len(mutants)} mutants, {len(survivors)} survived")
    return int(len(survivors) > MOST_SURVIVORS * len(mutants))


if __name__ == "__main__":
    sys.exit(main())
