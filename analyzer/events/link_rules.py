"""What a log says of other hosts: the rules are ``links.toml``, compiled here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from analyzer.events.vocabulary import TEXT_LIMIT, load
from analyzer.records.log_record import LogRecord, Payload

_RAFT, _RAFTS_FILE = "raft", "zap_raft.go"  # before etcd 3.5 a line does not name its logger

Kind = Literal["fact", "message", "wait", "over"]


@dataclass(frozen=True, slots=True)
class LinkRule:
    """One pattern; ``id`` of a fact is what it tells. ``links.toml`` says what each field means."""

    kind: Kind
    id: str
    match: re.Pattern[str] | None = None
    fields: tuple[str, ...] = ()
    key: tuple[str, ...] = ()

    def found(self, record: LogRecord) -> Iterator[re.Match[str]]:
        """What the rule finds in a line."""
        if self.match is None:
            return
        text = record.message[:TEXT_LIMIT]
        for name in self.fields:
            if name in record.fields:
                text += f" {name}={record.fields[name]}"
        yield from self.match.finditer(text)


@dataclass(frozen=True, slots=True)
class Order:
    """Two messages of which the first certainly comes before the other one."""

    first: str
    then: str
    by: Literal["key", "turn"]


@dataclass(frozen=True, slots=True)
class _Table:
    """The rules by the begin of the messages that they look at; most lines are passed over by one comparison."""

    heads: tuple[str, ...]
    by_head: tuple[tuple[str, tuple[LinkRule, ...]], ...]
    of_raft: tuple[LinkRule, ...]
    anywhere: tuple[tuple[str, LinkRule], ...]


def rules_for(record: LogRecord) -> Sequence[LinkRule]:
    """The rules that may find something in a line; none for nearly all lines."""
    table = _table()
    if record.message.startswith(table.heads):
        found = [rule for head, rules in table.by_head if record.message.startswith(head) for rule in rules]
        return list(dict.fromkeys(found))
    if record.payload is Payload.ZAP and (record.fields.get("logger") == _RAFT or record.file.endswith(_RAFTS_FILE)):
        return table.of_raft
    if record.level in ("fatal", "error"):
        return [rule for words, rule in table.anywhere if words in record.message]
    return ()


@cache
def orders() -> tuple[Order, ...]:
    """All pairs of messages whose order is known."""
    return tuple(Order(raw["first"], raw["then"], raw["by"]) for raw in load("links.toml")["order"])


@cache
def goal_of_wait(name: str) -> str:
    """What a host waits for: a goal of another one."""
    return next((raw["goal"] for raw in load("links.toml")["wait"] if raw["id"] == name), "etcd")


@cache
def usual_s(name: str) -> float:
    """How long such a wait takes where nothing is wrong."""
    return next((float(raw.get("usual_s", 0.0)) for raw in load("links.toml")["wait"] if raw["id"] == name), 0.0)


def longest_usual_s(goal: str) -> float:
    """How long waits for a goal take where nothing is wrong."""
    return max((usual_s(raw["id"]) for raw in load("links.toml")["wait"] if raw["goal"] == goal), default=0.0)


@cache
def _table() -> _Table:
    heads: dict[str, list[LinkRule]] = {}
    raft: list[LinkRule] = []
    anywhere: list[tuple[str, LinkRule]] = []
    for kind in ("fact", "message", "wait"):
        for raw in load("links.toml")[kind]:
            rule = _rule(kind, raw)
            for head in raw.get("head", ()):
                heads.setdefault(head, []).append(rule)
            if raw.get("logger") == _RAFT:
                raft.append(rule)
            anywhere += [(words, rule) for words in raw.get("anywhere", ())]
            for head in raw.get("over", ()):
                heads.setdefault(head, []).append(LinkRule("over", raw["id"]))
    return _Table(
        tuple(heads),
        tuple((head, tuple(rules)) for head, rules in heads.items()),
        tuple(raft),
        tuple(anywhere),
    )


def _rule(kind: Any, raw: dict[str, Any]) -> LinkRule:
    match = re.compile(raw["match"]) if "match" in raw else re.compile("^") if kind == "wait" else None
    return LinkRule(kind, raw.get("what") or raw["id"], match, tuple(raw.get("fields", ())), tuple(raw.get("key", ())))
