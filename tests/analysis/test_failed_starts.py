"""What repeats in starts that failed, and that the finding and the summary say the same of it."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest

import analyzer
from analyzer.analysis.failed_starts import FailedStarts, failed_starts, last_words
from analyzer.reports import narrative
from analyzer.results import End, StartReport
from tests.kit.handmade import ZERO, Journal


@pytest.fixture(scope="module")
def start() -> StartReport:
    return Journal().begin().report()


def failed(start: StartReport, at_s: float, life_s: float | None, reason: str, host: str = "node-a") -> StartReport:
    began = ZERO + timedelta(seconds=at_s)
    end = End("failed", life_s, 3, reason)
    return replace(start, host=host, outcome="failed", outcome_reason=reason, began_at=began, end=end)


def test_the_period_is_the_middle_step_between_starts_of_one_unit(start: StartReport) -> None:
    times = ((0.0, "a"), (83.0, "a"), (250.0, "a"), (251.0, "b"), (334.0, "b"))
    facts = failed_starts([failed(start, at, 5.0, "x", host) for at, host in times])
    assert facts.count == 5
    assert facts.period_s == 83.0
    assert facts.spacing == "one about every 83 s"
    assert failed_starts([failed(start, 0.0, 5.0, "x")]).spacing == ""


@pytest.mark.parametrize(
    ("period_s", "words"),
    [(119.4, "119 s"), (119.6, "2 min 00 s"), (400.0, "6 min 40 s"), (9.6, "10 s"), (9.4, "9.4 s")],
)
def test_a_period_is_told_alike_everywhere(period_s: float, words: str) -> None:
    assert FailedStarts(2, period_s, (), ()).spacing == f"one about every {words}"


def test_a_life_counts_only_where_begin_and_end_are_in_the_text(start: StartReport) -> None:
    members = [failed(start, 0.0, 9.0, "x"), failed(start, 9.0, None, "x"), failed(start, 20.0, 3.0, "x")]
    assert failed_starts([*members, replace(members[0], begin_seen=False)]).lives_s == (3.0, 9.0)
    assert failed_starts(members).middle_life_s == 9.0
    assert failed_starts(members[1:2]).middle_life_s is None
    assert failed_starts(members[:2]).middle_life_s is None  # one of two is not half of them


def test_reasons_are_counted_without_what_differs_each_time(start: StartReport) -> None:
    said = ("dial 10.0.0.1:41234->10.0.0.2:6443 refused", "dial 10.0.0.1:51234->10.0.0.2:6443 refused", "other")
    facts = failed_starts([failed(start, n, 1.0, why) for n, why in enumerate(said)])
    assert facts.reasons == (("dial 10.0.0.1:…->10.0.0.2:6443 refused", 2), ("other", 1))
    cut = [
        failed(start, n, 1.0, why) for n, why in enumerate(("failed to open the dat…", "failed to open the database"))
    ]
    assert failed_starts(cut).reasons == (("failed to open the database", 2),)
    assert last_words(replace(start, end=End())) == ""


def test_the_finding_and_the_summary_name_the_same_period() -> None:
    rows = []
    for number, second in enumerate((0, 84, 168, 250)):
        at = f"06:{second // 60:02d}:{second % 60:02d}"
        head, own = f"Mar 01 {at} node-1", f'Mar 01 {at} node-1 k3s[{1000 + number}]: time="2026-03-01T{at}Z"'
        rows += [
            f"{head} systemd[1]: Starting k3s.service - Lightweight Kubernetes...",
            f'{own} level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"',
            f'{own} level=fatal msg="starting kubernetes: bad"',
            f"{head} systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE",
        ]
    log = analyzer.load(stdin=io.BytesIO("".join(f"{row}\n" for row in rows).encode()))
    starts = log.report.starts
    [loop] = [finding for finding in starts[-1].findings if finding.id == "crash_loop"]
    assert "one about every 84 s" in loop.detail
    assert "one about every 84 s" in narrative.loop(starts)[0]


@pytest.mark.parametrize(("length", "shown"), [(299, 299), (300, 300), (301, 300)])
def test_of_long_last_words_three_hundred_characters_are_kept(start: StartReport, length: int, shown: int) -> None:
    assert last_words(failed(start, 0.0, 1.0, "w" * length)) == "w" * shown
