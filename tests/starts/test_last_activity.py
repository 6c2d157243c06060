"""Which lines only a living process writes, and until when it wrote them."""

from __future__ import annotations

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


def test_beyond_a_moment_is_later_than_it() -> None:
    found = LastActivity({1: 10, 2: 20})
    assert [found.beyond(us, 1) for us in (9, 10)] == [True, False]
    assert [found.beyond(us) for us in (19, 20)] == [True, False]
    assert not found.beyond(0, 3)
    assert found.beyond(15, 1, 2)
