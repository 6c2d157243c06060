"""Journals of known truth, 200 in every carrier, most of them in make test-slow: no claim contradicts the truth.

A failure prints the seed and the scenario; ``k3slog generate --scenario NAME --seed N`` makes the same journal again.
"""

from __future__ import annotations

import io
from functools import cache

import pytest

import analyzer
from analyzer.errors import NoDataError
from analyzer.results import Report, StartReport
from analyzer.testing import BASIC, LOSSY, NAMED, OWN_LINES, Generated, generate, random_scenario
from analyzer.testing.truth import SECOND, StartTruth
from tests.kit.judge_generated import judge

JOURNALS = 200
BATCH = 10
FINE = ("short-precise", "short-iso-precise", "export", "json")
PERIOD_S = 2.0


@cache
def made(seed: int) -> Generated:
    """The journal of a seed: drawn at random, every fifth one a named story."""
    names = sorted(NAMED)
    scenario = random_scenario(seed) if seed % 5 else NAMED[names[seed // 5 % len(names)]]
    return generate(scenario, seed)


def report_of(journal: Generated, carrier: str) -> Report | None:
    """The report of a journal in one carrier; ``None`` when the tool found nothing of k3s in it."""
    try:
        return analyzer.analyze(analyzer.load(stdin=io.BytesIO(journal.render(carrier)))).report
    except NoDataError:
        return None


def wrong_claims(seed: int, carriers: tuple[str, ...] = BASIC) -> list[str]:
    """What is wrong with the reports of one journal, each with its seed and carrier."""
    journal, wrong, claims = made(seed), [], 0
    for carrier in carriers:
        report = report_of(journal, carrier)
        if report is None and carrier in OWN_LINES and journal.truth.text_from_us is not None:
            continue  # a few lines of klog without their beginning need not be k3s
        if report is None and carrier in LOSSY:
            continue  # a filter may leave nothing
        if report is None:
            wrong.append(f"seed {seed} {journal.scenario.name} {carrier}: nothing found")
            continue
        verdict = judge(journal.truth, report, carrier)
        claims += verdict.claims
        wrong += [f"seed {seed} {journal.scenario.name} {carrier}: {words}" for words in verdict.wrong]
    assert claims > 0 or wrong or set(carriers) <= {*LOSSY}
    return wrong


BATCHES = [pytest.param(n, marks=pytest.mark.slow) if n >= 20 else n for n in range(0, JOURNALS, BATCH)]


@pytest.mark.parametrize("first", BATCHES)
def test_every_window_contains_the_truth(first: int) -> None:
    wrong = [words for seed in range(first, first + BATCH) for words in wrong_claims(seed)]
    assert not wrong, "\n".join(wrong[:40])


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 4000, 50))
def test_every_window_contains_the_truth_in_many_more(first: int) -> None:
    wrong = [words for seed in range(first, first + 50) for words in wrong_claims(seed)]
    assert not wrong, "\n".join(wrong[:40])


# --- sharpness where the grid rule applies --------------------------------------------------------------------------


def grid_applies(told: StartTruth, journal: Generated) -> bool:
    """The contract's conditions, judged on the truth: quick answers on the grid, and no silence before the success."""
    if told.poller != "shared-2s" or told.detected_us is None or told.ready_us is None:
        return False
    printed = [p for p in told.polls if p.printed]
    if len(printed) < 2 or told.role != "server":
        return False
    first = told.polls[0].departed_us
    tenth = told.interval_us // 10

    def on_grid(moment_us: int) -> bool:
        return (moment_us - first) % told.interval_us < tenth // 2

    success = told.polls[-1]
    if (
        success.error is not None
        or not on_grid(success.answered_us)
        or not all(on_grid(p.answered_us) for p in printed)
    ):
        return False
    stamps = [e.realtime_us for e in journal.entries if e.line.pid == told.pid and e.realtime_us < told.detected_us]
    lag = [abs(e.realtime_us - e.line.at_us) for e in journal.entries if e.line.pid == told.pid]
    return bool(stamps) and told.detected_us - max(stamps) < 2 * told.interval_us and max(lag) < tenth // 4


def assert_sharp(start: StartReport, told: StartTruth, where: str) -> None:
    """The ready window is no wider than one period and one request."""
    width = start.ready.width
    request = (told.polls[-1].answered_us - told.polls[-1].departed_us) / SECOND
    assert width is not None, f"{where}: open {start.ready}"
    assert width <= PERIOD_S + request + 0.1, f"{where}: {width:.3f} s wide {start.ready}"


@pytest.mark.long
def test_where_the_grid_rule_applies_the_ready_window_is_one_period_wide_at_most() -> None:
    judged = 0
    for seed in range(0, JOURNALS, 4):
        journal = made(seed)
        where_it_applies = [told for told in journal.truth.starts if grid_applies(told, journal)]
        for carrier in FINE if where_it_applies else ():
            report = report_of(journal, carrier)
            assert report is not None
            for told in where_it_applies:
                [start] = [s for s in report.starts if s.pid == told.pid and s.host == told.host]
                assert_sharp(start, told, f"seed {seed} {carrier} start {start.index}")
                judged += 1
    print(f"{judged} ready windows judged")
    assert judged > 15


# --- the journals are worth the trouble -----------------------------------------------------------------------------


@pytest.mark.long
def test_the_journals_are_of_every_kind() -> None:
    starts = [told for seed in range(JOURNALS) for told in made(seed).truth.starts]
    assert {told.outcome for told in starts} == {"ready", "failed", "stopped", "incomplete"}
    assert {told.poller for told in starts} >= {"shared-2s", "legacy-4x1s"}
    assert {told.product for told in starts} == {"k3s", "rke2"}
    assert {told.role for told in starts} == {"server", "agent"}
    assert len({told.version for told in starts}) >= 8
    assert any(len(made(seed).truth.starts) > 2 for seed in range(JOURNALS))
    assert any(len({told.host for told in made(seed).truth.starts}) > 1 for seed in range(JOURNALS))
    assert sum(poll.cut for told in starts for poll in told.polls) >= 3


def test_the_same_seed_gives_the_same_bytes() -> None:
    for seed in (0, 7, 42):
        again = generate(made(seed).scenario, seed)
        assert again.render("export") == made(seed).render("export")
        assert again.truth_json() == made(seed).truth_json()


@pytest.mark.parametrize("seed", range(0, JOURNALS, 8))
def test_coarser_stamps_never_move_a_window_off_the_fine_one(seed: int) -> None:
    """Windows of all carriers have a moment in common; verdicts agree where the deciding line is in the carrier."""
    journal = made(seed)
    fine = report_of(journal, "export")
    assert fine is not None
    for carrier in ("short", "short-iso", "short-full", "with-unit", "short-unix"):
        coarse = report_of(journal, carrier)
        assert coarse is not None
        assert [s.outcome for s in coarse.starts] == [s.outcome for s in fine.starts], f"seed {seed} {carrier}"
        for one, other in zip(fine.starts, coarse.starts, strict=True):
            if one.began_at is None or other.began_at is None:
                continue
            a = one.ready.shifted(one.began_at.timestamp())
            b = other.ready.shifted(other.began_at.timestamp())
            lows = [w.lower for w in (a, b) if w.lower is not None]
            highs = [w.upper for w in (a, b) if w.upper is not None]
            assert not lows or not highs or max(lows) <= min(highs) + 2e-3, f"seed {seed} {carrier}: {a} {b}"
