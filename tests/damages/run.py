"""Damages recordings in every way and counts false claims, as a command::

    python -m tests.damages.run DIR… [--only DAMAGE,…] [--carrier short,cat] [--name TEXT] [--sample N] [--seed N]
                                   [--jobs 2] [--verbose] [--write OUT]

Without DIR: the recordings kept for the tests. ``--sample N`` takes N recordings, evenly spread. ``--write OUT`` keeps
the text of every case with a false claim. Ends with exit 1 when there was any.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.damages.damages import DAMAGES, Damaged, Part, damaged
from tests.damages.judge import Tally, judge
from tests.kit.judge_mutations import rows_of, truth_of
from tests.kit.score_recorded import recordings


@dataclass(frozen=True)
class Case:
    """One text: a recording, what happens to it, and the carrier."""

    recording: Path
    damage: str
    carrier: str
    seed: int = 0

    def __str__(self) -> str:
        name = self.recording.name.removesuffix(".export.gz")
        return f"{name}.{self.damage}.{self.carrier}" + (f".{self.seed}" if self.seed else "")


# --- one case -------------------------------------------------------------------------------------------------------


@cache
def part_of(recording: Path) -> Part:
    """A recording and its truth."""
    rows = rows_of(recording)
    return Part(recording.name.removesuffix(".export.gz"), rows, rows, truth_of(recording))


def companions(found: Sequence[Path]) -> list[Path]:
    """A few servers' recordings, evenly spread: what is put into one text with another."""
    servers = [path for path in found if ".w." not in path.name]
    return servers[:: max(1, len(servers) // 8)][:8]


def text_of(case: Case, others: Sequence[Path]) -> Damaged:
    """The damaged text."""
    return damaged(case.damage, part_of(case.recording), [part_of(path) for path in others], case.carrier, case.seed)


def scored(made: Damaged, folder: Path) -> Tally:
    """Analyse the text, in this process, and judge the report and the gates."""
    import analyzer
    from analyzer.errors import NoDataError
    from analyzer.reports import json_report
    from analyzer.reports.selection import judge_each, select_starts, worst

    path = folder / made.filename
    path.write_bytes(made.content)
    try:
        report = analyzer.analyze(analyzer.load(path)).report
    except NoDataError:
        return judge(made, None)
    finally:
        path.unlink()

    def gate(index: int, limit: float) -> int:
        chosen = select_starts(report.starts, str(index) if index else None)
        return int(worst(judge_each(chosen, limit)))

    return judge(made, json_report.report_object(report), gate)


# --- many -----------------------------------------------------------------------------------------------------------


def cases(
    found: Sequence[Path], damages: Sequence[str] = (), carriers: Sequence[str] = ("short", "cat"), seed: int = 0
) -> Iterator[Case]:
    """Every damage of every recording in every carrier that it happens to."""
    for recording in found:
        for damage in damages or DAMAGES:
            for carrier in carriers:
                if carrier in DAMAGES[damage].carriers:
                    yield Case(recording, damage, carrier, seed)


_others: list[Path] = []


def _prepare(others: list[Path]) -> None:
    _others[:] = others


def _score(group: list[Case]) -> list[tuple[Case, Tally]]:
    done = []
    with tempfile.TemporaryDirectory() as folder:
        for case in group:
            try:
                tally = scored(text_of(case, _others), Path(folder))
            except Exception as error:  # a crash is one wrong claim, the others still count
                tally = Tally(wrong=[f"crash: {type(error).__name__}: {error}"])
            done.append((case, tally))
    if group and group[0].recording not in _others:
        part_of.cache_clear()
    return done


def run(todo: Sequence[Case], others: list[Path], jobs: int) -> Iterator[tuple[Case, Tally]]:
    """The judge's tally of every case."""
    groups: dict[Path, list[Case]] = defaultdict(list)
    for case in todo:
        groups[case.recording].append(case)
    if jobs <= 1:
        _prepare(others)
        for group in groups.values():
            yield from _score(group)
        return
    with multiprocessing.get_context("fork").Pool(jobs, _prepare, (others,)) as pool:
        for done in pool.imap(_score, groups.values()):
            yield from done


# --- the table ------------------------------------------------------------------------------------------------------


@dataclass
class Line:
    """What the table says of one damage."""

    files: int = 0
    bad: int = 0
    tally: Tally = field(default_factory=Tally)
    names: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, case: Case, tally: Tally) -> None:
        """Take a case in."""
        self.files += 1
        self.bad += bool(tally.wrong)
        self.tally.add(tally)
        for kind in sorted({words.split(":")[0] for words in tally.wrong}):
            self.names[kind].append(str(case))


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in counts.most_common()) or "-"


def _table(lines: dict[str, Line], names: int) -> Iterator[str]:
    yield f"{'damage':<20}{'files':>6}{'bad':>6}{'right':>8}{'wrong':>7}  wrong by kind"
    total = Line()
    for damage, line in lines.items():
        kinds = Counter(words.split(":")[0] for words in line.tally.wrong)
        excused = f"   (excused {sum(line.tally.excused.values())})" if line.tally.excused else ""
        yield (
            f"{damage:<20}{line.files:>6}{line.bad:>6}{sum(line.tally.right.values()):>8}"
            f"{len(line.tally.wrong):>7}  {_words(kinds)}{excused}"
        )
        for kind, where in line.names.items():
            more = f" … {len(where)}" if len(where) > names else ""
            yield f"{'':<22}{kind}: {' '.join(where[:names])}{more}"
        total.files, total.bad = total.files + line.files, total.bad + line.bad
        total.tally.add(line.tally)
    kinds = Counter(words.split(":")[0] for words in total.tally.wrong)
    yield f"right by kind: {_words(total.tally.right)}"
    yield f"wrong by kind: {_words(kinds)}"
    yield f"not held against it: {_words(total.tally.excused)}"
    yield f"not known though nothing was lost: {_words(total.tally.weak)}"
    right, wrong = sum(total.tally.right.values()), len(total.tally.wrong)
    yield f"{right} of {right + wrong} claims right, {total.files - total.bad} of {total.files} texts all right"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dirs", nargs="*", type=Path, metavar="DIR")
    parser.add_argument("--only", default="", help="damages: " + ",".join(DAMAGES))
    parser.add_argument("--carrier", default="short,cat", help="short,cat,docker,precise,iso,export")
    parser.add_argument("--name", default="", help="only recordings whose name holds this")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--names", type=int, default=3, help="how many names of bad texts a kind is shown with")
    parser.add_argument("--verbose", action="store_true", help="every false claim")
    parser.add_argument("--write", type=Path, help="keep the texts with a false claim here")
    options = parser.parse_args()

    everything = recordings(*options.dirs)
    others = companions(everything)
    found = [path for path in everything if options.name in path.name]
    if options.sample:
        found = found[:: max(1, len(found) // options.sample)][: options.sample]
    only = [name for name in options.only.split(",") if name]
    lines = {damage: Line() for damage in only or DAMAGES}
    for case, tally in run(list(cases(found, only, options.carrier.split(","), options.seed)), others, options.jobs):
        lines[case.damage].add(case, tally)
        for words in tally.wrong if options.verbose else ():
            print(f"{case} {words}", flush=True)
        if tally.wrong and options.write:
            options.write.mkdir(parents=True, exist_ok=True)
            (options.write / f"{case}.log").write_bytes(text_of(case, others).content)
    print("\n".join(_table({name: line for name, line in lines.items() if line.files}, options.names)))
    return 1 if any(line.bad for line in lines.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
