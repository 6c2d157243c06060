"""From where on the datastore is said to have been slow, away or late."""

from __future__ import annotations

import pytest

from analyzer.analysis.rules.datastore import away, own_check, slow, temporary_etcd
from analyzer.results import Check, CheckState, ClockNote, End, Finding, Gap, Poll
from analyzer.site import Datastore
from tests.analysis.rules.made_contexts import made, window
from tests.kit.handmade import RBAC, Journal

UNREACHABLE = "Failed to ping connection: dial tcp 10.0.0.5:5432: connect: connection refused"


def served() -> Journal:
    return Journal().begin().ticking(0.5, 30.0).serving(3.2).poll(4.01).listed(6.01, RBAC)


def slow_sql(*seconds: float) -> dict[str, str]:
    journal = served()
    for number, took in enumerate(seconds):
        text = f"Slow SQL (started: 2026-03-01 06:00:07) (total time: {took}s): SELECT 1 : [[]]"
        journal.say(7.0 + number * 0.1, text)
    return journal.running(12.02).findings()


@pytest.mark.parametrize(
    ("took", "severity"),
    [
        ((0.9,), None),
        ((1.1,), "warning"),
        ((0.9, 0.9), None),
        ((0.6, 0.6, 0.6), "info"),
        ((0.7, 0.7, 0.7), "warning"),
        ((0.1,) * 9, "info"),
        ((0.1,) * 10, "warning"),
    ],
)
def test_which_slow_answers_are_told(took: tuple[float, ...], severity: str | None) -> None:
    """Once a second long, together two, or ten of them; one or two shorter ones nobody need know."""
    assert slow_sql(*took).get("slow_datastore") == severity


@pytest.mark.parametrize(
    ("tries", "every", "ready", "found"),
    [
        (2, 1.0, False, None),
        (3, 1.0, False, "datastore_unreachable"),
        (3, 2.3, True, None),
        (3, 2.6, True, "datastore_late"),
    ],
)
def test_how_often_and_how_long_a_datastore_was_away(tries: int, every: float, ready: bool, found: str | None) -> None:
    journal = Journal().begin().ticking(0.5, 9.0)
    for number in range(tries):
        journal.say(1.0 + number * every, UNREACHABLE, "error")
    if ready:
        journal.serving(9.2).poll(10.01).ticking(9.3, 14.0).running(14.02)
    told = journal.findings()
    assert {name for name in told if name in ("datastore_unreachable", "datastore_late")} == (
        {found} if found else set()
    )


# --- the bounds themselves ------------------------------------------------------------------------------------------

EXACT = ClockNote("monotonic", 0.0)
PROBER = '{"level":"warn","ts":"%s","caller":"etcdserver/util.go:170","msg":"prober detected unhealthy status"}'


def slow_lines(*seconds: float) -> Journal:
    journal = served()
    for number, took in enumerate(seconds):
        text = f"Slow SQL (started: 2026-03-01 06:00:07) (total time: {took}s): SELECT 1 : [[]]"
        journal.say(7.0 + number * 0.1, text)
    return journal


@pytest.mark.parametrize(
    ("took", "severity"),
    [((0.99,), None), ((1.0,), "warning"), ((0.5,) * 3, "info"), ((0.5,) * 4, "warning"), ((0.5, 0.5), None)],
)
def test_a_second_for_one_or_two_in_sum_are_slow(took: tuple[float, ...], severity: str | None) -> None:
    found = [finding for finding in slow(made(slow_lines(*took)), []) if finding.id == "slow_datastore"]
    assert [finding.severity for finding in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("took", "end", "severity"),
    [(4.99, End("failed"), "warning"), (5.0, End("failed"), "critical"), (5.0, End("running"), "warning")],
)
def test_an_answer_of_five_seconds_can_end_a_process(took: float, end: End, severity: str) -> None:
    [found] = slow(made(slow_lines(took), end=end), [])
    assert found.severity == severity
    ready, *_ = slow(made(slow_lines(took).running(12.02), end=end), [])
    assert (ready.id, ready.severity) == ("slow_datastore", "warning")


@pytest.mark.parametrize(
    ("datastore", "roles_s", "boot_s", "told"),
    [
        ("etcd", 5.0, 3.0, True), ("etcd", 4.99, 3.0, False), ("etcd", 6.0, 4.0, True), ("etcd", 6.0, 4.1, False),
        ("external", 6.0, 4.0, True), ("sqlite", 6.0, 4.0, False),
        ("etcd", None, 4.0, False), ("etcd", 6.0, None, False),
    ],
)  # fmt: skip
def test_slow_roles_point_at_a_datastore_that_no_line_reports(
    datastore: Datastore, roles_s: float | None, boot_s: float | None, told: bool
) -> None:
    """From 5 s on, and one and a half times as long as the API server's own boot."""
    context = made()
    context.datastore, context.roles_s, context.boot_most_s = datastore, roles_s, boot_s
    found = [finding for finding in slow(context, []) if finding.id == "slow_datastore"]
    assert [finding.severity for finding in found] == ["warning"] * told
    assert not told or found[0].detail.startswith("No line reports slow answers, but the serial role writes took")
    stalled = Finding("datastore_check_failing", "warning", "t", "d", "a")
    assert not [finding for finding in slow(context, [stalled]) if finding.id == "slow_datastore"]


@pytest.mark.parametrize(
    ("roles_s", "told"),
    [
        (4.99, ()),
        (5.0, ("slow_bootstrap_roles",)),
        (30.0, ("slow_bootstrap_roles",)),
        (30.1, ("slow_bootstrap_roles", "slow_try")),
    ],
)
def test_from_when_on_the_roles_are_slow_and_past_their_limit(roles_s: float, told: tuple[str, ...]) -> None:
    context = made(checks=(Check(RBAC, "ok", True, window(40.0, 60.0)),))
    context.datastore, context.roles_s = "sqlite", roles_s
    assert tuple(finding.id for finding in slow(context, [])) == told


@pytest.mark.parametrize(("silent_s", "told"), [(1.0, False), (1.1, True)])
def test_silence_while_the_roles_were_written_is_told(silent_s: float, told: bool) -> None:
    """What of it lies between serving and the roles; the rest is of somebody else."""
    gaps = (Gap(0.0, 2.0 + silent_s, "silent"), Gap(60.0, 70.0, "silent"), Gap(10.0, 30.0, "lost"))
    context = made(clock=EXACT, gaps=gaps, checks=(Check(RBAC, "ok", True, window(40.0, 60.0)),))
    context.datastore, context.roles_s = "sqlite", 8.0
    [found] = slow(context, [])
    assert ("nothing at all was logged" in found.detail) is told


@pytest.mark.parametrize(("until_s", "told"), [(4.99, False), (5.0, True), (None, False)])
def test_a_probe_that_fails_three_seconds_after_serving_is_told(until_s: float | None, told: bool) -> None:
    found = list(own_check(made(checks=(Check("etcd", "ok", True, failing_until_s=until_s),))))
    assert [(finding.id, finding.severity) for finding in found] == [("datastore_check_failing", "warning")] * told
    assert not list(own_check(made(checks=(Check("etcd", "ok", False, failing_until_s=until_s),))))


@pytest.mark.parametrize(
    ("until_s", "final", "severity"),
    [(31.9, "failing", "warning"), (32.0, "failing", "critical"), (32.0, "ok", "warning")],
)
def test_a_probe_that_fails_for_thirty_seconds_to_the_end_is_critical(
    until_s: float, final: CheckState, severity: str
) -> None:
    waiting = Journal().begin().ticking(0.2, 6.0).serving(2.0)
    check = Check("etcd", final, True, failing_until_s=until_s)
    assert [finding.severity for finding in own_check(made(waiting, checks=(check,)))] == [severity]
    assert [finding.severity for finding in own_check(made(checks=(check,)))] == ["warning"]  # it became ready


def answer(at_s: float, *failing: str, cut: bool = False) -> Poll:
    return Poll(at_s, True, "readyz_failing", failing=failing, ok=("ping",), line=5, cut=cut)


@pytest.mark.parametrize(("last_s", "told"), [(6.99, False), (7.0, True)])
def test_of_a_fragment_the_lists_tell_how_long_a_probe_failed(last_s: float, told: bool) -> None:
    polls = (answer(4.0, "etcd", RBAC), answer(last_s, "etcd"))
    found = list(own_check(made(serving_s=None, polls=polls, checks=(Check("etcd", "ok", True),))))
    assert bool(found) is told
    assert (
        not told
        or f"failing in 2 lists, the first read at 4.0 s, the last at 7.0 s. Failing beside it: {RBAC};"
        in found[0].detail
    )


def test_a_probe_that_passed_and_failed_again_is_a_relapse() -> None:
    def told(*polls: Poll) -> list[str]:
        return [finding.id for finding in own_check(made(polls=polls, checks=(Check("etcd", "ok", True),)))]

    assert told(answer(4.0, RBAC), answer(6.0, "etcd")) == ["datastore_relapsed"]
    assert not told(answer(4.0, RBAC, cut=True), answer(6.0, "etcd"))  # what the cut hides is not known
    assert not told(answer(4.0, "etcd"), answer(6.0, RBAC))


@pytest.mark.parametrize(("lines", "severity"), [(2, None), (3, "critical")])
def test_three_lines_about_peers_are_a_missing_quorum(lines: int, severity: str | None) -> None:
    journal = Journal().begin()
    for number in range(lines):
        journal.bare(3.0 + number, PROBER % f"2026-03-01T06:00:0{3 + number}.0Z")
    found = [finding.severity for finding in away(made(journal)) if finding.id == "no_quorum"]
    assert found == ([severity] if severity else [])


@pytest.mark.parametrize(("last_s", "severity"), [(12.99, "info"), (13.000001, "warning")])
def test_a_quorum_that_was_missing_for_ten_seconds_is_worth_a_warning(last_s: float, severity: str) -> None:
    journal = Journal().begin().ticking(0.5, 20.0)
    for at in (3.0, 4.0, last_s):
        journal.bare(at, PROBER % f"2026-03-01T06:00:{at:09.6f}Z")
    [found] = [one for one in away(made(journal.serving(15.0).running(18.0))) if one.id == "no_quorum"]
    assert found.severity == severity and found.detail.endswith("It was found in the end.")


def test_too_many_clients_are_no_unreachable_datastore() -> None:
    full = "error while range on /registry/leases/ : FATAL: sorry, too many clients already (SQLSTATE 53300)"
    journal = Journal().begin()
    for number in range(3):
        journal.say(3.0 + number, full, "error")
    assert [(one.id, one.severity) for one in away(made(journal))] == [("too_many_clients", "critical")]
    ready = made(journal.serving(9.0).running(12.0))
    assert [(one.id, one.severity) for one in away(ready)] == [("too_many_clients", "warning")]


def test_a_datastore_without_its_quorum_is_not_told_as_unreachable_besides() -> None:
    journal = Journal().begin()
    for number in range(3):
        journal.say(3.0 + number, UNREACHABLE, "error").bare(
            3.5 + number, PROBER % f"2026-03-01T06:00:0{3 + number}.5Z"
        )
    assert [finding.id for finding in away(made(journal))] == ["no_quorum"]


@pytest.mark.parametrize(("tries", "told"), [(4, False), (5, True)])
def test_five_refused_connections_are_an_etcd_that_nobody_serves(tries: int, told: bool) -> None:
    address, why = "10.0.0.5:2379", "connection refused"
    refused = f'grpc: addrConn.createTransport failed to connect to {{Addr: "{address}"}}. Err: {why}'
    journal = Journal().begin()
    for number in range(tries):
        journal.kube(3.0 + number, refused, "logging.go:59", "W")
    assert [finding.id for finding in away(made(journal))] == ["datastore_unreachable"] * told
    assert not list(away(made(journal.serving(12.0).running(15.0))))


@pytest.mark.parametrize(("real_s", "told"), [(4.9, False), (6.1, True)])
def test_a_second_before_the_real_etcd_is_told(real_s: float, told: bool) -> None:
    journal = (
        Journal().begin().ticking(0.5, 9.0, every=0.1).say(3.95, "Starting temporary etcd to reconcile with datastore")
    )
    journal.say(real_s, "Starting etcd for existing cluster member")
    assert bool(list(temporary_etcd(made(journal)))) is told
