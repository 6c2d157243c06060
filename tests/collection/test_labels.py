"""Labels: the user's own from paths, conditions on them, and what is refused."""

from __future__ import annotations

import pickle

import pytest

from analyzer.collection.labels import BUILT_IN, LabelRules, Where, check_names, labels_in, value_of, where_of
from analyzer.collection.model import StartRow
from analyzer.errors import UsageError

ROW = StartRow(
    input="logs/a/k3s.log", index=1, key="k", host="node-1", unit="k3s.service", version="v1.33.1+k3s1",
    kubernetes="1.33", product="k3s", role="server", outcome="ready", began_at=None, precision_s=1e-6,
    labels=(("site", "ber"), ("ring", "canary")), fresh=False,
)  # fmt: skip


def test_a_value_is_the_same_for_every_input_and_a_group_comes_from_the_path() -> None:
    rules = LabelRules.of(["ring=canary", "site=logs/([^/]+)/", "rack=-r(\\d+)-"])
    assert rules.names == ("ring", "site", "rack")
    assert rules.labels_of("logs/ber/node-r7-1.log") == (("ring", "canary"), ("site", "ber"), ("rack", "7"))
    assert rules.labels_of("elsewhere/node.log") == (("ring", "canary"),)


def test_an_escaped_parenthesis_begins_no_group() -> None:
    assert LabelRules.of([r"site=Frankfurt \(Main\)"]).labels_of("x") == (("site", r"Frankfurt \(Main\)"),)
    assert LabelRules.of([r"site=\((\w+)\)"]).labels_of("a (ber) b") == (("site", "ber"),)


def test_an_empty_value_is_no_label() -> None:
    rules = LabelRules.of(["empty=", "group=a(b*)", "other=a(b)?"])
    assert rules.labels_of("a") == ()


def test_an_expression_sees_only_the_begin_of_a_path() -> None:
    rules = LabelRules.of(["end=(z+)$", "all=(.*)"])
    [(name, value)] = rules.labels_of("a" * 5000 + "z")
    assert (name, len(value)) == ("all", 4096)


def test_rules_travel_to_other_processes() -> None:
    rules = LabelRules.of(["ring=canary", "site=logs/([^/]+)/"])
    assert pickle.loads(pickle.dumps(rules)) == rules


def test_secrets_are_no_labels() -> None:
    rules = LabelRules.of(["token=hunter22", "where=(https://.*)"])
    labels = dict(rules.labels_of("https://u:pa55word@host/k3s.log"))
    assert labels["token"] == "***"
    assert "pa55word" not in str(labels)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ring", "has no ="),
        ("=x", "cannot be the name of a label"),
        ("1st=x", "cannot be the name of a label"),
        ("a-b=x", "cannot be the name of a label"),
        ("a" * 64 + "=x", "cannot be the name of a label"),
        ("__name__=x", "cannot be the name of a label"),
        ("site=(a", "is not valid"),
        ("site=(*)", "is not valid"),
        ("site=(a)(b)", "2 groups"),
        ("site=(?:a)", "no groups"),
        *((f"{name}=x", "has a label") for name in BUILT_IN),
    ],
)
def test_what_is_no_label_is_refused_with_a_hint(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        LabelRules.of([text])
    assert refused.value.hint


def test_a_label_is_given_once() -> None:
    with pytest.raises(UsageError, match="given twice"):
        LabelRules.of(["a=1", "a=2"])


def test_every_label_has_its_value() -> None:
    assert {name: value_of(ROW, name) for name in (*BUILT_IN, "site", "ring", "none")} == {
        "host": "node-1", "version": "v1.33.1+k3s1", "kubernetes": "1.33", "product": "k3s", "role": "server",
        "outcome": "ready", "input": "logs/a/k3s.log", "kind": "restart", "site": "ber", "ring": "canary", "none": None,
    }  # fmt: skip
    assert labels_in([ROW, ROW]) == ("ring", "site")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("role=server", True),
        ("role=agent", False),
        ("role!=agent", True),
        ("role!=server", False),
        ("site=ber", True),
        ("site!=ber", False),
        ("rack=7", False),
        ("rack!=7", True),
        ("rack=", True),  # it has none
        ("host!=", True),
        ("version=v1.33.1+k3s1", True),
    ],
)
def test_conditions(text: str, kept: bool) -> None:
    rules = LabelRules.of(["site=x", "rack=y"])
    assert where_of(text, rules).keeps(ROW) is kept


def test_a_value_may_hold_an_equals_sign() -> None:
    assert where_of("input=a=b", LabelRules()) == Where("input", "a=b")
    assert where_of("input!=a!=b", LabelRules()) == Where("input", "a!=b", equal=False)


def test_unknown_names_are_refused_and_the_known_ones_named() -> None:
    rules = LabelRules.of(["site=x"])
    for refuse in (lambda: where_of("zone=1", rules), lambda: check_names(["host", "zone"], rules)):
        with pytest.raises(UsageError, match="'zone'") as refused:
            refuse()
        assert "kubernetes" in refused.value.hint and "site" in refused.value.hint
    with pytest.raises(UsageError, match="has no ="):
        where_of("role", rules)
    assert check_names(["zone", "host", "zone"], rules, known=["zone"]) == ("zone", "host")
    assert where_of("zone!=1", rules, known=["zone"]) == Where("zone", "1", equal=False)
