"""Against reality: real k3s starts watched from outside, every claim right in every carrier, and sharp enough.

Beside the truth, the laws that hold on any log: another carrier tells the same story up to its precision, the order
of files does not matter, coarser stamps only widen, another observer only narrows, and between serving and ready the
time alone and the time shared are the whole.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.analysis.episodes import goal_of
from analyzer.events.event import WitnessRule
from analyzer.events.witness_rules import rules
from analyzer.reports import answer, json_report, narrative
from analyzer.results import StartReport
from analyzer.window import Window
from tests.kit.made_reports import report_of as report_of_starts
from tests.kit.score_recorded import (
    CARRIERS,
    CLUSTERS,
    Sharpness,
    recordings,
    report_of,
    score_recording,
    truth_path,
)
from tests.kit.thinned import thinned

# The bar: as sharp as a plain reader that uses the printed polls, the grid and the witness rules alone.
READY_S, CHECK_S, NAMED = 0.7, 2.1, 0.60
# 1.36.3, clusters among them: without witness rules 2.1 and 14.0.
NEWEST_READY_S, NEWEST_CHECK_S = 1.8, 2.2

# Enough kinds for the laws; all recordings would only take longer.
LAWFUL = (
    "1303-fresh-25",
    "1322-tz-kolkata",
    pytest.param("1324-crashloop-slow", marks=pytest.mark.slow),
    "1324-etcd-restart",
    "1324-fresh-15",
    "1324-killed-thrice",
    "1324-pg-late-20s",
    "1324-v2",
    "1350-debug",
    "1350-wrong-token",
    "ab-1.32.4-25-1",
)
EPSILON = 1e-6
# klog's and logrus's own stamps are laid on the journal's axis by an offset that is itself measured, so the same moment
# comes out a little different when there are fewer or coarser stamps to measure it with.
SAME_S = 2e-3


def name_of(recording: Path) -> str:
    """The name without its suffixes."""
    return recording.name.removesuffix(".export.gz")


def start_of(name: str) -> Path:
    """The recording of that name."""
    [path] = [path for path in recordings() if name_of(path) == name]
    return path


@pytest.fixture(scope="module", params=thinned([*recordings(), *recordings(CLUSTERS)], 2), ids=name_of)
def recording(request: pytest.FixtureRequest) -> Path:
    """Every recording. Tests are run recording by recording, so that each is analysed once."""
    path: Path = request.param
    return path


def wrong_claims(recording: Path, carriers: Iterable[str]) -> set[str]:
    """What the reports on a recording say against the truth."""
    return {f"{carrier}: {claim}" for carrier in carriers for claim in score_recording(recording, carrier).wrong}


def some_carriers(recording: Path) -> tuple[str, ...]:
    """The richest carrier, the poorest, and by turns one of those between them, which tell little else."""
    between = [carrier for carrier in CARRIERS if carrier not in ("export", "cat")]
    turn = [*recordings(), *recordings(CLUSTERS)].index(recording)
    return "export", "cat", between[turn % len(between)]


def test_no_claim_contradicts_what_the_watcher_saw(recording: Path) -> None:
    assert wrong_claims(recording, some_carriers(recording)) == set()


@pytest.mark.slow
def test_no_claim_contradicts_it_in_the_other_carriers(recording: Path) -> None:
    assert wrong_claims(recording, set(CARRIERS) - set(some_carriers(recording))) == set()


@pytest.mark.long
def test_the_windows_are_sharp() -> None:
    sharp, right = Sharpness(), 0
    for recording in recordings():
        score = score_recording(recording, "export")
        sharp.add(score.sharp)
        right += sum(score.right.values())
    print(f"{sharp}; {right} claims right")
    assert len(sharp.ready) > 100
    assert sharp.median(sharp.ready) <= READY_S
    assert sharp.median(sharp.check) <= CHECK_S
    assert sharp.named_share >= NAMED


def test_the_windows_of_the_newest_release_are_sharp_by_the_rules_of_the_one_before() -> None:
    sharp = Sharpness()
    for recording in recordings(CLUSTERS):
        if recording.name.startswith("1363-") and "agent" not in recording.name:
            sharp.add(score_recording(recording, "export").sharp)
    assert len(sharp.ready) >= 8
    assert sharp.median(sharp.ready) <= NEWEST_READY_S
    assert sharp.median(sharp.check) <= NEWEST_CHECK_S


def test_the_goals_of_agents_are_told() -> None:
    right: Counter[str] = Counter()
    for recording in recordings(CLUSTERS):
        right += score_recording(recording, "export").right
    assert right["goal node"] >= 7
    assert right["goal node_ready"] >= 5


def with_truth(*folders: Path) -> Iterator[tuple[StartReport, dict[str, Any]]]:
    """Every start with what the watcher saw of it."""
    for path in recordings(*folders):
        truth = json.loads(truth_path(path).read_text())
        starts = report_of(path, "export").starts
        pairs = zip(starts, truth["starts"], strict=True)
        yield from ((start, seen | {"role": truth.get("role")}) for start, seen in pairs)


@pytest.mark.long
def test_a_killed_server_that_was_ready_is_not_said_to_have_ended_before() -> None:
    """k3s asks every two seconds; the outcome is what it noticed, the words must not say more."""
    killed = 0
    for start, seen in [*with_truth(), *with_truth(CLUSTERS)]:
        if start.outcome in ("failed", "stopped") and seen["ready"] and seen["role"] != "agent":
            told = [*narrative.verdict(start), answer.answer(report_of_starts(start)).verdict]
            assert not re.search("before (it|the API server) was ready", " ".join(told))
            killed += 1
    assert killed >= 2


def test_an_agent_is_up_in_the_window_of_its_goal() -> None:
    windows = [
        (goal_of(start, "started").window, (seen["detected_line_rt"] / 1e6 - start.began_at.timestamp()))
        for start, seen in with_truth(CLUSTERS)
        if seen["role"] == "agent" and seen["detected_line_rt"] and start.began_at is not None
    ]
    assert len(windows) >= 5
    assert all(window.lower is None or window.lower - SAME_S <= at_s for window, at_s in windows)
    assert all(window.upper is not None and at_s <= window.upper + SAME_S for window, at_s in windows)


# --- laws -----------------------------------------------------------------------------------------------------------


@cache
def bytes_of(name: str) -> bytes:
    """The export stream of a recording."""
    return gzip.decompress(start_of(name).read_bytes())


def analysed(content: bytes, *more: bytes, folder: Path) -> tuple[StartReport, ...]:
    """The starts found in one file per argument, given in that order."""
    paths = []
    for number, data in enumerate((content, *more)):
        path = folder / f"part{number}.log"
        path.write_bytes(data)
        paths.append(path)
    return analyzer.analyze(analyzer.load(*paths)).report.starts


def starts_of(name: str, carrier: str = "export") -> tuple[StartReport, ...]:
    """The starts of a recording in a carrier."""
    return report_of(start_of(name), carrier).starts


def absolute(start: StartReport, window: Window) -> Window:
    """``window`` on the axis of seconds since 1970."""
    assert start.began_at is not None
    return window.shifted(start.began_at.timestamp())


def windows(start: StartReport) -> dict[str, Window]:
    """Every window of a start by name, on the axis of seconds since 1970."""
    named = {check.name: check.cleared for check in start.checks}
    return {name: absolute(start, w) for name, w in {"": start.ready, "detected": start.detected, **named}.items()}


def below(one: float | None, other: float | None, slack: float) -> bool:
    """Whether lower end ``one`` is not above ``other`` (an open end is the lowest)."""
    return one is None or (other is not None and one <= other + slack)


def above(one: float | None, other: float | None, slack: float) -> bool:
    """Whether upper end ``one`` is not below ``other`` (an open end is the highest)."""
    return one is None or (other is not None and one >= other - slack)


def assert_covers(wide: StartReport, narrow: StartReport, slack: float = SAME_S, says: str = "") -> None:
    """Every window of ``wide`` holds that of the same name in ``narrow``; a check may be missing in ``wide``."""
    narrower = windows(narrow)
    for name, window in windows(wide).items():
        if name not in narrower:
            continue
        other = narrower[name]
        where = f"{says} start {wide.index} {name or 'ready'}: {window} does not hold {other}"
        assert below(window.lower, other.lower, slack), where
        assert above(window.upper, other.upper, slack), where


def assert_meet(one: StartReport, other: StartReport, slack: float) -> None:
    """Windows of the same name have a moment in common."""
    others = windows(other)
    for name, window in windows(one).items():
        if name in others:
            lows = [w.lower for w in (window, others[name]) if w.lower is not None]
            highs = [w.upper for w in (window, others[name]) if w.upper is not None]
            assert not lows or not highs or max(lows) <= min(highs) + slack, f"start {one.index} {name or 'ready'}"


def story(start: StartReport) -> dict[str, Any]:
    """What a start says, without where its lines stand."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: bare(v) for k, v in value.items() if not k.endswith(("line", "lines", "source"))}
        return [bare(v) for v in value] if isinstance(value, list) else value

    told: dict[str, Any] = bare(json_report.chosen(start))
    return told


@pytest.mark.parametrize("name", thinned(LAWFUL, 3))
def test_another_carrier_tells_the_same_story(name: str) -> None:
    starts = starts_of(name)
    for carrier in ("json", "short", "iso", "cat"):
        others = starts_of(name, carrier)
        assert len(others) == len(starts), carrier
        for start, other in zip(starts, others, strict=True):
            if carrier != "cat" or start.outcome == "ready":  # the lines that decide other verdicts are systemd's
                assert other.outcome == start.outcome, carrier
                assert other.end.kind == start.end.kind or carrier == "cat", carrier
            assert other.version == start.version
            assert [p.failing for p in other.polls if p.printed] == [p.failing for p in start.polls if p.printed]
            if carrier == "json":
                assert story(other) == story(start)
            else:
                assert_meet(other, start, slack=1.0)


@pytest.mark.parametrize("name", LAWFUL)
def test_coarser_stamps_only_widen(name: str) -> None:
    for carrier in ("short", "iso"):
        for start, coarse in zip(starts_of(name), starts_of(name, carrier), strict=True):
            assert_covers(coarse, start)


def cut_in_two(name: str) -> tuple[bytes, bytes]:
    """A journal in two parts, cut between two records."""
    records = bytes_of(name).split(b"\n\n")
    middle = random.Random(name).randrange(len(records) // 4, 3 * len(records) // 4)
    return b"\n\n".join(records[:middle]) + b"\n\n", b"\n\n".join(records[middle:])


@pytest.mark.parametrize("name", thinned(LAWFUL, 3))
def test_the_order_of_files_does_not_matter(name: str, tmp_path: Path) -> None:
    first, second = cut_in_two(name)
    whole = [story(s) for s in starts_of(name)]
    assert [story(s) for s in analysed(first, second, folder=tmp_path)] == whole
    assert [story(s) for s in analysed(second, first, folder=tmp_path)] == whole


@pytest.mark.parametrize("name", thinned(LAWFUL, 3))
def test_lines_given_twice_count_once(name: str, tmp_path: Path) -> None:
    whole = [story(s) for s in starts_of(name)]
    first, _ = cut_in_two(name)
    assert [story(s) for s in analysed(bytes_of(name), first, folder=tmp_path)] == whole
    assert [story(s) for s in analysed(bytes_of(name), bytes_of(name), folder=tmp_path)] == whole


# klog's header, or logrus's up to the message: what a witness rule matches comes after it.
_HEADER = re.compile(rb'^(?:[IWEF]\d{4} [\d:.]+ +\d+ [^\]]+\] |time="[^"]*" level=\w+ msg="?)')
_VERDICT = "Kube API server is now running"  # not one observer among many: it decides the outcome


def speaks(record: bytes, rule: WitnessRule) -> bool:
    """Whether the message of an export record is a line that ``rule`` takes for its witness."""
    _, _, message = record.partition(b"\nMESSAGE=")
    text = _HEADER.sub(b"", message.split(b"\n", 1)[0]).rstrip(b'"').decode("utf-8", "replace")
    return rule.match.search(text) is not None


def observers() -> dict[str, Callable[[bytes], bool]]:
    """Who can be taken away: the poller, and each witness rule that no other rule depends on."""
    needed = [rule.unless_after.pattern for rule in rules() if rule.unless_after is not None]
    found: dict[str, Callable[[bytes], bool]] = {"the poller": lambda r: b"Polling for API server readiness" in r}
    for text, rule in {rule.match.pattern: rule for rule in rules()}.items():
        if _VERDICT not in text and text not in needed:
            found[rule.id] = partial(speaks, rule=rule)
    return found


@pytest.mark.parametrize(
    "name",
    [
        one if not number % 4 else pytest.param(one, marks=pytest.mark.slow)
        for number, one in enumerate(LAWFUL)
        if isinstance(one, str)
    ],
)
@pytest.mark.long
def test_another_observer_only_narrows(name: str, tmp_path: Path) -> None:
    records = bytes_of(name).split(b"\n\n")
    starts = starts_of(name)
    silenced = 0
    for observer, is_heard in observers().items():
        rest = [record for record in records if not is_heard(record)]
        if len(rest) == len(records):
            continue
        silenced += 1
        fewer = analysed(b"\n\n".join(rest), folder=tmp_path)
        assert len(fewer) == len(starts), observer
        for start, poorer in zip(starts, fewer, strict=True):
            assert poorer.outcome in (start.outcome, "incomplete"), observer  # that lines are missing may show
            assert_covers(poorer, start, says=observer)
    assert silenced >= 5


def test_time_alone_and_time_shared_are_the_whole(recording: Path) -> None:
    for start in report_of(recording, "export").starts:
        alone, shared = start.hooks_alone_s, start.hooks_shared_s
        if alone is None or shared is None:
            assert alone is None
            assert shared is None
            continue
        hooks = next(p for p in start.phases if p.id == "hooks").duration_s
        assert alone.max is not None
        assert shared.max is not None
        assert hooks.max is not None
        assert 0 <= alone.min <= alone.max <= hooks.max + EPSILON
        assert 0 <= shared.min <= shared.max <= hooks.max + EPSILON
        # In every world alone + shared = whole; so the ends of the ranges must add up too.
        assert alone.min + shared.max == pytest.approx(hooks.max, abs=1e-3)
        assert alone.max + shared.min >= hooks.min - 1e-3
        for check in start.checks:
            if check.exclusive_s is not None and check.exclusive_s.max is not None:
                assert check.exclusive_s.max <= alone.max + EPSILON


def test_the_phases_are_a_budget(recording: Path) -> None:
    """Without gaps or overlaps, and their sum up to the tax is the time to detection."""
    for start in report_of(recording, "export").starts:
        for one, following in pairwise(start.phases):
            assert (one.end.lower, one.end.upper) == (following.begin.lower, following.begin.upper)
        until = [p for p in start.phases if p.id != "node"]
        if start.detected.upper is None or not until or until[-1].id != "polling_tax":
            continue
        assert until[-1].end.upper == pytest.approx(start.detected.upper, abs=1e-3)
        assert sum(p.duration_s.min for p in until) <= start.detected.upper + 1e-3
        assert sum(p.duration_s.max or 0.0 for p in until) >= (start.detected.lower or 0.0) - 1e-3
