# ruff: noqa: E501 - real lines are shown whole
"""Every class and severity of the contract's table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from analyzer.events.detect import POLL_PREFIX, detect
from analyzer.events.event import PollLine
from analyzer.events.poll_errors import advice, classify, severities
from analyzer.events.vocabulary import load
from tests.events.lines import logrus

URL = 'Get "https://127.0.0.1:6443/readyz?timeout=15s&verbose=": '
ON_SERVER = 'an error on the server ("{}") has prevented the request from succeeding'

TABLE = [
    (URL + "dial tcp 127.0.0.1:6443: connect: connection refused", "connection_refused", "transient", None),
    (URL + "EOF", "eof", "transient", None),
    (URL + "unexpected EOF", "eof", "transient", None),
    (URL + "read tcp 127.0.0.1:40312->127.0.0.1:6443: read: connection reset by peer", "connection_reset", "transient", None),
    (URL + "write tcp 127.0.0.1:40312->127.0.0.1:6443: write: broken pipe", "connection_reset", "transient", None),
    (URL + "http2: client connection lost", "connection_reset", "transient", None),
    ("the server is currently unable to handle the request", "service_unavailable", "transient", 503),
    ("apiserver not ready - error from a previous attempt: EOF", "service_unavailable", "transient", 503),
    (ON_SERVER.format(r"[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed"), "readyz_failing", "transient", 500),
    (ON_SERVER.format("apiserver not ready"), "not_ready_text", "transient", 500),
    (ON_SERVER.format(""), "server_error", "suspect", 500),
    (ON_SERVER.format("dial tcp 10.0.0.1:6443: connect: connection refused"), "server_error", "suspect", 500),
    (URL + "dial tcp 10.0.0.1:6443: i/o timeout", "io_timeout", "suspect", None),
    (URL + "dial tcp 10.0.0.1:6443: connect: no route to host", "no_route", "suspect", None),
    (URL + "dial tcp 10.0.0.1:6443: connect: network is unreachable", "no_route", "suspect", None),
    (URL + "net/http: TLS handshake timeout", "tls_timeout", "suspect", None),
    (URL + "context deadline exceeded", "deadline_exceeded", "suspect", None),
    (URL + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "deadline_exceeded", "suspect", None),
    (URL + "net/http: request canceled (Client.Timeout exceeded while awaiting headers)", "deadline_exceeded", "suspect", None),
    (URL + "net/http: request canceled while waiting for connection", "deadline_exceeded", "suspect", None),
    (URL + "context canceled", "context_canceled", "transient", None),
    ("the server has asked for the client to provide credentials", "unauthorized", "fatal", 401),
    ("unknown", "forbidden", "transient", 403),
    ('forbidden: User "system:k3s-controller" cannot get path "/readyz"', "forbidden", "transient", 403),
    ("the server could not find the requested resource", "not_found", "fatal", 404),
    ("the server does not allow this method on the requested resource", "bad_listener", "fatal", 405),
    ("the server reported a conflict", "bad_listener", "fatal", 409),
    ("the server rejected our request for an unknown reason", "bad_listener", "fatal", 400),
    (URL + "http: server gave HTTP response to HTTPS client", "bad_listener", "fatal", None),
    (URL + "tls: first record does not look like a TLS handshake", "bad_listener", "fatal", None),
    ("the server has received too many requests and has asked us to try again later", "too_many_requests", "transient", 429),
    (
        "the server was unable to return a response in the time allotted, but may still be processing the request",
        "gateway_timeout",
        "suspect",
        504,
    ),
    (
        URL + "tls: failed to verify certificate: x509: certificate signed by unknown authority (possibly because of …)",
        "x509_unknown_authority",
        "fatal",
        None,
    ),
    (
        URL + "x509: certificate has expired or is not yet valid: current time 1970-01-01T00:01:02Z is before 2026-01-01T00:00:00Z",
        "x509_time",
        "fatal",
        None,
    ),
    (URL + "x509: certificate is valid for 10.43.0.1, not 10.0.0.1", "x509_name", "fatal", None),
    ("client rate limiter Wait returned an error: context deadline exceeded", "client_rate_limited", "transient", None),
    ("API server not polled", "other", "suspect", None),
    ("something nobody has seen", "other", "suspect", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error", "severity", "status"), TABLE)
def test_every_class(text: str, error: str, severity: str, status: int | None) -> None:
    found = classify(text)
    assert (found.error, found.severity, found.http_status) == (error, severity, status)
    assert severities()[error] == severity
    # One more level of quotes, as the shutdown line of some releases has it, changes nothing.
    assert classify(json.dumps(text, ensure_ascii=False)[1:-1]).error == error


def test_the_table_has_every_class_of_the_vocabulary() -> None:
    assert {row[1] for row in TABLE} == set(severities())


@pytest.mark.parametrize("width", [9, 23, 40])
@pytest.mark.parametrize("row", [0, 6, 13, 21, 24, 30])
def test_terminal_wraps_do_not_change_the_class(row: int, width: int) -> None:
    text, error, *_ = TABLE[row]
    assert classify(" ".join(text[at : at + width] for at in range(0, len(text), width))).error == error


@given(st.integers(0, len(TABLE) - 1), st.data(), st.sampled_from(["", ">", "…", "..."]))
def test_a_cut_text_is_its_own_class_or_unknown_or_a_list(row: int, data: st.DataObject, mark: str) -> None:
    text, error, *_ = TABLE[row]
    at = data.draw(st.integers(0, len(text)))
    got = classify(text[:at] + mark).error
    # 'deadline exceeded' and 'EOF' are whole words in front of what a cut took away; 5xx texts begin alike.
    assert got in {error, "other", "deadline_exceeded", "service_unavailable", "readyz_failing", "server_error"}


@given(st.text(max_size=200))
def test_classify_never_raises(text: str) -> None:
    assert classify(text).error in severities()


def test_a_list_is_carried_along() -> None:
    body = classify(TABLE[8][0]).body
    assert body is not None
    assert body.failing == ("etcd",)


def test_classes_that_do_not_heal_have_advice() -> None:
    for error, severity in severities().items():
        title, text = advice(error)
        assert bool(title) == bool(text) == (severity != "transient")


@pytest.mark.parametrize("raw", load("errors.toml")["error"], ids=lambda raw: raw["id"])
def test_every_class_can_be_explained_by_its_example(raw: dict[str, Any]) -> None:
    assert raw["description"].endswith(".")
    found = classify(raw["example"])
    assert (found.error, found.severity) == (raw["id"], raw["severity"])
    assert found.http_status == raw.get("http_status")
    line = logrus(f"{POLL_PREFIX}{raw['example']}")
    (poll,) = detect([line])
    assert isinstance(poll, PollLine)
    assert poll.error == found
