"""Labels, hosts and the order of groups."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from analyzer.collection.groups import host_numbers, host_of, label, members, natural
from tests.kit.made_fleet import row


def test_a_start_carries_its_own_labels_and_the_users() -> None:
    start = row("node-a", 1, labels=(("room", "b12"),))
    told = {
        name: label(start, name) for name in ("host", "version", "kubernetes", "product", "role", "outcome", "room")
    }
    assert told == {
        "host": "node-a", "version": "v1.33.5+k3s1", "kubernetes": "1.33", "product": "k3s", "role": "server",
        "outcome": "ready", "room": "b12",
    }  # fmt: skip
    assert label(start, "input") == "logs/node-a.log"


def test_a_label_that_a_start_does_not_have() -> None:
    assert label(row(None, 1), "host") == "unknown"
    assert label(row("a", 1), "room") == "unknown"
    assert label(row("a", 1), "key") == "unknown"  # an attribute of the row is no label


def test_the_users_label_hides_the_starts_own() -> None:
    start = row(None, 1, labels=(("host", "node-z"),))
    assert host_of(start) == "node-z"


def test_versions_stand_in_the_order_of_their_numbers() -> None:
    versions = ["v1.9.1", "v1.10.0-rc1+k3s1", "v1.10.0+k3s1", "v1.10.0+k3s2", "v1.10.0+k3s10"]  # as text: otherwise
    assert sorted(versions, key=natural) == versions


@given(st.lists(st.text() | st.text("0123456789-ab"), min_size=2))
def test_any_texts_can_be_sorted(texts: list[str]) -> None:
    assert sorted(sorted(texts, key=natural)) == sorted(texts)
    assert len({natural(text) for text in texts}) == len(set(texts))
    assert natural("9" * 5000) < natural("1" + "0" * 5000)


def test_members_by_several_labels() -> None:
    starts = [row("b", 1, "v1.10.1+k3s1"), row("a", 1, "v1.9.1+k3s1"), row("a", 2, "v1.10.1+k3s1", "failed")]
    assert members(starts, ("version",)) == {(("version", "v1.9.1+k3s1"),): [1], (("version", "v1.10.1+k3s1"),): [0, 2]}
    assert list(members(starts, ("version", "outcome"))) == [
        (("version", "v1.9.1+k3s1"), ("outcome", "ready")),
        (("version", "v1.10.1+k3s1"), ("outcome", "failed")),
        (("version", "v1.10.1+k3s1"), ("outcome", "ready")),
    ]
    assert members(starts, ("host",), [0, 1]) == {(("host", "a"),): [1], (("host", "b"),): [0]}
    assert members([], ("host",)) == {}


def test_an_input_is_a_host_where_none_is_named() -> None:
    nameless = replace(row(None, 1), input="x.log")
    starts = [row("b", 1), nameless, row("a", 1), replace(nameless, index=2), replace(nameless, input="y.log")]
    names, numbers = host_numbers(starts)
    assert sorted(name or "" for name in names) == ["", "", "a", "b"]
    assert [names[n] for n in numbers] == ["b", None, "a", None, None]
    assert numbers[1] == numbers[3] != numbers[4]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_hosts_are_numbered_by_name(order) -> None:
    starts = [row(name, 1) for name in ("a", "b", "c")]
    assert host_numbers([starts[n] for n in order])[1].tolist() == list(order)
