"""Bytes from strangers: whatever comes, an answer has a class and a file is read or refused in one line."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import httpcore
import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from analyzer.errors import BadInputError
from analyzer.events.readyz import parse_body
from analyzer.live.answers import check_list, classify_answer, retry_after, visible
from analyzer.live.failures import classify_failure
from analyzer.live.kubeconfig import load
from analyzer.live.observed_polls import parse
from analyzer.policies.protocol import CODE_OF
from tests.kit.effort import proportional

PIECES = st.sampled_from(
    ["[+]ping ok\n", "[-]etcd failed: reason withheld\n", "readyz check failed", "readyz check passed", "ok", "\x1b[2J"]
)
STRANGE = st.sampled_from(
    ['{"kind":"Status","message":', '"apiserver not ready"}', "apiserver not ready", "<html>", "\x00", "[-]", "\\n"]
)
BODIES = st.lists(PIECES | STRANGE | st.text(max_size=12), max_size=12).map("".join)


@given(st.integers(100, 599), BODIES, st.booleans())
def test_every_answer_has_a_class_and_only_a_readiness_report_is_ready(status: int, body: str, cut: bool) -> None:
    answer = classify_answer(status, body, cut)
    assert (answer.error or "") in CODE_OF
    if answer.error is None:
        assert 200 <= status <= 206 and not answer.failing and ("ok" in body or "readyz check passed" in body)
    assert not set(answer.failing) & set(answer.ok)
    assert all(name.isprintable() for name in (*answer.failing, *answer.ok))
    assert visible(answer.text).isprintable()


@given(
    st.lists(st.sampled_from(("[+]{} ok", "[-]{} failed: reason withheld", "[-]{} failed: other words")), max_size=9)
)
def test_a_whole_list_is_read_as_logs_are_read(lines: list[str]) -> None:
    body = "\n".join(line.format(f"poststarthook/c{n}") for n, line in enumerate(lines)) + "\nreadyz check failed\n"
    strict, lenient = check_list(body), parse_body(body)
    assert (strict is None) == (lenient is None)
    if strict is not None and lenient is not None:
        assert (strict.failing, strict.ok, strict.cut) == (tuple(lenient.failing), tuple(lenient.ok), lenient.cut)


@pytest.mark.parametrize(
    ("status", "piece"), [(500, "[-]x failed: reason withheld\n"), (500, "["), (503, "{")], ids=["list", "[", "{"]
)
def test_a_huge_body_costs_no_more_than_its_length(status: int, piece: str) -> None:
    assert proportional(lambda size: classify_answer(status, piece * (size // len(piece)), True), 65536)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_retry_after(value: str, date: str) -> None:
    found = retry_after({"retry-after": value, "date": date})
    assert found is None or found >= 0


@pytest.mark.parametrize("stage", ["connect", "tls", "answer"])
@pytest.mark.parametrize(
    "problem",
    [
        httpcore.ConnectError("x"),
        httpcore.ReadError(""),
        httpcore.WriteError(""),
        httpcore.ReadTimeout(""),
        httpcore.ConnectTimeout(""),
        httpcore.RemoteProtocolError("illegal status line"),
        httpcore.LocalProtocolError("x"),
        httpcore.UnsupportedProtocol("x"),
        ssl.SSLError(1, "[SSL] strange (_ssl.c:1)"),
        OSError(99999, "never heard of"),
        ExceptionGroup("all failed", [ConnectionRefusedError(111, "refused"), OSError(113, "no route")]),
    ],
    ids=repr,
)
def test_every_failure_has_a_class_and_words(problem: Exception, stage: str) -> None:
    error, text = classify_failure(problem, stage)
    assert error in CODE_OF and error and text


def test_a_chain_that_bites_its_tail_ends() -> None:
    one, two = httpcore.ConnectError("a"), OSError("b")
    one.__cause__, two.__cause__ = two, one
    assert classify_failure(one, "connect")[0] == "other"


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.dates()
TREES = st.recursive(LEAVES, lambda t: st.lists(t, max_size=3) | st.dictionaries(st.text(max_size=6), t, max_size=3))
KEYS = st.sampled_from(
    ["name", "cluster", "server", "user", "context", "token", "tokenFile", "client-key-data", "exec"]
)
SHAPES = st.dictionaries(
    st.sampled_from(["clusters", "users", "contexts", "current-context"]),
    TREES | st.lists(st.dictionaries(KEYS, TREES | st.dictionaries(KEYS, TREES, max_size=3), max_size=3), max_size=2),
)


@pytest.mark.long
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(SHAPES)
def test_any_yaml_is_a_kubeconfig_or_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    path = tmp_path / "k"
    path.write_text(yaml.safe_dump(document))
    refused = ""
    try:
        assert load([path]).server
    except BadInputError as problem:
        refused = problem.one_line()
    assert not refused or refused.isprintable()


HEADER = '{"schema":"k3slog.polls","schema_version":1,"server":"s","policy":"p","began_at":"2025-03-01T00:00:00+00:00"}'
FIELDS = st.sampled_from(["departed", "answered", "error", "status", "failing", "ok", "end", "at", "loop", "text"])
VALUES = LEAVES.map(str) | st.sampled_from([None, 1, 2.5, [], ["a"], {}, "2025-03-01T00:00:01+00:00", "eof", "ready"])


@given(st.lists(st.dictionaries(FIELDS, VALUES).map(json.dumps) | st.text(max_size=20), max_size=4))
def test_any_lines_are_polls_or_refused(lines: list[str]) -> None:
    refused, polls = "", ()
    try:
        polls = parse([HEADER, *lines], "f").polls
    except BadInputError as problem:
        refused = problem.message
    assert refused.startswith("f ") or not refused
    assert all(p.answered_s >= p.departed_s for p in polls)
