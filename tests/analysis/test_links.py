"""What the log of one host says of others: every pattern finds its example, and nothing is found in other lines."""

from __future__ import annotations

import io
from typing import Any

import pytest

from analyzer.events.link_rules import goal_of_wait, orders, rules_for
from analyzer.events.vocabulary import load
from analyzer.records import read_log_records
from analyzer.results import Links
from analyzer.sources import search
from tests.kit.handmade import Journal

RAW = [(kind, raw) for kind in ("fact", "message", "wait") for raw in load("links.toml")[kind] if "example" in raw]


@pytest.mark.parametrize(("kind", "raw"), RAW, ids=[raw.get("what") or raw["id"] for _, raw in RAW])
def test_every_pattern_finds_its_example(kind: str, raw: dict[str, Any]) -> None:
    for example in [raw["example"]] if isinstance(raw["example"], str) else raw["example"]:
        read, _ = read_log_records(["-"], stdin=io.BufferedReader(io.BytesIO(example.encode() + b"\n")))
        [record] = read.records
        name = raw.get("what") or raw["id"]
        found = [rule for rule in rules_for(record) if (rule.kind, rule.id) == (kind, name)]
        assert any(match.re.pattern == raw.get("match", "^") for rule in found for match in rule.found(record)), example


def test_orders_and_waits_name_what_there_is() -> None:
    messages = {raw["id"] for raw in load("links.toml")["message"]}
    assert {name for order in orders() for name in (order.first, order.then)} <= messages
    assert all(len(raw["proof"]) > 40 for raw in load("links.toml")["order"])
    assert goal_of_wait("server") == "api" and goal_of_wait("quorum") == "etcd"


@pytest.mark.parametrize("name", ["tunnel_dialled", "tunnel_up", "tunnel_taken"])
def test_messages_that_are_counted_are_kept_by_the_fast_scan(name: str) -> None:
    [raw] = [raw for raw in load("links.toml")["message"] if raw["id"] == name]
    line = bytearray(raw["example"].encode() + b"\n")
    for engine in (search.stdlib_engine(), search.automaton_engine()):
        assert engine is None or engine(line, 0, len(line)) == [0]


def test_a_log_of_one_host_says_who_it_is_and_no_more() -> None:
    journal = Journal().begin().serving(4.0).listed(5.0).running(8.0)
    assert journal.report().links == Links()


def test_a_line_without_a_stamp_of_its_own_compares_no_clocks() -> None:
    taken = "Handling backend connection request [worker-1]"
    journal = Journal().begin().say(1.0, taken).bare(1.5, taken).serving(4.0).running(8.0)
    [message] = journal.report().links.messages
    assert (message.of, message.line) == ("worker-1", journal.line(taken))
