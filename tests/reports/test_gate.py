"""The verdict of limits for people and programs: text, Markdown, JSON, JUnit."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import jsonschema
import pytest

from analyzer.gate.judge import judge
from analyzer.gate.limits import parsed
from analyzer.gate.model import GateReport, LimitResult
from analyzer.reports import gate_json, gate_junit, gate_markdown, gate_text, gate_words as words
from analyzer.reports.format import Options
from analyzer.reports.schema import schema_text
from tests.kit import made_gate
from tests.kit.made_sides import normal, ready, side

INF = float("inf")
HOSTILE = [
    "\x1b[31mred\x1b[0m", "a\nb\r\nc", "\u202egnp", "\udc80\udcff", "<img src=x>", "x" * 500,
    "日本語" * 60, "a b " * 99,
    "]]>", "&amp;\"'", "\x00\ufffe\uffff", "::error::x", "##[error]x", "",
]  # fmt: skip


def flat(shown: str) -> str:
    return " ".join(shown.split())


def text(report: GateReport, **options: object) -> str:
    return gate_text.render(report, Options(**options))  # type: ignore[arg-type]


# --- the text


def test_what_fails_comes_first_and_says_what_was_seen_why_and_where() -> None:
    shown = text(made_gate.mixed())
    lines = shown.splitlines()
    assert flat(shown).startswith(
        "✗ 5 of 9 limits fail, 4 are undecided: 20 starts of 1 host from 21 inputs; the baseline has 20 starts of 1"
        " host from 20 inputs. ✗ failed<=0: 5%; 1 of 20 starts failed (logs/18.log, start 1, line 99)"
    )
    order = [line[0] for line in lines if line[0] in "✗?✓"][1:]
    assert order == sorted(order, key="✗?✓".index)
    assert (
        "✗ ready:max<=60s: never; 1 of 20 starts took longer (1 of them failed), 1 more may have (logs/18.log, "
        "start 1, line 99)" in flat(shown)
    )
    assert (
        "? check:poststarthook/rbac/bootstrap-roles:max<=20s: no log shows it; 1 of 21 inputs could not be read"
        in flat(shown)
    )
    assert flat(shown).endswith(
        "Inputs 1 of 21 inputs could not be used: 1 missing or damaged. logs/bad.gz: damaged after 9 bytes"
    )


def test_limits_that_pass_need_a_line_each() -> None:
    shown = text(made_gate.passing())
    assert shown.startswith("✓ All 3 limits pass: 20 starts of 1 host from 20 inputs.\n✓ ready:p90<=60s: 4")
    assert shown.count("\n") == 4


def test_undecided_counts_as_failed_with_strict() -> None:
    assert "4 are undecided (with --strict that counts as failed): 20 starts" in flat(
        text(made_gate.mixed(strict=True))
    )
    assert "strict" not in text(replace(made_gate.passing(), strict=True))


@pytest.mark.parametrize("name", list(made_gate.made()))
def test_it_fits(name: str) -> None:
    report = made_gate.made()[name]
    for width in (None, 80, 400):
        shown = text(report, width=width)
        assert shown.count("\n") <= 30 and max(map(len, shown.splitlines())) <= 80, width
    assert gate_markdown.render(report).count("\n") <= gate_markdown.LINES


def test_of_too_many_limits_those_that_pass_give_way() -> None:
    shown = text(made_gate.many(60))
    assert "✗ ready:max<=1s" in shown.splitlines()[1]
    assert re.search(r"and \d\d more limits: --format json has all", shown)
    assert "And 35 more." in gate_markdown.render(made_gate.many(60))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_neither_widen_nor_lengthen_nor_steer_it(hostile: str) -> None:
    report = made_gate.hostile(hostile)
    shown = text(replace(report, limits=report.limits * 20))
    assert shown.count("\n") <= 30 and shown.replace("\n", "").isprintable()
    assert all(words_.count("\u202e") == 0 for words_ in (shown, gate_markdown.render(report)))
    for limit in shown.splitlines():
        assert len(limit) <= 80


def test_a_long_path_keeps_its_beginning_and_the_whole_name_of_the_file() -> None:
    one = made_gate.mixed().limits[0]
    path = "site-7/rack-12/2026-03-04/exports/k3s-node-0017.journal.gz"
    assert words.where(replace(one, input=path), 40).startswith("site-7/rack-12…/k3s-node-0017.journal.gz, start")
    assert words.where(replace(one, input=path), 60).startswith(f"{path}, start")
    lengthy = words.where(replace(one, input="logs/" + "x" * 900), 30)
    assert lengthy.startswith("logs/xxx…xxx") and len(lengthy) < 100


def test_the_start_that_decided_is_never_cut_off() -> None:
    report = made_gate.mixed()
    long = replace(report.limits[0], why="because " * 60, input="a/" * 90 + "k3s.log")
    shown = text(replace(report, limits=(long,)))
    assert "… (a/a/" in flat(shown) and "k3s.log, start 1, line 99)" in flat(shown)


@pytest.mark.parametrize(
    ("limit", "least", "most", "said"),
    [
        ("ready<=60s", 10.23, 12.31, "10.2 to 12.4 s"), ("ready<=60s", 0.0, 12.31, "up to 12.4 s"),
        ("ready<=60s", 10.23, INF, "more than 10.2 s"), ("ready<=60s", 0.0, INF, "not known"),
        ("ready<=60s", INF, INF, "never"), ("ready<=60s", 59.999, 60.001, "59.999 to 60.001 s"),
        ("ready<=1h", 269.2, 274.1, "4 min 29 s to 4 min 35 s"), ("ready<=1h", None, None, ""),
        ("failed<=0", 0.05, 0.05, "5%"), ("failed<=0", 0.0, 0.5, "0–50%"), ("findings:critical<=0", 3.0, 3.0, "3"),
        ("findings:critical<=0", 3.0, 5.0, "3 to 5"), ("restarts<=0", 2.0, INF, "2 or more"),
        ("ready<=+10%", -0.031, 0.12, "−4 to +12%"), ("ready<=+2s", 1.81, 2.92, "+1.8 to +3.0 s"),
        ("ready<=+2s", -INF, INF, "?"), ("ready<=+2s", 3.0, INF, "≥ +3.0 s"),
        ("failed<=+5%", 0.02, 0.06, "+2 to +6 points"),
        ("findings:critical<=+1", 1.0, 1.0, "+1"),
    ],
)  # fmt: skip
def test_ranges_are_rounded_outwards(limit: str, least: float | None, most: float | None, said: str) -> None:
    assert words.observed(LimitResult(parsed(limit), "fail", least, most, "because")) == said


def test_a_name_of_the_users_own_does_not_hide_the_limit() -> None:
    named = replace(parsed("ready<=60s"), name="fast enough", where=("role=server",))
    assert words.title(named) == "fast enough (ready:max<=60s where role=server)"
    assert words.title(parsed("ready<=60s")) == "ready:max<=60s"


# --- JSON


def schema() -> dict[str, object]:
    return json.loads(schema_text("gate"))  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", list(made_gate.made()))
def test_json_is_as_the_schema_says(name: str) -> None:
    report = made_gate.made()[name]
    data = json.loads(gate_json.render(report))
    jsonschema.validate(data, schema(), cls=jsonschema.Draft202012Validator)
    properties = schema()["properties"], schema()["$defs"]["limit"]["properties"]  # type: ignore[index]
    assert set(data) == set(properties[0])  # type: ignore[arg-type]
    assert all(set(one) == set(properties[1]) for one in data["limits"])  # type: ignore[arg-type]
    assert [one["name"] for one in data["limits"]] == [one.limit.name for one in report.limits]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"result": "maybe"},
        {"limits": []},
        {"starts": -1},
        {"inputs": {"read": 1}},
        {"baseline": 5},
        {"schema_version": 2},
    ],
)
def test_the_schema_refuses(spoilt: dict[str, object]) -> None:
    data = json.loads(gate_json.render(made_gate.mixed()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data | spoilt, schema(), cls=jsonschema.Draft202012Validator)


def test_json_has_the_limits_as_they_were_given_and_null_for_no_end() -> None:
    data = json.loads(gate_json.render(made_gate.mixed()))
    failing, longest = data["limits"][:2]
    assert failing == {
        "name": "failed<=0", "metric": "failed", "stat": "share", "max": 0.0, "result": "fail",
        "observed": {"min": 0.05, "max": 0.05}, "why": "1 of 20 starts failed", "input": "logs/18.log", "start": 1,
        "line": 99,
    }  # fmt: skip
    assert (longest["max"], longest["observed"]) == (60.0, {"min": None, "max": None})
    assert [one["max"] for one in data["limits"][4:7]] == ["+10%", "+1s", "+5%"]
    assert (data["result"], data["starts"], data["inputs"]) == ("fail", 20, {"read": 20, "bad": 1})
    assert data["baseline"] == {"starts": 20, "inputs": {"read": 20, "bad": 0}}
    assert json.loads(gate_json.render(made_gate.passing()))["baseline"] is None


def test_rounding_never_narrows_what_was_observed() -> None:
    made = judge([parsed("ready<=60s")], side([ready(5.12345678, 0.1)]))
    seen = json.loads(gate_json.render(made))["limits"][0]["observed"]
    assert seen["min"] <= made.limits[0].least and seen["max"] >= made.limits[0].most  # type: ignore[operator]


# --- JUnit: what Ant's schema and that of Jenkins demand, in our own words

_SUITE = {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"}


def as_junit(made: str) -> ET.Element:
    """The suite, valid by both schemas."""
    assert made.startswith('<?xml version="1.0" encoding="UTF-8"?>\n') and made.endswith("\n")
    suite = ET.fromstring(made.encode())
    assert suite.tag == "testsuite" and set(suite.attrib) == _SUITE and suite.get("name")
    assert all(re.fullmatch(r"\d+", suite.get(name, "")) for name in ("tests", "failures", "errors", "skipped"))
    assert datetime.strptime(suite.get("timestamp", ""), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", "")) and suite.get("hostname")
    parts = [child.tag for child in suite]
    cases = suite.findall("testcase")
    assert parts == ["properties", *["testcase"] * len(cases), "system-out", "system-err"]
    for part in suite.findall("properties/*"):
        assert part.tag == "property" and set(part.attrib) == {"name", "value"} and part.get("name") and not len(part)
    for case in cases:
        assert set(case.attrib) == {"name", "classname", "time"} and case.get("name") is not None
        assert re.fullmatch(r"\d+(\.\d+)?", case.get("time", ""))
        assert [child.tag for child in case] in ([], ["skipped"], ["failure"])
        for child in case:
            wanted = {"message", "type"} if child.tag == "failure" else {"message"}
            assert set(child.attrib) == wanted and not len(child)
    assert all(not len(suite.findall(tag)[0]) for tag in ("system-out", "system-err"))
    counted = {tag: sum(case.find(tag) is not None for case in cases) for tag in ("failure", "skipped")}
    assert (int(suite.get("tests", "")), int(suite.get("errors", ""))) == (len(cases), 0)
    assert int(suite.get("failures", "")) == counted["failure"] and int(suite.get("skipped", "")) == counted["skipped"]
    return suite


@pytest.mark.parametrize("name", list(made_gate.made()))
def test_junit_has_a_case_for_each_limit(name: str) -> None:
    report = made_gate.made()[name]
    suite = as_junit(gate_junit.render(report))
    assert [case.get("name") for case in suite.findall("testcase")] == [one.limit.name for one in report.limits]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_junit_stays_valid_whatever_it_holds(hostile: str) -> None:
    as_junit(gate_junit.render(made_gate.hostile(hostile)))


def test_undecided_is_skipped_with_its_reason_and_with_strict_a_failure() -> None:
    def tags(report: GateReport) -> dict[str | None, str]:
        cases = as_junit(gate_junit.render(report)).findall("testcase")
        return {case.get("name"): case[0].tag if len(case) else "" for case in cases}

    loose, strict = tags(made_gate.mixed()), tags(made_gate.mixed(strict=True))
    open_ = {name for name, tag in loose.items() if tag == "skipped"}
    assert len(open_) == 4 and {strict[name] for name in open_} == {"failure"}
    suite = as_junit(gate_junit.render(made_gate.mixed()))
    failing = suite.find("testcase/failure")
    assert failing is not None and failing.get("type") == "limit"
    assert failing.get("message") == failing.text == "5%. 1 of 20 starts failed. (logs/18.log, start 1, line 99)"
    told = {part.get("name"): part.get("value") for part in suite.findall("properties/property")}
    assert (told["starts"], told["inputs read"], told["inputs not read"]) == ("20", "20", "1")
    assert (told["baseline starts"], suite.findtext("system-err")) == (
        "20", "1 of 21 inputs could not be used: 1 missing or damaged.",
    )  # fmt: skip


def test_a_damaged_clock_is_no_reason_to_fail() -> None:
    for year, offset in ((1, 14), (9999, -12)):
        odd = datetime(year, 12 if year > 1 else 1, 31 if year > 1 else 1, 23 if year > 1 else 0,
                       tzinfo=timezone(timedelta(hours=offset)))  # fmt: skip
        report = judge([parsed("ready<=60s")], side([ready(5, began_at=odd)]))
        as_junit(gate_junit.render(report))
    as_junit(gate_junit.render(judge([parsed("ready<=60s")], side(normal(3)))))
