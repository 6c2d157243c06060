"""The stream that all inputs are read through."""

from __future__ import annotations

import io
from typing import Any

import pytest

from analyzer.sources import streams
from analyzer.sources.streams import Budget, LimitError, Stream


class Failing(io.RawIOBase):
    """Gives one piece, then fails; asked again it gives what must not be read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self.asked += 1
        if self.asked == 2:
            raise EOFError("cut off")
        buffer[:3] = b"abc"
        return 3


def test_what_was_looked_at_is_still_to_be_read() -> None:
    stream = Stream(io.BytesIO(bytes(range(250)) * 10))
    assert stream.peek(1000) == (bytes(range(250)) * 4)
    assert stream.peek(3) == b"\0\1\2"
    assert stream.read(2) == b"\0\1"
    assert stream.peek(2) == b"\2\3"
    assert io.BufferedReader(stream, 64).read() == (bytes(range(250)) * 10)[2:]
    assert stream.done == 2500


def test_damage_shows_itself_when_it_is_read_and_again() -> None:
    inner = Failing()
    stream = Stream(inner)
    assert stream.peek(10) == b"abc"
    assert stream.read(10) == b"abc"
    for _ in range(2):
        with pytest.raises(EOFError, match="cut off"):
            stream.read(10)
    assert inner.asked == 2


def test_a_part_ends_where_it_ends_and_says_when_it_is_not_all_there() -> None:
    inner = io.BytesIO(b"0123456789")
    part = Stream(inner, owned=False, left=4)
    assert io.BufferedReader(part).read() == b"0123"
    assert not inner.closed
    assert inner.tell() == 4
    rest = Stream(inner, left=7)
    assert rest.read(100) == b"456789"
    with pytest.raises(EOFError, match="in the middle of a file"):
        rest.read(1)
    rest.close()
    assert inner.closed


@pytest.mark.parametrize(("packed", "unpacked", "fine"), [(10, 5000, True), (10, 5001, False), (3, 1000, True)])
def test_a_budget_is_a_ratio_above_a_size(
    packed: int, unpacked: int, fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "RATIO_FROM", 4999 if packed == 10 else 1000)
    stream = Stream(io.BytesIO(bytes(unpacked)), budget=Budget(lambda: packed))
    if fine:
        assert len(stream.read(unpacked)) == unpacked
    else:
        with pytest.raises(LimitError, match="more than 500 times its size"):
            stream.read(unpacked)
        with pytest.raises(LimitError, match="more than 500 times its size"):
            stream.read(1)


def test_the_whole_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "TOTAL_LIMIT", 1 << 30)
    budget = Budget(lambda: 1 << 40)
    budget.spend(1 << 30)
    with pytest.raises(LimitError, match="more than 1 GiB"):
        budget.spend(1)
