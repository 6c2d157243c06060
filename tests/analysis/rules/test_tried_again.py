"""What a start tries again and again: for how long, how often, and which of several is told first."""

from __future__ import annotations

import io
import json

import pytest

from analyzer.analysis.log_report import analyze_records
from analyzer.records import read_log_records
from analyzer.results import Finding
from tests.kit.handmade import Journal

LEARNER = "Failed to test etcd connection: this server has not yet been promoted from learner to voting member"
LABELS = "Failed to set annotations and labels on node node-a: "
DENIED, LATE = f"{LABELS}open /etc/labels: permission denied", f"{LABELS}context deadline exceeded"


def waits(text: str, *at: float, end: float | None = None) -> Journal:
    journal = Journal().begin()
    for moment in at:
        journal.say(moment, text, "error")
    return journal.ticking(0.5, end or max(at) + 1.0, every=1.0)


def told(journal: Journal) -> list[Finding]:
    [start] = journal.whole_report().starts
    return [finding for finding in start.findings if finding.id == "tried_again"]


@pytest.mark.parametrize(
    ("text", "at", "found"),
    [
        (LATE, (2.0, 61.0), False),
        (LATE, (2.0, 62.5), True),
        (LATE, (2.0, 3.0, 4.0, 5.0), False),
        (DENIED, (2.0, 9.0, 16.0), False),
        (DENIED, (2.0, 9.0, 17.5), True),
        (DENIED, (2.0, 17.5), False),
        (LEARNER, (40.0, 280.0, 580.0), True),
        (LEARNER, (2.0, 7.0), False),
    ],
)
def test_how_long_a_step_must_be_tried_again(text: str, at: tuple[float, ...], found: bool) -> None:
    assert bool(told(waits(text, *at))) is found


def test_a_learner_is_named_first_and_not_as_an_etcd_that_does_not_answer() -> None:
    [start] = waits(LEARNER, 40.0, 280.0, 580.0).whole_report().starts
    assert "learner" in start.findings[0].title
    assert "2380" in start.findings[0].advice
    assert "datastore_waiting" not in {finding.id for finding in start.findings}


def test_an_error_that_does_not_heal_is_told_before_a_longer_wait() -> None:
    journal = waits(DENIED, 2.0, 9.0, 30.0)
    for moment in (2.5, 200.0):
        journal.say(moment, "failed to create certificate request x: context deadline exceeded", "error")
    [finding] = told(journal)
    assert "permission denied" in finding.title and "/etc/labels" in finding.advice
    assert "Tried again as well" in finding.detail


def test_nothing_of_it_in_a_start_that_became_ready_or_ended_for_a_reason_of_its_own() -> None:
    ready = waits(LATE, 2.0, 70.0).serving(72.0).running(75.0)
    assert not told(ready)
    ended = waits(LATE, 2.0, 70.0).say(80.0, 'failed to parse node taints: invalid taint "x", must be y', "fatal")
    assert not told(ended)


def test_the_last_word_of_a_long_start_is_what_it_waits_for() -> None:
    journal = Journal().begin().say(300.0, LEARNER)
    assert [finding.title for finding in told(journal)] == ["This etcd member is still a learner"]
    assert not told(Journal().begin().say(30.0, LEARNER))


def retries(target: str, *at: float, error: str = "connection refused") -> Journal:
    journal = Journal().begin()
    for moment in at:
        fields = {"level": "warn", "caller": "clientv3/retry_interceptor.go:62", "target": target, "error": error}
        journal.bare(moment, json.dumps({**fields, "msg": "retrying of unary invoker failed"}))
    return journal.ticking(0.5, max(at) + 1.0, every=1.0)


OWN, OTHER = "etcd-endpoints://0xc000a1/127.0.0.1:2379", "endpoint://client-1/192.0.2.11:2379"


@pytest.mark.parametrize(
    ("journal", "normal", "again"),
    [
        (retries(OWN, 2.0, 4.0), True, False),
        (retries(OWN, 2.0, 130.0, 260.0), True, True),
        (retries(OTHER, 2.0, 4.0), False, False),
        (retries(OTHER, 2.0, 70.0), False, True),
        (retries("etcd-endpoints://0xc1/[::1]:2379", 2.0), True, False),
        (retries("etcd-endpoints://0xc1/[2001:db8::7]:2379", 2.0), False, False),
        (retries(OWN, 2.0, error="rpc error: code = Unavailable desc = etcdserver: unhealthy cluster"), False, False),
    ],
    ids=["own, soon", "own, minutes", "other", "other, a minute", "own v6", "other v6", "refused by etcd"],
)
def test_retries_of_etcd_s_client_are_normal_on_its_own_socket_at_first(
    journal: Journal, normal: bool, again: bool
) -> None:
    [start] = journal.whole_report().starts
    assert any("etcd's client" in f.detail for f in start.findings if f.id == "noise_explained") is normal
    assert bool(told(journal)) is again
    for finding in told(journal):
        assert ("192.0.2.11" in finding.advice) is ("2.0.2.11" in str(journal.rows))


def test_who_became_ready_shows_that_they_were_normal() -> None:
    journal = retries(OTHER, 2.0, 3.0).serving(4.0).running(6.0)
    assert "noise_explained" in journal.findings()
    assert not told(journal)


BANNER = "Starting rke2 v1.34.1+rke2r1 (98b87c78)"
PASTES = {
    "as k3s prints it": f'time="2026-05-04T08:00:01Z" level=info msg="{BANNER}"\n'
    + "".join(f'time="2026-05-04T08:0{n}:40Z" level=info msg="{LEARNER}"\n' for n in (0, 4, 9)),
    "without stamps": f'level=info msg="{BANNER}"\n' + f'level=info msg="{LEARNER}"\n' * 3,
    "the middle": f'May 04 08:04:40 n rke2[8]: time="2026-05-04T08:04:40Z" level=info msg="{LEARNER}"\n',
    "a terminal": f"INFO[0001] {BANNER}\n" + "".join(f"INFO[0{n}00] {LEARNER}\n" for n in (1, 3, 5)),
    "cut": f'level=info msg="{BANNER}"\n' + f'level=info msg="{LEARNER[:-8]}>\n' * 3,
}


@pytest.mark.parametrize("shape", PASTES)
def test_a_learner_is_known_however_it_is_pasted(shape: str) -> None:
    log_records, _ = read_log_records(["-"], stdin=io.BufferedReader(io.BytesIO(PASTES[shape].encode())))
    [start] = analyze_records(log_records, tool_version="0").starts
    first = start.findings[0]
    if shape == "cut":  # the words that say why are not there: nothing is made up
        assert "learner" not in first.title
    else:
        assert "learner" in first.title
