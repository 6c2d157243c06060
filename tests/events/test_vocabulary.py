"""From a table of a file to a frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from analyzer.events.vocabulary import LazyPattern, Minor, read_as
from analyzer.records.grouping import grouped
from analyzer.records.log_record import Payload


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    head: tuple[str, ...] = ()
    levels: frozenset[str] = frozenset()
    payload: frozenset[Payload] = frozenset()
    match: LazyPattern | None = None
    since: Minor | None = None
    within_s: float = 1.5
    mark: str = ""


def test_values_become_what_their_fields_are() -> None:
    raw = {
        "id": "a", "head": "one", "levels": ["error"], "payload": ["klog"], "match": "x+", "since": "1.32",
        "note": "no field of the class",
    }  # fmt: skip
    row = read_as(Row, raw, mark="m")
    assert row == Row(
        "a", ("one",), frozenset({"error"}), frozenset({Payload.KLOG}), LazyPattern("x+"), (1, 32), 1.5, "m"
    )
    assert read_as(Row, {"id": "b"}) == Row("b")
    assert read_as(Row, {"id": "b", "head": ["one", "two"]}).head == ("one", "two")


def test_what_is_made_comes_before_what_the_table_says_and_the_table_is_not_changed() -> None:
    raw = {"id": "a", "since": "1.32"}
    assert read_as(Row, raw, id="b", since=None) == Row("b")
    assert raw == {"id": "a", "since": "1.32"}


def test_values_are_grouped_in_their_order() -> None:
    assert grouped([("a", 1), ("b", 2), ("a", 3)]) == {"a": (1, 3), "b": (2,)}


def test_a_missing_key_without_a_default_is_an_error() -> None:
    with pytest.raises(TypeError, match="id"):
        read_as(Row, {})
