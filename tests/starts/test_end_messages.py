"""Which lines say how a process ended, and which of them it survived."""

from __future__ import annotations

import pytest

from analyzer.starts import Verdict, find_starts, judge
from tests.kit.handmade import Journal


def verdict(journal: Journal) -> Verdict:
    """Of the only start."""
    [start] = journal.starts()
    return judge(start)


def begun() -> Journal:
    return Journal().begin().ticking(1.0, 6.0).serving(3.0).poll(4.0)


@pytest.mark.parametrize(
    ("told", "kind", "reason"),
    [
        ("code=exited, status=1/FAILURE", "failed", "exited with status 1 (FAILURE)"),
        ("code=killed, status=9/KILL", "failed", "killed by signal 9 (KILL)"),
        ("code=dumped, status=6/ABRT", "failed", "killed by signal 6 (ABRT)"),
        ("code=exited, status=0/SUCCESS", "failed", "exited with status 0 (SUCCESS)"),
    ],
)
def test_what_systemds_exit_line_alone_says(told: str, kind: str, reason: str | None) -> None:
    found = verdict(begun().systemd(7.0, f"k3s.service: Main process exited, {told}"))
    assert (found.end_kind, found.end_reason) == (kind, reason)


@pytest.mark.parametrize(("last", "kind"), [(16.8, "failed"), (17.2, "running")])
def test_a_process_that_writes_ten_seconds_after_its_last_words_survived_them(last: float, kind: str) -> None:
    found = verdict(begun().say(7.0, "boom", "fatal").ticking(8.0, 16.0).kube(last, "still here"))
    assert found.end_kind == kind


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Managed etcd cluster membership was previously reset, please remove the cluster-reset flag", "stopped"),
        ("Managed etcd cluster membership has been reset, restart", "stopped"),
        ("Managed etcd cluster is fine", "failed"),
    ],
)
def test_after_either_word_of_a_reset_status_0_is_an_end_in_good_order(words: str, kind: str) -> None:
    journal = begun().say(6.5, words).systemd(7.0, "k3s.service: Main process exited, code=exited, status=0/SUCCESS")
    assert verdict(journal).end_kind == kind


@pytest.mark.parametrize(("last", "kind"), [(17.9, "failed"), (18.1, "running")])
def test_where_stamps_are_of_whole_seconds_the_ten_begin_at_the_end_of_one(last: float, kind: str) -> None:
    journal = begun().say(7.0, "boom", "fatal").kube(last, "still here")
    [start] = find_starts(journal.log_records(journal.short()).records)
    assert judge(start).end_kind == kind
