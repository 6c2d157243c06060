"""Which lines only a living process writes, and until when it wrote them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.starts.last_activity import LastActivity, is_ordinary, lasting
from tests.kit.handmade import ZERO_US, Journal


@pytest.mark.parametrize(
    ("journal", "ordinary"),
    [
        (Journal().say(1.0, "words"), True),
        (Journal().say(1.0, "words", "error"), True),
        (Journal().kube(1.0, "words"), True),
        (Journal().say(1.0, "last words", "fatal"), False),
        (Journal().kube(1.0, "last words", severity="F"), False),
        (Journal().bare(1.0, "words without any header"), False),
        (Journal().bare(1.0, "goroutine 1 [running]:"), False),
    ],
)
def test_what_a_living_process_writes(journal: Journal, ordinary: bool) -> None:
    [record] = journal.log_records().records
    assert is_ordinary(record) is ordinary


def test_the_latest_of_a_process_counts_wherever_it_stands() -> None:
    [start] = Journal().banner(1.0).kube(3.0, "late").kube(2.0, "early", lag=2.0).bare(5.0, "boom").starts()
    found = lasting(start)
    assert found == LastActivity({1000: ZERO_US + 3_000_000}, start.process[2].seq)


def test_a_line_is_outlived_by_what_was_written_later_than_its_end_and_the_time_given() -> None:
    [record] = Journal().kube(1.0, "words").log_records().records
    assert record.stamp is not None
    found = LastActivity({1: record.stamp.end_us + 10, 2: record.stamp.end_us + 20}, record.seq)
    assert [found.outlives(record, by_us, 1) for by_us in (9, 10)] == [True, False]
    assert [found.outlives(record, by_us) for by_us in (19, 20)] == [True, False]
    assert not found.outlives(record, 0, 3)
    assert found.outlives(record, 15, 1, 2)


def test_nothing_outlives_a_line_without_a_stamp_or_behind_all_others() -> None:
    [record] = Journal().kube(1.0, "words").log_records().records
    assert record.stamp is not None
    found = LastActivity({1: record.stamp.end_us + 10}, record.seq)
    assert not found.outlives(replace(record, at=None, inner_at=None), 0)
    assert not replace(found, last_seq=record.seq - 1).outlives(record, 0)
