"""Every entry of the vocabulary explains itself, and its examples are recognised as what they are."""

from __future__ import annotations

import re

import pytest

from analyzer.events.catalogue import Rule, causes_in, match, rules
from analyzer.events.detect import detect
from analyzer.events.event import Mark
from analyzer.records.log_record import Payload
from tests.events.examples import examples

NAMES = sorted({rule.id for rule in rules()})
# A wrapper says nothing itself: what it wraps comes first.
_ALSO = {
    "component_exited", "fatal", "panic", "shutdown_requested", "bare_error", "usage_error", "systemd_failed",
    "exec_failed",
}  # fmt: skip


def test_ids_are_said_once() -> None:
    assert len(NAMES) == len(rules())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_an_entry_can_be_explained(rule: Rule) -> None:
    assert rule.example
    assert len(rule.description) > 30
    assert rule.description[-1] in ".'"
    assert rule.headline
    assert len(rule.headline) < 160
    if rule.kind == "problem":
        assert rule.problem_class in {"fatal", "peer", "environment", "transient", "load"}
        assert rule.advice or rule.problem_class == "load"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_recognised(name: str) -> None:
    for rule, record in examples()[name]:
        assert not record.truncated
        found = [event for event in detect([record]) if isinstance(event, Mark)]
        assert name in [mark.id for mark in found], record.raw
        same = [mark.id for mark in found if mark.kind == rule.kind and mark.id not in _ALSO]
        if name not in _ALSO and rule.kind != "milestone":
            assert same[0] == name, record.raw


@pytest.mark.parametrize(
    "rule", [r for r in rules() if r.kind == "problem" and r.problem_class != "load"], ids=lambda rule: rule.id
)
def test_a_cause_is_named_before_all_others(rule: Rule) -> None:
    for _, record in examples()[rule.id]:
        found = causes_in(record.message)
        assert found, record.message
        assert found[0][0].id == rule.id, record.message


def test_a_milestone_may_share_its_line_only_with_one_that_says_more() -> None:
    allowed = {frozenset({"client_ca_generated", "certificates"}), frozenset({"agent_starting", "kubelet_requested"})}
    for name, some in examples().items():
        for rule, record in some:
            if rule.kind == "milestone":
                ids = frozenset(mark.id for mark in match(record) if mark.kind == "milestone")
                assert ids == {name} or ids in allowed, record.raw


def test_noise_hides_no_cause_and_no_cause_is_noise() -> None:
    for name, some in examples().items():
        for rule, record in some:
            kinds = {mark.kind for mark in match(record)}
            assert not {"noise", "problem"} <= kinds, name
            if rule.kind == "noise":
                assert not causes_in(record.message), name


def test_fatal_examples_come_in_every_shape() -> None:
    texts = [record.raw for some in examples().values() for _, record in some]
    for shape in (
        r"level=fatal msg=.starting kubernetes: preparing server: ",
        r"level=fatal msg=.Error: ",
        r"level=error msg=.(?:apiserver|kubelet|etcd|containerd|kube-proxy) exited: ",
        r"level=error msg=.Shutdown request received: \\\"",
        r"level=error msg=.Shutdown request received: \w",
        r" F0203 .*PostStartHook \"",
        r"(?:panic|fatal error): ",
        r"Incorrect Usage: ",
    ):
        assert sum(1 for text in texts if re.search(shape, text)) >= 2, shape


def test_all_payloads_have_examples() -> None:
    seen = {record.payload for some in examples().values() for _, record in some}
    assert seen == set(Payload)
