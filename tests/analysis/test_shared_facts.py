"""What several rules look at: from where on an answer, a line or a silence is long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.analysis.polls import Grid
from analyzer.analysis.rule_context import RuleContext
from analyzer.analysis.shared_facts import late_lines, only_roles, proportion, silences, slow_answers, surely_s
from analyzer.analysis.start_report import study
from analyzer.results import Check, ClockNote, Gap, Goal
from analyzer.starts import find_starts
from tests.analysis.rules.made_contexts import made, window
from tests.kit.handmade import RBAC, SCHEDULING, Journal

EXACT = ClockNote("monotonic", 0.0)


@pytest.mark.parametrize(("late_s", "slow"), [(0.7, False), (0.71, True), (1.94, True), (1.96, False)])
def test_from_which_part_of_the_interval_on_an_answer_is_slow(late_s: float, slow: bool) -> None:
    """More than 0.35 of it; what came shortly before the next tick counts as that one's."""
    context = made(Journal().begin().ticking(0.5, 9.0).serving(2.0).poll(4.0).running(9.0))
    [sighting] = context.studied.polls.sightings
    polls = replace(context.studied.polls, grid=Grid(2.0, 0.0, 2, 0.0), sightings=[replace(sighting, stamp_s=late_s)])
    context.studied = replace(context.studied, polls=polls)
    assert [after for after, _ in slow_answers(context)] == ([late_s] if slow else [])
    context.studied = replace(context.studied, polls=replace(polls, grid=None))
    assert not slow_answers(context)


@pytest.mark.parametrize(("lag", "late"), [(0.5, []), (0.500001, [0.500001]), (99.0, [99.0]), (599.0, [])])
def test_from_which_lag_to_which_a_line_was_late(lag: float, late: list[float]) -> None:
    """Half a second; minutes are no lag but another clock, which the reader does not believe."""
    context = made(Journal().begin().ticking(0.5, 9.0).kube(9.2, "x", lag=lag))
    assert [length for length, _ in late_lines(context)] == late


def test_the_usual_lag_of_a_text_is_no_lateness() -> None:
    """In the middle of an even number of lines: half way between the two middle ones."""

    def worst(*lags: float) -> list[float]:
        journal = Journal().begin()
        for number, lag in enumerate(lags):
            journal.kube(1.0 + number, "x", lag=lag)
        return [round(length, 6) for length, _ in late_lines(made(journal))]

    assert worst(0.2, 0.2, 0.4, 1.0) == [0.7]
    assert worst(0.2, 0.2, 1.0) == [0.8]
    assert worst(-0.04, -0.04, 0.48) == []  # a clock that is behind makes nothing later
    assert worst(0.0, 0.0, 0.0, 0.0, 0.0, 0.7, 0.9) == [0.9, 0.7]
    assert worst(0.0, 0.2, 0.4, 0.6, 0.8, 0.95) == []


def test_whole_seconds_show_no_lag() -> None:
    journal = Journal().begin().ticking(0.5, 3.0).kube(4.2, "x", lag=1.9)
    assert [length for length, _ in late_lines(made(journal))] == [1.9]
    coarse = journal.log_records(journal.short())
    [start] = find_starts(coarse.records)
    assert not late_lines(RuleContext(study(start, 1, coarse), coarse))


def test_a_silence_lasted_at_least_as_long_as_its_truncated_stamps_say() -> None:
    context = made(clock=ClockNote("journal", 1.0))
    assert surely_s(context, Gap(2.0, 12.0, "silent")) == 9.0
    assert surely_s(context, Gap(2.0, 2.5, "silent")) == 0.0


def test_a_wait_for_a_server_is_no_silence() -> None:
    """Not the line that says so, nor the one after it: it is asked again after a while."""
    journal = Journal().begin().ticking(0.5, 3.0).kube(12.0, "x")
    [own] = silences(made(journal))
    assert own.line == len(journal.rows)
    put_off = "Waiting to retrieve agent configuration; server is not ready: 503 Service Unavailable"
    assert not silences(made(Journal().begin().ticking(0.5, 3.0).say(3.1, put_off, "error").kube(12.0, "x")))
    late = Journal().begin().ticking(0.5, 3.0).say(12.0, put_off, "error").kube(13.0, "x")
    assert [gap.line for gap in silences(made(late))] == [late.line("Waiting to retrieve")]


@pytest.mark.parametrize(("end_s", "told"), [(9.99, False), (10.0, True)])
def test_eight_seconds_are_a_long_silence(end_s: float, told: bool) -> None:
    assert bool(silences(made(clock=EXACT, gaps=(Gap(2.0, end_s, "silent"),)))) is told
    assert not silences(made(clock=EXACT, gaps=(Gap(2.0, end_s, "lost"),)))


def test_a_silence_that_began_when_readiness_was_noticed_is_none_of_the_start() -> None:
    gaps = (Gap(2.0, 11.0, "silent"), Gap(12.0, 24.0, "silent"))
    assert silences(made(clock=EXACT, gaps=gaps, detected=window(1.0, 12.0))) == [gaps[0]]
    assert silences(made(clock=EXACT, gaps=gaps, detected=window(1.0, 12.1))) == [gaps[1], gaps[0]]
    assert silences(made(clock=EXACT, gaps=gaps, detected=window(1.0, None))) == [gaps[1], gaps[0]]


def test_an_agents_silence_counts_until_its_node_is_there() -> None:
    gap = Gap(12.0, 24.0, "silent")
    coarse, detected = ClockNote("journal", 1.0), window(1.0, 100.0)

    def told(upper: float | None) -> bool:
        goals = (Goal("node", window(None, upper), "reached"),)
        return bool(silences(made(role="agent", clock=coarse, gaps=(gap,), goals=goals, detected=detected)))

    assert [told(upper) for upper in (14.0, 14.1, None)] == [False, True, True]  # its own line and its precision


@pytest.mark.parametrize(
    ("classes", "roles", "begin_s", "only"),
    [
        (5.0, 9.0, 5.0, True), (5.0, 9.0, 4.9, False), (5.0, 9.0, 9.0, True), (5.0, 9.0, 9.1, False),
        (5.0, None, 50.0, True), (None, 9.0, 6.0, False),
    ],
)  # fmt: skip
def test_when_only_the_roles_were_at_work(
    classes: float | None, roles: float | None, begin_s: float, only: bool
) -> None:
    checks = (Check(RBAC, "ok", True, window(4.0, roles)), Check(SCHEDULING, "ok", True, window(classes, 60.0)))
    gap = Gap(begin_s, begin_s + 9.0, "silent")
    assert only_roles(made(checks=checks), gap) is only
    assert not only_roles(made(checks=checks[:1]), gap) and not only_roles(made(checks=checks[1:]), gap)


@pytest.mark.parametrize(("roles_s", "times"), [(1.0, 0.5), (0.0, None), (4.0, 2.0)])
def test_how_many_times_the_boot_the_roles_took(roles_s: float, times: float | None) -> None:
    """Without the hook's fixed first second, against at most 2 s from the version line to serving."""
    journal = Journal().begin().ticking(0.5, 9.0).kube(1.0, '"Version: v1.32.4+k3s1"', "server.go:144").serving(3.0)
    checks = (Check(RBAC, "ok", True, window(3.0 + 1.0 + roles_s, None)),)
    found = proportion(made(journal, serving_s=3.0, checks=checks))
    assert found == (None if times is None else pytest.approx(times, abs=1e-5))
    assert proportion(made(journal.running(9.0), serving_s=None, checks=checks)) is None
