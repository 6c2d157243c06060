"""Whose node a pod's lines are of, and how far the axis is from the wall clock."""

from __future__ import annotations

import pytest

from analyzer.records.draft import Draft, Outer, Tally
from analyzer.records.log_record import Stamp
from analyzer.records.pod_clocks import name_hosts, skews
from analyzer.sources.pod_files import Pod
from analyzer.timebase import SECOND

NOW = 1_772_344_800 * SECOND


def draft(at: int, realtime: int | None, outer: Outer = Outer.UTC, *, host: str = "a", follows: bool = False) -> Draft:
    return Draft(0, 1, "", "", outer=outer, at=Stamp(at, 1), rt=realtime, host=host, boot_id="b", follows=follows)


@pytest.mark.parametrize(
    ("drafts", "apart"),
    [
        ([draft(NOW, NOW)], {("a", "b"): 0}),
        ([draft(NOW + 7, NOW), draft(NOW, NOW + 9), draft(NOW, NOW)], {("a", "b"): 9}),
        ([draft(NOW + 7, NOW), draft(NOW + 5, NOW, host="c")], {("a", "b"): 7, ("c", "b"): 5}),
        ([draft(NOW, NOW, Outer.MONO)], {("a", "b"): SECOND}),
        ([draft(NOW + 7, None), draft(NOW + 7, NOW, Outer.NONE), draft(NOW + 7, NOW, follows=True)], {}),
    ],
)
def test_the_greatest_distance_counts(drafts: list[Draft], apart: dict[tuple[str, str], int]) -> None:
    assert skews([(Tally("x", 0), drafts)]) == apart


@pytest.mark.parametrize(
    ("node", "hosts", "found"),
    [
        ("rke-1", ("rke-1", "rke-2"), "rke-1"),
        ("rke-1", ("RKE-1",), "RKE-1"),
        ("rke-1", ("rke-1.example.com",), "rke-1.example.com"),
        ("rke-1.example.com", ("rke-1",), "rke-1"),
        ("rke-1", ("rke-1.one.net", "rke-1.two.net"), "rke-1"),
        ("rke-1", ("rke-10",), "rke-1"),
        ("rke-1.one.net", ("rke-1.two.net",), "rke-1.one.net"),
    ],
)
def test_a_node_has_the_name_that_the_journal_gives_it(node: str, hosts: tuple[str, ...], found: str) -> None:
    line = draft(NOW, NOW, host="of-the-bundle")
    name_hosts([
        (Tally("journal", 0), [draft(NOW, NOW, host=host) for host in hosts]),
        (Tally("pod", 1, pod=Pod("kube-apiserver", node, 0)), [line]),
    ])  # fmt: skip
    assert line.host == found
