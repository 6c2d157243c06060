"""Where one start ends and the next begins."""

from __future__ import annotations

import pytest

from analyzer.events.event import Mark
from analyzer.starts import Start, find_starts
from tests.kit.handmade import RBAC, Journal

KILLED = "k3s.service: Main process exited, code=killed, status=9/KILL"


def pids(starts: list[Start]) -> list[int | None]:
    return [start.pid for start in starts]


def run(journal: Journal, at: float, pid: int, *, systemd: bool = True) -> Journal:
    """One run of five seconds."""
    journal.pid = pid
    journal.begin(at) if systemd else journal.banner(at + 0.1)
    return journal.ticking(at + 1.0, at + 4.0)


def test_every_starting_of_systemd_begins_a_start() -> None:
    journal = run(run(Journal(), 0.0, 1000).systemd(6.0, KILLED), 10.0, 1001)
    starts = journal.starts()
    assert pids(starts) == [1000, 1001]
    assert starts[0].followed_by is starts[1]
    assert all(start.begin_seen for start in starts)
    assert starts[1].began is not None and starts[1].began.message.startswith("Starting k3s.service")


def test_a_banner_begins_a_start_without_systemd() -> None:
    assert pids(run(run(Journal(), 0.0, 1000, systemd=False), 10.0, 1001, systemd=False).starts()) == [1000, 1001]


def test_a_pid_that_comes_back_with_a_banner_is_a_new_start() -> None:
    assert pids(run(run(Journal(), 0.0, 1000), 10.0, 1000).starts()) == [1000, 1000]


def test_late_lines_of_an_old_process_stay_with_it() -> None:
    journal = run(Journal(), 0.0, 1000).systemd(6.0, KILLED)
    run(journal, 10.0, 1001)
    journal.pid = 1000
    journal.kube(11.5, "Adding GroupVersion late v1 to ResourceManager", "handler.go:286")
    starts = journal.starts()
    assert pids(starts) == [1000, 1001]
    assert starts[0].process[-1].message == "Adding GroupVersion late v1 to ResourceManager"


def test_helpers_before_the_process_are_not_its_begin() -> None:
    journal = Journal().systemd(0.0, "Starting k3s.service - Lightweight Kubernetes...")
    journal.other(0.5, "modprobe", "overlay")
    [start] = journal.banner(2.0).starts()
    assert [record.ident for record in start.process] == ["k3s"]
    assert start.began is not None and start.began.ident == "systemd"


def test_lines_of_other_programs_belong_to_no_start() -> None:
    journal = run(Journal(), 0.0, 1000)
    journal.other(2.0, "kubectl", "Serving securely on 127.0.0.1:6444").other(2.1, "kernel", "link up")
    [start] = journal.starts()
    assert {record.ident for record in start.records} == {"k3s", "systemd"}


def test_a_fragment_is_a_start_whose_begin_is_not_in_the_text() -> None:
    [start] = Journal().ticking(3.0, 4.0).listed(4.2, RBAC).starts()
    assert not start.begin_seen
    assert start.began is start.process[0]


def test_invocation_ids_part_starts_of_one_pid() -> None:
    journal = Journal()
    journal.invocation = "a" * 32
    journal.ticking(0.0, 2.0).poll(2.1)
    journal.invocation = "c" * 32
    journal.ticking(10.0, 12.0).poll(12.1)
    assert [start.invocation_id for start in journal.starts()] == ["a" * 32, "c" * 32]


def test_version_role_and_product_come_from_the_banner() -> None:
    [start] = run(Journal("v1.35.0+k3s1"), 0.0, 1000).starts()
    assert (start.product, start.role, start.version, start.commit) == ("k3s", "server", "v1.35.0+k3s1", "148243c4")


def test_dropped_lines_are_noted_with_the_start_they_fell_into() -> None:
    journal = run(run(Journal(), 0.0, 1000).systemd(6.0, KILLED), 10.0, 1001)
    journal.other(12.5, "systemd-journald", "Suppressed 312 messages from k3s.service")
    journal.other(12.6, "systemd-journald", "Suppressed 10 messages from sshd.service")
    journal.other(12.7, "impostor", "Suppressed 10 messages from k3s.service")
    first, second = journal.starts()
    assert first.losses == []
    assert [journal.log_records().records[seq].ident for seq in second.losses] == ["systemd-journald", "k3s"], (
        "line after it"
    )
    assert second.lost_between(second.records[0].seq, None)
    assert not second.lost_between(second.losses[-1], None)


def test_a_run_without_pid_and_banner_begins_at_its_first_words() -> None:
    import io

    import analyzer

    def line(second: int, text: str) -> str:
        return f'time="2026-03-01T06:03:{second:02d}Z" level=info msg="{text}"'

    def klog(second: int, pid: int, text: str) -> str:
        return f"I0301 06:03:{second:02d}.000000    {pid} server.go:155] {text}"

    rows = [line(1, "Kine available at unix://kine.sock"), klog(2, 7, "Version: v1.33.4+k3s1")]
    rows += [line(9, "Stopping etcd server..."), line(14, "etcd server stopped")]  # pauses of the run that ends
    rows += [line(31, "Webhooks and apiserver aggregation may not function"), line(31, "Running kube-apiserver --x")]
    rows += [klog(32, 8, "Version: v1.33.4+k3s1")]
    starts = analyzer.analyze(analyzer.load(stdin=io.BytesIO("\n".join(rows).encode()))).report.starts
    assert [start.began_at.second for start in starts if start.began_at is not None] == [1, 31]


def test_words_of_a_helper_under_the_units_name_are_of_no_start() -> None:
    journal = Journal().bare(0.0, "modprobe: FATAL: Module br_netfilter not found").begin(1.0).ticking(2.0, 3.0)
    [start] = journal.starts()
    assert "modprobe" not in "".join(record.message for record in start.process)


def parts(*rows: str) -> list[list[str]]:
    """The messages of each start in a text that names no process."""
    log_records = Journal().log_records(("\n".join(rows) + "\n").encode())
    return [[record.message for record in start.process] for start in find_starts(log_records.records)]


def bare(second: int, text: str) -> str:
    return f'time="2026-03-01T06:03:{second:02d}Z" level=info msg="{text}"'


FIRST = [
    bare(1, "Starting k3s v1.33.4+k3s1 (148243c4)"),
    "I0301 06:03:02.000000       7 server.go:155] Version: v1.33.4",
]
LAST = ["Stopping etcd server...", "etcd server stopped"]


def test_what_stands_above_a_banner_is_of_the_run_before() -> None:
    """However long nothing was said before it; but for the wrapper's own lines."""
    rows = [*FIRST, bare(9, LAST[0]), bare(14, LAST[1]), bare(14, "Acquiring lock file /x")]
    first, second = parts(*rows, bare(14, "Starting k3s v1.33.4+k3s1 (148243c4)"), bare(15, "more"))
    assert first[-2:] == LAST
    assert second == ["Acquiring lock file /x", "Starting k3s v1.33.4+k3s1 (148243c4)", "more"]


@pytest.mark.parametrize(("pause", "lines"), [(1, 1), (2, 3)])
def test_a_run_without_banner_begins_behind_a_pause_of_two_seconds(pause: int, lines: int) -> None:
    """Up to three lines before the first of which it is known."""
    rows = [*FIRST, bare(9, LAST[0]), bare(9 + pause, "one"), bare(9 + pause, "two")]
    _, second = parts(
        *rows, bare(9 + pause, "Opening etcd client"), FIRST[1].replace("03:02", "03:20").replace("7 s", "8 s")
    )
    assert len(second) == lines + 1


def test_all_that_systemctl_can_tell_is_no_start_beside_a_better_one() -> None:
    head = "● k3s.service - Lightweight Kubernetes"
    since = "since Mon 2026-05-04 08:20:21 UTC; 1s ago"
    states = ("activating (start)", "active (running)", "failed (Result: exit-code)")
    blocks = "".join(f"{head}\n     Active: {state} {since}\n" for state in states)
    journal = Journal().begin().ticking(1.0, 3.0)
    for text, count in ((blocks.encode(), 3), (journal.short(), 0), (journal.short() + blocks.encode(), 0)):
        [start] = find_starts(journal.log_records(text).records)
        told = [event for event in start.events if isinstance(event, Mark) and event.id.startswith("status_")]
        assert len(told) == count
