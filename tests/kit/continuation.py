"""The law of continuation: a text that goes on, or begins earlier, never turns what was said of it into its opposite.

A text is cut anywhere; a longer piece of the same text has the same lines and more. Whatever the report on the shorter
piece states must not be contradicted by the report on the longer one: ready is not failed, two windows of one moment
meet, a gate does not turn from yes to no. That nothing was known before, or that it became doubtful, is no
contradiction.

As a command, over any folders of ``NAME.export.gz`` (default: the recordings kept for the tests)::

    python -m tests.kit.continuation [DIR…] [--carriers short,cat] [--cuts 12] [--only TEXT] [--generated 40] [--seed N]
"""

from __future__ import annotations

import argparse
import gzip
import io
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import analyzer
from analyzer.errors import NoDataError
from analyzer.reports import json_report
from analyzer.reports.selection import judge_each, select_starts, worst
from analyzer.results import Report
from tests.kit.mutations import export
from tests.kit.score_recorded import read_export, recordings, write_carrier

CARRIERS = ("short", "cat", "export")
LIMITS_S = (1.0, 5.0, 30.0, 120.0, 600.0)
SLACK_S = {"export": 0.05, "short": 1.05, "cat": 1.05}  # two stamps of the same second, cut to it

JsonStart = dict[str, Any]


@dataclass(frozen=True)
class Text:
    """A whole text, in pieces that are never divided: one record each."""

    name: str
    carrier: str
    pieces: tuple[bytes, ...]

    def part(self, first: int, end: int) -> Part:
        """The pieces from ``first`` to before ``end``."""
        return Part(self, first, end)


@dataclass(frozen=True)
class Part:
    """A piece of a text and, once asked for, its report."""

    text: Text
    first: int
    end: int

    @cached_property
    def report(self) -> Report | None:
        """The report; ``None`` where nothing of k3s was found."""
        content = b"".join(self.text.pieces[self.first : self.end])
        try:
            return analyzer.analyze(analyzer.load(stdin=io.BytesIO(content))).report
        except NoDataError:
            return None

    @cached_property
    def starts(self) -> list[JsonStart]:
        """The starts as the JSON report has them."""
        return [] if self.report is None else list(json_report.report_object(self.report)["starts"])

    @cached_property
    def _pieces_of_lines(self) -> list[int]:
        """For each line (record, of an export) of this part the number of its piece in the whole text."""
        if self.text.carrier == "export":
            return list(range(self.first, self.end))
        numbered = enumerate(self.text.pieces[self.first : self.end], self.first)
        return [number for number, piece in numbered for _ in range(piece.count(b"\n"))]

    def moments(self, start: JsonStart) -> dict[tuple[int, str], float | None]:
        """Milestones and polls of a start: where they stand in the whole text, and when they were."""
        told = [(m["line"], m["id"], m["at_s"]) for m in start["milestones"]]
        told += [(p["line"], "poll", p["at_s"]) for p in start["polls"] if p["printed"]]
        where = self._pieces_of_lines
        return {(where[line - 1], kind): at for line, kind, at in told if line is not None and line <= len(where)}

    def piece_of(self, line: int) -> int:
        """The number, in the whole text, of the piece that holds a line of this part."""
        return self._pieces_of_lines[line - 1]

    def gate(self, start: JsonStart, limit: float) -> int:
        """The exit code of ``--fail-over`` for one start."""
        assert self.report is not None
        return int(worst(judge_each(select_starts(self.report.starts, str(start["index"])), limit)))

    def __str__(self) -> str:
        return f"{self.text.name}.{self.text.carrier}[{self.first}:{self.end}]"

    def __len__(self) -> int:
        return self.end - self.first


# --- comparing ------------------------------------------------------------------------------------------------------


_OPPOSITE = {("ready", "failed"), ("ready", "stopped"), ("failed", "stopped")}


def contradictions(shorter: Part, longer: Part) -> Iterator[str]:
    """What the report on ``longer`` says against the one on ``shorter``, a part of the same text."""
    assert longer.first <= shorter.first and shorter.end <= longer.end
    for words in _contradictions(shorter, longer):
        yield f"{shorter} in {longer}: {words}"


def _contradictions(shorter: Part, longer: Part) -> Iterator[str]:
    moments = [longer.moments(start) for start in longer.starts]
    seen: Counter[int] = Counter()
    for start in shorter.starts:
        mine = shorter.moments(start)
        shared = [len(mine.keys() & theirs.keys()) for theirs in moments]
        best = shared.index(max(shared)) if any(shared) else _by_pid(shorter, start, longer)
        if best is None:
            continue
        if sum(map(bool, shared)) > 1 and len(_own(mine)) and _split(mine, moments):
            yield f"starts: one became {sum(map(bool, shared))}"
            continue
        seen[best] += 1
        shift = _shift(mine, moments[best])
        yield from _of_start(shorter, start, longer, longer.starts[best], shift)
    for index, count in seen.items():
        if count > 1:
            yield f"starts: {count} became one (#{index + 1})"


def _by_pid(shorter: Part, start: JsonStart, longer: Part) -> int | None:
    """Which start of the longer text a start of few words is: by its pid, or as the only one of both."""
    if start["pid"] is not None:
        same = [n for n, other in enumerate(longer.starts) if other["pid"] == start["pid"]]
        return same[0] if len(same) == 1 else None
    return 0 if len(shorter.starts) == len(longer.starts) == 1 else None


_AROUND = ("systemd_starting", "systemd_started", "systemd_stopping", "process_exited", "restart_scheduled")


def _own(moments: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
    """What the process itself said."""
    return {key for key in moments if key[1] not in _AROUND}


def _split(mine: dict[tuple[int, str], float | None], theirs: Sequence[dict[tuple[int, str], float | None]]) -> bool:
    """Whether lines of the process itself went to several starts."""
    return sum(bool(_own(mine) & other.keys()) for other in theirs) > 1


def _shift(mine: dict[tuple[int, str], float | None], theirs: dict[tuple[int, str], float | None]) -> float | None:
    """By how much the longer text's seconds are more than the shorter one's: the median over shared lines."""
    found = sorted(
        there - here for key, here in mine.items() if here is not None and (there := theirs.get(key)) is not None
    )
    return found[len(found) // 2] if found else None


def _of_start(shorter: Part, start: JsonStart, longer: Part, after: JsonStart, shift: float | None) -> Iterator[str]:
    before_outcome, after_outcome = start["outcome"], after["outcome"]
    if {(before_outcome, after_outcome), (after_outcome, before_outcome)} & _OPPOSITE:
        yield f"outcome: {before_outcome} became {after_outcome}"
    end, later = start["end"]["kind"], after["end"]["kind"]
    if end != "running" and later != end and not (later == "stopped" and _asked_before(shorter, longer, after)):
        yield f"end: {end} became {later}"
    for name in ("role", "product"):
        if "unknown" not in (start[name], after[name]) and start[name] != after[name]:
            yield f"{name}: {start[name]} became {after[name]}"
    if None not in (start["version"], after["version"]) and start["version"] != after["version"]:
        yield f"version: {start['version']} became {after['version']}"
    for limit in () if _begins_otherwise(start, after) else LIMITS_S:
        codes = {shorter.gate(start, limit), longer.gate(after, limit)}
        if codes == {0, 1}:
            yield f"gate: --fail-over {limit:g} exits {shorter.gate(start, limit)}, then {longer.gate(after, limit)}"
    if shift is not None:
        yield from _windows(shorter, start, after, shift)
    if shorter.end == longer.end:
        yield from _states(start, after)
    if _printed(start) > _printed(after):
        yield f"polls: {_printed(start)} printed became {_printed(after)}"


def _asked_before(shorter: Part, longer: Part, after: JsonStart) -> bool:
    """Whether the stop was asked for before the shorter text begins: its echo may look like a failure there."""
    line = after["end"]["line"]
    return line is not None and longer.piece_of(line) < shorter.first


def _begins_otherwise(start: JsonStart, after: JsonStart) -> bool:
    """Whether systemd's ``Starting`` is only in the longer text: its seconds then count from another moment."""
    return "systemd_starting" in {m["id"] for m in after["milestones"]} - {m["id"] for m in start["milestones"]}


def _printed(start: JsonStart) -> int:
    return sum(poll["printed"] for poll in start["polls"])


def _windows(shorter: Part, start: JsonStart, after: JsonStart, shift: float) -> Iterator[str]:
    pairs = [(name, start[name], after[name]) for name in ("ready", "detected")]
    if start["outcome"] == after["outcome"] == "ready":  # else a check may fail again
        checks = {check["name"]: check["cleared"] for check in after["checks"]}
        pairs += [(c["name"], c["cleared"], checks[c["name"]]) for c in start["checks"] if c["name"] in checks]
    for name, before, then in pairs:
        if before and then and not _meet(before, then, shift, SLACK_S[shorter.text.carrier]):
            kind = name if name in ("ready", "detected") else "check window"
            yield f"{kind}: {name} {_shown(before, shift)} became {_shown(then)}"


def _meet(before: JsonStart, then: JsonStart, shift: float, slack: float) -> bool:
    lowers = [w["lower"] + by for w, by in ((before, shift), (then, 0.0)) if w["lower"] is not None]
    uppers = [w["upper"] + by for w, by in ((before, shift), (then, 0.0)) if w["upper"] is not None]
    return not lowers or not uppers or max(lowers) <= min(uppers) + slack


def _shown(window: JsonStart, shift: float = 0.0) -> str:
    ends = ["open" if window[end] is None else f"{window[end] + shift:.2f}" for end in ("lower", "upper")]
    return " to ".join(ends)


def _states(start: JsonStart, after: JsonStart) -> Iterator[str]:
    """The text got longer at its begin only: its end, and what was so then, are the same."""
    finals = {check["name"]: check["final"] for check in after["checks"]}
    for check in start["checks"]:
        both = {check["final"], finals.get(check["name"])}
        if both == {"ok", "failing"}:
            yield f"check state: {check['name']} {check['final']} became {finals[check['name']]}"


# --- what is cut, and where -----------------------------------------------------------------------------------------


_TURNS = re.compile(
    rb"now running|up and running|Polling for|Starting |Started |Stopp|exited|signal received|Shutdown request"
    rb"|level=fatal|panic|Deactivated|Scheduled restart|Serving securely|registered node"
)


def cut_points(text: Text, count: int, rng: random.Random) -> list[int]:
    """Places to cut: half of them beside lines that decide something, the others anywhere."""
    turns = [n + side for n, piece in enumerate(text.pieces) if _TURNS.search(piece) for side in (0, 1)]
    near = rng.sample(turns, min(len(turns), count // 2))
    anywhere = [rng.randrange(1, max(2, len(text.pieces))) for _ in range(count - len(near))]
    return sorted({min(max(n, 1), len(text.pieces) - 1) for n in (*near, *anywhere)})


def chains(text: Text, count: int, rng: random.Random) -> Iterator[list[Part]]:
    """Parts each of which lies in the next: growing at the end, at the begin, at both."""
    whole = text.part(0, len(text.pieces))
    yield [text.part(0, end) for end in cut_points(text, count, rng)] + [whole]
    yield [text.part(first, whole.end) for first in reversed(cut_points(text, count, rng))] + [whole]
    ends = cut_points(text, count, rng)
    half = len(ends) // 2
    yield [text.part(first, end) for first, end in zip(reversed(ends[:half]), ends[half:], strict=False)] + [whole]


def found_in(text: Text, count: int, seed: int = 0) -> Iterator[str]:
    """Contradictions among the parts of a text: each with the next longer one, and with the whole."""
    for chain in chains(text, count, random.Random(f"{text.name}/{text.carrier}/{seed}")):
        for shorter, longer in pairwise(chain):
            yield from contradictions(shorter, longer)
        for shorter in chain[:-2]:
            yield from contradictions(shorter, chain[-1])


def recorded_text(path: Path, carrier: str) -> Text:
    """A recording."""
    rows = read_export(gzip.decompress(path.read_bytes()))
    one = export if carrier == "export" else lambda row: write_carrier(row, carrier)
    name = path.name.removesuffix(".export.gz")
    return Text(name, carrier, tuple(piece for row in rows if (piece := one([row]))))


def generated_text(seed: int, carrier: str) -> Text:
    """A generated journal (``short`` or ``cat``), of servers: a generated agent logs what no real one does."""
    from analyzer.testing import NAMED, generate, random_scenario

    names = sorted(NAMED)
    while True:
        made = generate(random_scenario(seed) if seed % 3 else NAMED[names[seed // 3 % len(names)]], seed)
        if all(start.role == "server" for start in made.truth.starts):
            break
        seed += 10_000
    pieces = made.render(carrier).splitlines(keepends=True)
    return Text(f"seed-{seed}-{made.scenario.name}", carrier, tuple(pieces))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dirs", nargs="*", type=Path, metavar="DIR")
    parser.add_argument("--carriers", default=",".join(CARRIERS))
    parser.add_argument("--cuts", type=int, default=12)
    parser.add_argument("--only", default="", help="only recordings whose name holds this")
    parser.add_argument("--generated", type=int, default=0, help="so many generated journals instead of recordings")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    carriers = options.carriers.split(",")
    if options.generated:
        seeds = range(options.seed, options.seed + options.generated)
        texts = (generated_text(seed, carrier) for seed in seeds for carrier in carriers if carrier != "export")
    else:
        paths = [path for path in recordings(*options.dirs) if options.only in path.name]
        texts = (recorded_text(path, carrier) for path in paths for carrier in carriers)
    kinds: Counter[str] = Counter()
    count = 0
    for text in texts:
        count += 1
        for words in found_in(text, options.cuts, options.seed):
            kinds[words.split("]: ")[1].split(":")[0]] += 1
            print(words, flush=True)
    print(f"{count} texts, {sum(kinds.values())} contradictions: {dict(kinds)}")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
