"""The chain of blame: its order, where it begins, and that a quick root truly saves no more than it says."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

import analyzer
from analyzer.analysis.chain_of_blame import blame_chain
from analyzer.events.check_info import info, known_checks, roots
from analyzer.events.finding_info import info as finding_info
from analyzer.events.terms import terms
from analyzer.reports import blame, chain as words
from analyzer.results import Bottleneck, Check, End, Goal, Phase, StartReport
from analyzer.testing import NAMED, Generated, Scenario, StartPlan, generate, random_scenario
from analyzer.testing.truth import SECOND
from analyzer.window import OPEN, Bound, Span, Window
from tests.kit.made_reports import RBAC, failed_start, fragment, ready_start, report_of

HOOK = "poststarthook/"
REGISTRATION, DISCOVERY = HOOK + "apiservice-registration-controller", HOOK + "apiservice-discovery-controller"


def window(lower: float, upper: float | None) -> Window:
    return Window(lower, upper, Bound.OBSERVED, Bound.NONE if upper is None else Bound.OBSERVED, 1, None)


def names(start: StartReport) -> list[str]:
    found = blame_chain(start)
    assert found is not None
    return [link.name for link in found.links]


def with_etcd(until: float, cleared: Window) -> StartReport:
    """A start without findings whose etcd check failed until a moment."""
    start = ready_start(findings=())
    etcd = Check("etcd", "ok", True, cleared, last_blocker="no", failing_until_s=until)
    return replace(start, checks=(*start.checks, etcd))


# --- the data


def test_roots_are_named_by_checks_and_name_what_exists() -> None:
    used = {root for check in known_checks() for root in check.uses}
    assert used <= roots().keys()
    for root in roots().values():
        assert root.words and root.why
        assert not root.findings or root.slow
        assert all(info(probe).known for probe in root.probes)
        assert all(finding_info(finding) is not None for finding in root.findings)
        assert not root.phase or root.phase in terms("phase")


# --- order


def test_a_hook_without_more_waits_for_the_api_server_and_is_its_own_root() -> None:
    found = blame_chain(ready_start(findings=()))
    assert found is not None
    assert [link.name for link in found.links] == ["datastore", "serving", RBAC]
    assert [link.waited_for for link in found.links] == [None, "datastore", "serving"]
    assert (found.root, found.root_saving_s, found.certainty) == (RBAC, Span(2.0, 6.0), "certain")


def test_a_datastore_whose_check_failed_long_after_serving_is_the_root() -> None:
    start = with_etcd(11.0, window(11.0, 11.2))
    found = blame_chain(start)
    assert found is not None
    assert names(start) == ["datastore", "serving", "datastore", RBAC]
    assert found.root == "datastore"
    # From serving (5.1 s) on, but for the second before the first try.
    assert found.root_saving_s is not None
    assert found.root_saving_s.min == 0.0 and found.root_saving_s.max == pytest.approx(14.0518 - 5.1 - 1.0)
    first, second = words.sentences(start)
    assert first == (
        "Last: rbac/bootstrap-roles, passed between 12.0 and 14.1 s; it waited for the datastore "
        "(etcd passed between 11.0 and 11.2 s)."
    )
    assert second == "Had the datastore answered at once from 5.1 s on, ready could have been up to 8.0 s earlier."


@pytest.mark.parametrize(
    ("until", "cleared"),
    [
        (6.9, window(6.9, 8.0)),  # it fails in every start until its client is connected
        (16.0, window(16.0, 17.0)),  # surely after the last check: another trouble
    ],
)
def test_a_datastore_that_proves_nothing_is_no_link(until: float, cleared: Window) -> None:
    assert names(with_etcd(until, cleared)) == ["datastore", "serving", RBAC]


def test_a_finding_counts_only_with_a_line_on_the_way() -> None:
    start = ready_start()
    assert names(start)[-2:] == ["datastore", RBAC]
    late = tuple(replace(finding, lines=(70, 71)) for finding in start.findings)
    mild = tuple(replace(finding, severity="info") for finding in start.findings)
    for findings in (late, mild):
        assert names(replace(start, findings=findings))[-2:] == ["serving", RBAC]


def registered(cleared: Window, discovered: Window) -> StartReport:
    checks = (
        Check(REGISTRATION, "ok", True, cleared, saving_s=Span(0.0, 0.0), last_blocker="no"),
        Check(DISCOVERY, "ok", True, discovered, saving_s=Span(0.0, 2.0), last_blocker="certain"),
    )
    return ready_start(findings=(), checks=checks, bottleneck=Bottleneck((DISCOVERY,), "certain", ""))


def test_what_a_check_needs_comes_before_it_and_is_the_root() -> None:
    start = registered(window(9.0, 11.0), window(12.0, 14.0))
    found = blame_chain(start)
    assert found is not None
    assert names(start)[-2:] == [REGISTRATION, DISCOVERY]
    assert found.root == REGISTRATION
    # Its own length: discovery would have come that much earlier, and nothing else held readiness up.
    assert found.root_saving_s is not None
    assert found.root_saving_s.min == 0.0 and found.root_saving_s.max == pytest.approx(11.0 - 5.1)


def test_a_need_that_surely_came_later_is_no_link() -> None:
    assert names(registered(window(13.0, 13.5), window(11.0, 12.0)))[-2:] == ["serving", DISCOVERY]


def test_of_several_that_may_be_last_only_what_all_wait_for_is_told() -> None:
    start = ready_start(findings=(), bottleneck=Bottleneck((RBAC, DISCOVERY), "possible", ""))
    found = blame_chain(start)
    assert found is not None
    assert names(start) == ["datastore", "serving"]
    assert found.root == "serving" and found.root_saving_s is None
    assert words.sentences(start) == (
        "Last: one of 2 checks (rbac/bootstrap-roles or apiservice-discovery-controller); both waited for the API "
        "server to serve (at 5.1 s).",
    )


# --- failed starts


def test_a_failed_start_blames_the_hook_of_its_reason() -> None:
    reason = 'PostStartHook "rbac/bootstrap-roles" failed: unable to initialize roles: timed out'
    checks = (Check(RBAC, "failing", True, window(30.0, None)), Check("etcd", "unseen", True, window(30.0, None)))
    start = failed_start(outcome_reason=reason, end=End("failed", 40.0, 90, reason), checks=checks, findings=())
    found = blame_chain(start)
    assert found is not None
    assert (found.last, found.certainty, found.in_reason) == ((RBAC,), "certain", True)
    assert found.also_failing == ("etcd",) and found.root_saving_s is None
    assert words.sentences(start) == (
        "The reason names the hook rbac/bootstrap-roles.", "Also failing when last seen: etcd."
    )  # fmt: skip


def test_a_start_that_never_had_checks_names_what_it_waited_for() -> None:
    phase = Phase("datastore", window(1.0, 1.1), window(900.0, None), Span(899.0, None))
    assert words.sentences(failed_start(phases=(phase,))) == ("It waited for the datastore, still at 15 min 00 s.",)
    unknown = replace(phase, id="datastore+certificates")
    assert blame_chain(failed_start(phases=(unknown,))) is None
    assert blame_chain(failed_start()) is None


def test_checks_that_were_failing_when_last_seen() -> None:
    assert words.sentences(fragment()) == ("Failing when last seen: rbac/bootstrap-roles.",)


# --- agents


def agent(product: str = "k3s") -> StartReport:
    goals = (Goal("server", window(3.0, 20.0), "reached"), Goal("node", window(21.0, 22.0), "reached"))
    phase = Phase("server", window(1.0, 1.1), window(19.0, 20.0), Span(18.0, 19.0))
    none = Bottleneck()
    return ready_start(role="agent", product=product, goals=goals, phases=(phase,), checks=(), bottleneck=none)


def test_an_agent_waits_for_its_server() -> None:
    assert words.sentences(agent()) == (
        "Its node was registered between 21.0 and 22.0 s; it waited for the server it joins (between 3.0 and 20.0 s).",
        "Had the server it joins answered at once, the node could have been registered up to 19.0 s earlier.",
    )


def test_the_kubelet_of_rke2_waits_for_no_server() -> None:
    assert blame_chain(agent("rke2")) is None


# --- the truth: what a quick root would have saved


def judged(journal: Generated) -> StartReport:
    return analyzer.analyze(analyzer.load(stdin=io.BytesIO(journal.render("export")))).report.starts[0]


def made(seed: int, **slow: Any) -> Generated:
    plan = StartPlan(store="etcd", fresh=bool(seed % 2), pace=1.0 + seed / 6)
    return generate(Scenario(name="slow", starts=(replace(plan, **slow),)), seed)


def saved_by_check(journal: Generated, root: str) -> float:
    """Had a check been instant, what needs it would have come by its length earlier, and nothing else."""
    told = journal.truth.starts[0]
    assert told.ready_us is not None
    assert told.serving_us is not None
    times = {name: check.ok_us for name, check in told.checks.items() if check.ok_us is not None}
    own = times.pop(root) - told.serving_us
    later = [at - own * (root in info(name).needs) for name, at in times.items()]
    return (told.ready_us - max(later)) / SECOND


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("root", [RBAC, REGISTRATION])
def test_an_instant_check_saves_no_more_than_is_said(root: str, seed: int) -> None:
    journal = made(seed, extra={root: 12.0})
    found = blame_chain(judged(journal))
    assert found is not None
    if found.root == root and found.root_saving_s is not None:
        least, most = found.root_saving_s.min, found.root_saving_s.max
        assert most is not None
        assert least - 2e-3 <= saved_by_check(journal, root) <= most + 2e-3


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("length", [9.0, 31.0])
def test_a_quick_datastore_saves_no_more_than_is_said(length: float, seed: int) -> None:
    journal = made(seed, stall_at_s=0.6, stall_s=length)
    found = blame_chain(judged(journal))
    assert found is not None
    if found.root == "datastore" and found.root_saving_s is not None:
        # The roles hook begins a second after serving and stands still until the stall is over.
        assert found.root_saving_s.max is not None
        assert found.root_saving_s.max + 2e-3 >= length - 0.4


def test_a_phase_that_another_line_divides_is_not_the_serving() -> None:
    start = ready_start(findings=())
    early = Phase("datastore+apiserver_boot", window(0.0, 0.1), window(3.0, 3.1), Span(2.9, 3.1))
    found = blame_chain(replace(start, phases=(early, *start.phases[2:])))
    assert found is not None
    assert next(link.cleared for link in found.links if link.name == "serving").lower == 5.1


@pytest.mark.long
def test_the_roots_of_made_journals_are_found() -> None:
    found = [blame_chain(judged(made(seed, stall_at_s=0.6, stall_s=31.0))) for seed in range(12)]
    assert sum(chain is not None and chain.root == "datastore" for chain in found) >= 9
    slow = [blame_chain(judged(made(seed, extra={REGISTRATION: 12.0}))) for seed in range(12)]
    assert sum(chain is not None and chain.root == REGISTRATION for chain in slow) >= 9


# --- the text


@pytest.mark.parametrize("seed", range(60))
def test_the_text_fits_a_terminal(seed: int) -> None:
    known = sorted(NAMED)
    scenario = NAMED[known[seed // 5 % len(known)]] if seed % 5 == 0 else random_scenario(seed)
    report = analyzer.analyze(analyzer.load(stdin=io.BytesIO(generate(scenario, seed).render("short-iso")))).report
    for start in report.starts:
        lines = blame.text(report_of(start)).splitlines()
        assert len(lines) <= 24, "\n".join(lines)
        assert max(map(len, lines)) <= 80
        assert len(words.sentences(start)) <= 2


def test_open_windows_are_not_told() -> None:
    start = ready_start(findings=(), checks=(replace(ready_start().checks[0], cleared=OPEN, saving_s=None),))
    assert "?" not in " ".join(words.sentences(start))
