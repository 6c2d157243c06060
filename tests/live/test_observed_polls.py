"""The file of polls: written, read back, and refused when it is not one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from analyzer.errors import BadInputError
from analyzer.live.observed_polls import ObservedPoll, ObservedWait, dump, looks_like, parse
from analyzer.live.wait_report import numbered
from analyzer.policies.protocol import ERRORS

BEGAN = datetime(2025, 3, 1, 6, 3, 22, 5, tzinfo=UTC)
ONE = ObservedPoll(
    "readyz_failing", 500, "readyz check failed", ("a",), ("b", "ping"), departed_s=0.0, answered_s=0.004
)
TWO = ObservedPoll(None, 200, "ready", (), ("a", "b", "ping"), departed_s=1.0, answered_s=1.25)
WAIT = numbered(ObservedWait("https://127.0.0.1:6443", "adaptive", BEGAN, (ONE, TWO), "ready", 1.25, tool="0.1.0"))


def lines_of(wait: ObservedWait) -> list[str]:
    return dump(wait).splitlines()


def micro(top: float) -> st.SearchStrategy[float]:
    return st.integers(0, int(top * 1e6)).map(lambda n: n / 1e6)


@st.composite
def polls(draw: st.DrawFn) -> ObservedPoll:
    departed = draw(micro(900))
    error = draw(st.sampled_from([name or None for name, _ in ERRORS]))
    names = st.lists(st.text(min_size=1, max_size=8), max_size=3).map(tuple)
    return ObservedPoll(
        departed_s=departed,
        answered_s=round(departed + draw(micro(15)), 6),
        error=error,
        status=draw(st.none() | st.integers(100, 599)),
        text=draw(st.text(max_size=20)),
        failing=draw(names),
        ok=draw(names),
        message=draw(st.none() | st.text(min_size=1, max_size=9)),
        retry_after_s=draw(st.none() | micro(60)),
        cut=draw(st.booleans()),
        loop=draw(st.integers(0, 3)),
    )


@given(st.lists(polls(), max_size=5), st.sampled_from(["ready", "fatal", "timed_out", "interrupted", None]), micro(900))
def test_what_is_written_is_read_back(many: list[ObservedPoll], verdict: Any, end_s: float) -> None:
    end = end_s if verdict else None
    wait = numbered(ObservedWait("https://h:1", "p", BEGAN, tuple(many), verdict, end, tool="t"))
    back = parse(lines_of(wait), "f")
    close = [pytest.approx(p.departed_s, abs=1.1e-6) for p in wait.polls]
    assert [p.departed_s for p in back.polls] == close
    assert [replace(p, departed_s=0, answered_s=0) for p in back.polls] == [
        replace(p, departed_s=0, answered_s=0) for p in wait.polls
    ]
    assert (back.verdict, back.server, back.began_at) == (verdict, wait.server, BEGAN)
    assert dump(back) == dump(wait), "the same wait gives the same bytes"


def test_the_agreed_shape() -> None:
    header, first, last, end = (json.loads(line) for line in lines_of(WAIT))
    assert header == {
        "schema": "k3slog.polls",
        "schema_version": 1,
        "tool": "0.1.0",
        "server": "https://127.0.0.1:6443",
        "policy": "adaptive",
        "began_at": "2025-03-01T06:03:22.000005+00:00",
    }
    assert first["departed"] == "2025-03-01T06:03:22.000005+00:00"
    assert first["answered"] == "2025-03-01T06:03:22.004005+00:00"
    assert (first["status"], first["error"], first["failing"], first["ok"]) == (
        500,
        "readyz_failing",
        ["a"],
        ["b", "ping"],
    )
    assert last["error"] is None
    assert (end["end"], end["at"]) == ("ready", "2025-03-01T06:03:23.250005+00:00")
    assert looks_like(lines_of(WAIT)[0])
    assert not looks_like('{"schema":"k3slog.report"}') and not looks_like('Mar 01 "k3slog.polls"')


def test_a_killed_wait_leaves_a_readable_file() -> None:
    lines = lines_of(WAIT)
    cut = [*lines[:2], lines[2][:40]]
    back = parse(cut)
    assert (len(back.polls), back.verdict, back.success) == (1, None, None)
    assert parse(lines[:1]).polls == ()


def test_blank_lines_and_unknown_fields_are_passed_over() -> None:
    lines = lines_of(WAIT)
    extra = json.dumps({**json.loads(lines[1]), "later": 1})
    back = parse([lines[0], "", extra, *lines[2:], "  "])
    assert [p.line for p in back.polls] == [3, 4]


@pytest.mark.parametrize(
    ("number", "change", "says"),
    [
        (0, {"schema": "x"}, "schema"),
        (0, {"schema_version": 2}, "schema_version"),
        (0, {"began_at": "2025-03-01T06:03:22"}, "offset"),
        (0, {"began_at": "9999-12-31T23:59:59-12:00"}, "line 1: began_at is of the year 9999"),
        (0, {"began_at": "0001-01-01T00:00:00+14:00"}, "line 1: began_at is of the year 1"),
        (0, {"server": 5}, "server"),
        (1, {"departed": "yesterday"}, "line 2: departed"),
        (1, {"answered": "2025-03-01T06:03:21+00:00"}, "answered before"),
        (1, {"error": "nonsense"}, "unknown error class"),
        (1, {"error": ""}, "unknown error class"),
        (1, {"error": ["eof"]}, "unknown error class"),
        (1, {"status": "500"}, "status"),
        (1, {"failing": "a"}, "failing"),
        (1, {"ok": [1]}, "ok"),
        (3, {"end": "perhaps"}, "unknown end"),
    ],
)
def test_anything_wrong_names_its_line(number: int, change: dict[str, Any], says: str) -> None:
    lines = lines_of(WAIT)
    lines[number] = json.dumps({**json.loads(lines[number]), **change})
    with pytest.raises(BadInputError, match=says) as caught:
        parse(lines, "polls.jsonl")
    assert caught.value.message.startswith("polls.jsonl")


@pytest.mark.parametrize("text", ["", "\n\n", "not json", "[]", '{"a":', "[" * 100000])
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        parse(text.splitlines(), "x")


def test_records_after_the_end_and_endless_lines_are_refused() -> None:
    lines = lines_of(WAIT)
    with pytest.raises(BadInputError, match="after the end"):
        parse([*lines, lines[1]])
    with pytest.raises(BadInputError, match="too long"):
        parse([lines[0], '{"a":"' + "x" * 300_000 + '"}', lines[1]])
