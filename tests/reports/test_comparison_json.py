"""Comparisons and histories for programs: JSON by its schema."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator

from analyzer.comparison.model import Compared, History, Limit, Observed
from analyzer.reports import comparison_json
from analyzer.reports.schema import schema_text
from analyzer.stats.difference import Interval
from tests.kit import made_comparison as made

HOSTILE = ['a"b\\c\nd', "\x1b[31m", "=1+1", "\udc80", "{}", "", "x" * 5000, "日本"]
MADE, HISTORIES = made.made(), made.histories()
ENDS = st.floats(-1e6, 1e6) | st.sampled_from([-math.inf, math.inf])


def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema_text("comparison")))


def parsed(subject: Compared | History) -> Any:
    render = comparison_json.render if isinstance(subject, Compared) else comparison_json.render_history
    shown = render(subject)  # type: ignore[arg-type]
    assert shown.isascii() and shown.endswith("}\n")
    return json.loads(shown)


@pytest.mark.parametrize("name", MADE)
def test_a_comparison_holds_to_its_schema(name: str) -> None:
    validator().validate(parsed(MADE[name]))


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_holds_to_its_schema(name: str) -> None:
    validator().validate(parsed(HISTORIES[name]))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_do_so_too(hostile: str) -> None:
    for subject in (made.hostile(hostile), made.hostile_history(hostile)):
        data = parsed(subject)
        validator().validate(data)
        assert json.dumps(data, ensure_ascii=False).encode("utf-8")  # no lone surrogates


def test_the_schema_is_strict() -> None:
    for subject, where in ((MADE["slower"], ()), (MADE["slower"], ("metrics", 0)), (MADE["slower"], ("base",)),
                           (MADE["over"], ("limit",)), (HISTORIES["trend"], ("points", 0)),
                           (HISTORIES["changes"], ("changes", 0)), (HISTORIES["changes"], ())):  # fmt: skip
        data = parsed(subject)
        place = data
        for step in where:
            place = place[step]
        place["more"] = 1
        assert not validator().is_valid(data), where
        del place["more"]
        for name in list(place):
            kept = place.pop(name)
            assert not validator().is_valid(data), (where, name)
            place[name] = kept
        assert validator().is_valid(data)


def test_the_names_of_the_contract() -> None:
    data = parsed(MADE["over"])
    assert list(data)[:6] == ["schema", "schema_version", "tool", "confidence", "stat", "limit"]
    assert [data["schema"], data["schema_version"], data["stat"]] == ["k3slog.comparison", 1, "median"]
    assert data["limit"] == {"value": 0.1, "unit": "share"} and data["goal"] == "ready" and data["decision"] == "over"
    assert data["new"] == {
        "label": "v1.33.1", "starts": 20, "hosts": 1, "outcomes": {"ready": 17, "failed": 3}, "versions": [made.NEW],
    }  # fmt: skip
    first = data["metrics"][0]
    assert first["base"] == {"n": 20, "min": 9.3, "max": 9.5}
    assert first["difference"] == {"lower": 1.8, "upper": 2.9} and first["relative"] == {"lower": 0.18, "upper": 0.31}
    assert [first["verdict"], first["decision"], first["needed"], first["p_value"]] == ["slower", "over", None, 1e-5]
    assert data["only_new"][1] == {"kind": "reason", "name": made.made_fleets.REASONS[0], "starts": 3}
    assert data["design"][0]["id"] == "one_after_other"
    assert parsed(MADE["slower"])["limit"] is None is parsed(MADE["slower"])["decision"]
    assert parsed(MADE["undecided"])["metrics"][0]["detectable"] == 1.87


def test_the_unit_of_a_limit_is_that_of_its_metric() -> None:
    for unit in ("s", "share", "count"):
        first = replace(MADE["slower"].comparison.metrics[0], unit=unit, decision="over")
        comparison = replace(MADE["slower"].comparison, metrics=(first,), limit=Limit(0.05), decision="over")
        assert comparison_json.comparison_object(comparison)["limit"] == {"value": 0.05, "unit": unit}


def test_an_open_end_is_null() -> None:
    few = parsed(MADE["few"])["metrics"][0]
    assert few["difference"] == few["relative"] == {"lower": None, "upper": None} and few["few"] is True
    failed = parsed(MADE["all failed"])["metrics"][0]
    assert failed["new"] == {"n": 20, "min": None, "max": None} and failed["verdict"] == "slower"


def test_a_history_has_its_comparisons() -> None:
    data = parsed(HISTORIES["trend"])
    assert data["by"] == ["version"] and [point["by"]["version"] for point in data["points"]] == list(made.RELEASES)
    assert len(data["comparisons"]) == len(data["points"]) - 1
    assert data["comparisons"][2] == parsed(HISTORIES["trend"].steps[2])
    changes = parsed(HISTORIES["changes"])
    assert changes["points"] == changes["comparisons"] == [] and changes["hosts_without_change"] == 44
    first = changes["changes"][0]
    assert [first["host"], first["before"], first["after"]] == [
        "node-203",
        "logs/node-203.log:12",
        "logs/node-203.log:13",
    ]
    assert first["comparison"]["schema"] == "k3slog.comparison"


@given(st.tuples(ENDS, ENDS), st.floats(0.5, 1.0), st.floats(0, 1))
@settings(max_examples=200)
def test_rounding_never_narrows_a_range(ends: tuple[float, float], confidence: float, p_value: float) -> None:
    lower, upper = sorted(ends)
    metric = replace(
        MADE["slower"].comparison.metrics[0], difference=Interval(lower, upper), confidence=confidence, p_value=p_value,
        base=Observed(3, min(abs(lower), abs(upper)), max(abs(lower), abs(upper))),
    )  # fmt: skip
    comparison = replace(MADE["slower"].comparison, metrics=(metric,))
    data = json.loads(json.dumps(comparison_json.comparison_object(comparison), allow_nan=False))
    validator().validate(data)
    told = data["metrics"][0]
    for shown, end, direction in ((told["difference"]["lower"], lower, -1), (told["difference"]["upper"], upper, 1)):
        assert (shown is None) == math.isinf(end)
        assert shown is None or ((shown - end) * direction >= 0 and abs(shown - end) <= 1e-6 + 1e-9 * abs(end))
    assert confidence - 1.1e-6 <= told["confidence"] <= confidence
