"""Texts that were printed newest first are turned round, and only those."""

from __future__ import annotations

import pytest

from tests.kit.handmade import Journal


def row(second: int, micros: int) -> str:
    stamp = f"06:00:{second:02d}"
    return f"Mar 01 {stamp} node-a k3s[5]: I0301 {stamp}.{micros:06d}       5 x.go:1] {second}.{micros}"


def read(rows: list[str]) -> tuple[list[str], bool]:
    """The rows as they are read, and whether the text was turned round for it."""
    found = Journal().log_records(("\n".join(rows) + "\n").encode())
    return [record.raw for record in found.records], any("turned round" in note for note in found.notes.get(0, ()))


DOWN = [row(4, 0), row(3, 0), row(2, 0)]


@pytest.mark.parametrize(("rows", "turned"), [(DOWN, True), (DOWN[:2], False), (DOWN[::-1], False)])
def test_two_steps_back_are_the_least(rows: list[str], turned: bool) -> None:
    assert read(rows)[1] is turned


@pytest.mark.parametrize(("back", "turned"), [(5, True), (4, False)])
def test_over_four_fifths_of_the_steps_go_back(back: int, turned: bool) -> None:
    rows = [row(second, 0) for second in range(30, 29 - back, -1)]
    assert read([*rows, row(31 - back, 500_000)])[1] is turned


def test_within_one_second_the_microseconds_of_the_components_tell() -> None:
    falling = [row(2, micros) for micros in range(900_000, 300_000, -100_000)]
    assert read(falling) == (falling[::-1], True)
    told, turned = read([*falling, row(3, 0)])
    assert told[-1] == row(3, 0) and not turned, "the seconds say otherwise"


def test_a_gap_above_a_line_is_one_below_it_when_the_text_is_turned_round() -> None:
    found = Journal().log_records("\n".join([*DOWN[:2], "--", DOWN[2]]).encode() + b"\n").records
    assert [(record.message, record.lost_before) for record in found] == [("2.0", False), ("3.0", True), ("4.0", False)]


def logrus(second: int) -> str:
    return f'time="2026-03-01T06:00:{second:02d}Z" level=info msg="{second}"'


def klog(second: int) -> str:
    return f"I0301 06:00:{second:02d}.000000       5 x.go:1] {second}"


def etcd(second: int) -> str:
    return f'{{"level":"info","ts":"2026-03-01T06:00:{second:02d}.5Z","caller":"a/b.go:1","msg":"{second}"}}'


@pytest.mark.parametrize(
    ("rows", "turned"),
    [
        ([logrus(4), logrus(3), logrus(2)], True),
        ([logrus(2), logrus(3), logrus(4)], False),
        ([logrus(2), klog(4), klog(3), klog(2), logrus(3), logrus(4)], False),  # k3s' own stamps, where it has any
        ([klog(4), klog(3), klog(2)], True),
        ([etcd(2), klog(4), etcd(3), klog(3), klog(2)], True),  # etcd is told from k3s
    ],
)
def test_without_a_carrier_the_stamps_of_k3s_itself_tell(rows: list[str], turned: bool) -> None:
    assert read(rows)[1] is turned
