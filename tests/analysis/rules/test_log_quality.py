"""What is wrong with a text, and from where on that is told."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.analysis.rules.log_quality import cut, grepped, lost, noise, restarted
from analyzer.results import Finding, Gap, Poll
from tests.analysis.rules.made_contexts import made
from tests.kit.handmade import Journal


def suppressed(*lines: tuple[str, int, str], **report: Any) -> list[Finding]:
    journal = Journal().begin().ticking(0.5, 9.0)
    for number, (ident, count, unit) in enumerate(lines):
        journal.other(2.0 + number, ident, f"Suppressed {count} messages from {unit}")
    return list(lost(made(journal, **({"gaps": ()} | report))))


def test_lines_that_the_journal_suppressed_are_counted() -> None:
    journald = "systemd-journald"
    [one] = suppressed((journald, 1, "k3s.service"))
    assert one.detail.startswith("journald suppressed 1 line in 1 place; polls")
    [two] = suppressed((journald, 120, "k3s.service"), (journald, 12, "rke2-server.service"))
    assert two.detail.startswith("journald suppressed 132 lines in 2 places; polls")
    assert not suppressed((journald, 120, "nginx.service"))
    assert not suppressed((journald, 120, "k3s.service"), host="node-b")  # another machine's journal


def test_missing_lines_of_the_text_are_told() -> None:
    [hole] = suppressed(gaps=(Gap(2.0, 3.0, "lost", 7), Gap(4.0, 12.0, "silent", 9)))
    assert hole.detail.startswith("lines are missing in 1 place of the log; polls")
    assert hole.lines == (7,)
    assert not suppressed(gaps=(Gap(4.0, 12.0, "silent", 9),))


def loud(lines: int, severity: str) -> Journal:
    journal = Journal()
    for number in range(lines):
        journal.kube(1.0 + number, f"{'abcd'[number % 4]} of k3s: it is wrong", severity=severity)
    return journal


@pytest.mark.parametrize(
    ("lines", "severity", "told"), [(7, "E", False), (8, "E", True), (8, "W", True), (8, "I", False)]
)
def test_eight_lines_that_all_are_loud_were_filtered(lines: int, severity: str, told: bool) -> None:
    details = [finding.detail for finding in grepped(made(loud(lines, severity)))]
    assert any(detail.startswith(f"All {lines} lines") for detail in details) is told
    mixed = made(loud(lines, severity).kube(30.0, "fine"))
    assert not any(finding.detail.startswith("All ") for finding in grepped(mixed))


@pytest.mark.parametrize(("counter", "told"), [(2, False), (3, True)])
def test_three_restarts_before_the_text_are_told(counter: int, told: bool) -> None:
    def found(unit: str) -> list[str]:
        journal = Journal().systemd(-1.0, f"{unit}: Scheduled restart job, restart counter is at {counter}.")
        journal.rows[-1]["UNIT"] = unit
        return [finding.detail for finding in restarted(made(journal.begin()))]

    expected = f"systemd had started it again {counter} times already when this start began."
    assert found("nginx.service") == []
    assert found("k3s.service") == [expected] * told


@pytest.mark.parametrize(
    ("shown", "failing", "unseen", "told"),
    [
        (("ping",), (), ("a", "b"), "1 check list ends before the trailer; up to 2 checks not shown count as unseen"),
        ((), ("etcd",), ("a",), "1 check list ends before the trailer; up to 1 check not shown"),
        (("ping",), (), (), "1 check list ends before the trailer."),
        ((), (), (), None),
    ],
)
def test_a_list_that_is_cut_hides_the_rest(
    shown: tuple[str, ...], failing: tuple[str, ...], unseen: tuple[str, ...], told: str | None
) -> None:
    poll = Poll(4.0, True, "readyz_failing", failing=failing, unseen=unseen, cut=True, line=5, ok=shown)
    details = [finding.detail for finding in cut(made(polls=(poll,)))]
    assert [detail.startswith(told or "?") for detail in details] == [True] * (told is not None)


def test_noise_is_counted_by_kind() -> None:
    assert not list(noise(made(Journal().begin())))
    refused = 'grpc: addrConn.createTransport failed to connect to {Addr: "unix:kine.sock"}. Err: refused'
    journal = Journal().begin().kube(1.0, refused, "logging.go:59", "W").kube(2.0, refused, "logging.go:59", "W")
    [found] = noise(made(journal))
    assert found.detail.startswith("2 lines that a healthy start prints as well: ") and "(2)" in found.detail
    assert found.lines == (3,)


def test_of_several_cut_lists_the_one_that_hides_most_is_told() -> None:
    polls = tuple(
        Poll(4.0 + line, True, "readyz_failing", unseen=unseen, cut=True, line=line, ok=("ping",))
        for line, unseen in ((5, ("a",)), (6, ("a", "b", "c")), (7, ()))
    )
    [found] = cut(made(polls=polls))
    assert found.detail.startswith("3 check lists end before the trailer; up to 3 checks not shown")
