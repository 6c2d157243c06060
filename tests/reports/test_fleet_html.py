"""The page of a fleet without a browser: structure, escaping, policy, size, and the numbers in it."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from analyzer.collection.model import Metric
from analyzer.reports import curve, fleet_page_answer, fleet_rows, fleet_words, html_page
from analyzer.reports.curve import Axis, Ends
from analyzer.reports.fleet_html import render
from analyzer.reports.fleet_report import FleetReport
from analyzer.reports.format import Options
from tests.kit import made_collection as made
from tests.reports.test_html import Page

SCRIPTS = ("theme", "parts", "fleet_data", "curve", "fleet_filters", "fleet_table", "fleet")


@pytest.fixture(scope="module")
def large() -> tuple[FleetReport, str]:
    report = made.fleet()
    return report, render(report)


@pytest.fixture(scope="module", params=sorted(made.SITUATIONS))
def situation(request: pytest.FixtureRequest) -> tuple[FleetReport, str, Page]:
    report = made.SITUATIONS[request.param]()
    text = render(report)
    return report, text, Page(text)


def words(text: str) -> str:
    return " ".join("".join(Page(text).texts).split())


def starts(report: FleetReport, **changes: Any) -> FleetReport:
    """The same starts with something changed in each."""
    rows = tuple(replace(start, **changes) for start in report.collection.starts)
    return replace(report, collection=replace(report.collection, starts=rows))


# --- one file, safe


def test_is_one_well_formed_document_without_anything_to_load(situation: tuple[FleetReport, str, Page]) -> None:
    _, text, page = situation
    assert text.startswith("<!DOCTYPE html>")
    assert page.open == [] and page.unbalanced == []
    for tag, attrs in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "frame", "audio", "video"}
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"src", "srcset", "action", "formaction", "style"}, (tag, name)
            if name == "href":
                assert value.startswith("#"), value


def test_no_address_of_the_network_is_in_the_page(large: tuple[FleetReport, str]) -> None:
    found = set(re.findall(r"(?:https?|wss?):?//[^\s\"'<]+", large[1]))
    assert found == {"http://www.w3.org/2000/svg"}  # the name of a namespace, which nothing fetches


def test_policy_lets_exactly_the_own_script_run(situation: tuple[FleetReport, str, Page]) -> None:
    _, _, page = situation
    programs = [text for attrs, text in page.scripts if "type" not in attrs]
    assert len(programs) == 1 and len(page.scripts) == 2
    digest = base64.b64encode(hashlib.sha256(programs[0].encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["connect-src"] == rules["base-uri"] == rules["form-action"] == "'none'"


def test_hostile_text_stays_text(large: tuple[FleetReport, str]) -> None:
    raw = large[1]
    page = Page(raw)
    assert {tag for tag, _ in page.elements}.isdisjoint({"img", "iframe", "b"})
    text = "".join(page.texts)
    assert (
        "</script><img src=x onerror=window.__hit=1>\"'&amp;{{7*7}}\\u2028\\u202egnp.exe\\udc80\\x1b[31m__proto__"
        in text
    )
    for character in "\u2028\u202e\udc80\x1b":
        assert character not in raw
    raw.encode("utf-8")  # no lone surrogate is left
    block = re.search(r'<script type="application/json" id="k3slog-data">(.*?)</script>', raw, re.S)
    assert block is not None and not set("<>&") & set(block[1])
    assert any("</script><img" in one for one in json.loads(block[1])["texts"])


def test_hostile_names_in_every_place_stay_text() -> None:
    report = made.fleet(20, 5, hostile=False)
    bad = made.HOSTILE
    report = starts(report, host=bad, input=bad, version=bad, unit=bad, outcome=bad, role=bad, product=bad, end=bad)
    collection = replace(
        report.collection,
        metrics={f"check:{bad}": report.collection.metrics["ready"], bad: report.collection.metrics["ready"]},
    )
    whole = replace(report.fleet.groups[0], by=())
    group = replace(whole, by=((bad, bad),), metrics=tuple(replace(one, id=bad) for one in whole.metrics[:1]))
    slowest = tuple(replace(one, host=bad, input=bad, cause=bad) for one in report.fleet.slowest)
    fleet = replace(report.fleet, groups=(whole, group), slowest=slowest, outcomes=((bad, 20),))
    page = Page(render(FleetReport(fleet, collection)))
    assert page.open == [] and page.unbalanced == []
    assert {tag for tag, _ in page.elements}.isdisjoint({"img", "iframe", "b"})
    assert all(value.startswith("#") for _, attrs in page.elements for name, value in attrs.items() if name == "href")


def test_secrets_of_labels_and_addresses_are_masked() -> None:
    report = starts(
        made.fleet(30, 5, hostile=False),
        labels=(("token", "hunter2hunter2"), ("site", "east")),
        input="https://someone:s3cr3tpass@example.org/k3s.log",
    )
    text = render(report)
    assert "hunter2hunter2" not in text and "s3cr3tpass" not in text


def test_own_scripts_never_write_markup() -> None:
    for name in SCRIPTS:
        text = html_page.asset(f"page/{name}.js")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert word not in text, (name, word)


# --- light, the same each time


def test_five_thousand_starts_stay_under_four_megabytes(large: tuple[FleetReport, str]) -> None:
    report, text = large
    assert len(report.collection.starts) == 5000
    assert len(text.encode()) < 1_500_000  # the limit is 4 MB, for longer names and more metrics
    assert Page(text).data["starts"] == 5000


def test_many_metrics_and_long_names_stay_under_four_megabytes() -> None:
    report = made.fleet(5000, 800, hostile=False)
    rows = tuple(
        replace(one, input=f"s3://bucket/{'long/' * 20}{n}/k3s.log", reason=f"reason {n} " + "é" * 200)
        for n, one in enumerate(report.collection.starts)
    )
    ready = report.collection.metrics["ready"]
    metrics = {f"check:poststarthook/{n}": ready for n in range(60)} | {"ready": ready}
    text = render(replace(report, collection=replace(report.collection, starts=rows, metrics=metrics)))
    assert len(text.encode()) < 4_000_000
    data: Any = Page(text).data
    assert data["metrics"][0]["id"] == "ready" and 5 < len(data["metrics"]) < 61
    assert data["left_out"] > 0 and f"{data['left_out']:,} of 5,000 starts are not in this table" in words(text)


def test_the_same_fleet_gives_the_same_page() -> None:
    assert render(made.fleet(300, 40)) == render(made.fleet(300, 40))


# --- the answer


def test_the_answer_comes_first_and_names_what_needs_someone(large: tuple[FleetReport, str]) -> None:
    report, text = large
    said = words(text[text.index('id="answer"') : text.index('id="curve-title"')])
    counts = dict(report.fleet.outcomes)
    whole = report.fleet.groups[0]
    assert text.index('id="answer"') < text.index('id="curve"') < text.index('id="groups"')
    assert f"5,000 starts on {whole.hosts} hosts: {counts['ready']:,} became ready, {counts['failed']} failed" in said
    assert f"version {made.SLOW_RELEASE}" in said and "node-0017" in said and "node-0423" in said
    assert whole.reasons[0].reason in said
    assert "4 of 805 inputs could not be used" in said and "3 starts came twice and count once" in said
    assert "every time is a pair of bounds" in said
    median = next(one for one in whole.metrics if one.id == "ready").p50
    shown = re.search(r"Half were ready after ([\d.]+) to ([\d.]+) s", said)
    assert shown is not None and median.max is not None
    assert float(shown[1]) <= median.min <= median.max <= float(shown[2])


def test_what_concerns_most_starts_is_told_first(large: tuple[FleetReport, str]) -> None:
    report, _ = large
    told = fleet_page_answer.answer(report.fleet, "ready", "", Ends.of(report.collection.metrics["ready"]))
    leading = [section.label for section in told.sections if section.lead]
    assert leading == ["Release", "Failures", "Hosts"]
    assert told.mark == "slow"


@pytest.mark.parametrize("name", sorted(made.SITUATIONS))
def test_the_page_and_the_text_judge_alike_and_speak_of_the_same_goal(name: str) -> None:
    report = made.SITUATIONS[name]()
    goal = fleet_words.goal(report.fleet.groups[0]) if report.fleet.groups else None
    told = fleet_page_answer.answer(report.fleet, goal.id if goal is not None else None, "", None)
    assert told.mark == fleet_words.mark(report.fleet)
    if goal is not None and goal.id in report.collection.metrics:
        assert fleet_rows.goal_metric(report.collection, None, goal.id) == goal.id
    assert not (told.mark == "slow" and "Nothing stands out" in str(told.sections))


def test_of_servers_and_agents_the_page_says_whose_half_it_is() -> None:
    report = made.fleet(300, 40)
    whole = report.fleet.groups[0]
    n = next(metric.n for metric in whole.metrics if metric.id == "ready")
    more = replace(report.fleet, groups=(replace(whole, starts=n + 10), *report.fleet.groups[1:]))
    assert f"Half of the {n} that run an API server were ready after" in words(render(replace(report, fleet=more)))


def test_a_fleet_in_order_says_so() -> None:
    one = words(render(made.one()))
    assert "1 start on 1 host: it became ready. It was ready after" in one and "Nothing stands out." in one
    none = words(render(made.nothing()))
    assert "No start of k3s or RKE2 was found in 2 inputs." in none and "the gzip stream ends early" in none
    failed = words(render(made.all_failed()))
    assert "40 starts on 10 hosts: 40 failed." in failed and "Half were ready" not in failed


def test_confidence_is_told_where_there_is_one() -> None:
    report = made.fleet(100, 20, hostile=False)
    whole = report.fleet.groups[0]
    metrics = tuple(replace(one, p50=replace(one.p50, lower=11.0, upper=44.0)) for one in whole.metrics)
    fleet = replace(report.fleet, groups=(replace(whole, metrics=metrics),), confidence=0.95)
    assert "half would be there after 11.0 to 44.0 s (95 %)" in words(render(replace(report, fleet=fleet)))
    assert "--confidence" in words(render(report))


# --- the curve


def test_the_band_holds_the_empirical_curve() -> None:
    chance = np.random.default_rng(3)
    least = chance.lognormal(3, 0.5, 400)
    most = np.where(chance.random(400) < 0.1, np.inf, least + chance.random(400))
    ends = Ends.of(Metric(np.arange(400, dtype=np.int32), least, most))
    for log in (False, True):
        shown = curve.picture([("whole", "all", ends)], log, curve.WIDE, "")
        scale = curve.axis(ends, log, curve.WIDE[0])
        upper, lower = (_heights(path) for path in (shown.bands[0].upper, shown.bands[0].lower))
        for second in (5.0, 15.0, 20.0, 40.0, 80.0):
            x = scale.x(second)
            assert _at(upper, x) >= (least < second).mean() - 0.004  # a tenth of a pixel
            assert _at(lower, x) <= (most <= second).mean() + 0.004
        assert _at(lower, scale.right) == pytest.approx(np.isfinite(most).mean(), abs=0.01)
        assert _at(upper, scale.right) == pytest.approx(1.0, abs=0.001)


def _heights(path: str) -> list[tuple[float, float]]:
    """Corners of a path as (x, share)."""
    corners = [tuple(map(float, pair.split())) for pair in path[1:].split("L")]
    height = curve.WIDE[1]
    top, bottom = curve._y(1, height), curve._y(0, height)
    return [(x, (bottom - y) / (bottom - top)) for x, y in corners]


def _at(corners: list[tuple[float, float]], x: float) -> float:
    return [share for at, share in corners if at <= x + 0.06][-1]


def test_ends_have_the_quantiles_of_the_summary(large: tuple[FleetReport, str]) -> None:
    report, _ = large
    for group in report.fleet.groups[:4]:
        summary = next(one for one in group.metrics if one.id == "ready")
        ends = Ends.of(report.collection.metrics["ready"], group.members)
        assert ends.n == summary.n
        for level, found in ((0.5, summary.p50), (0.9, summary.p90), (0.99, summary.p99)):
            assert ends.quantile(level) == (found.min, math.inf if found.max is None else found.max)


def test_never_ready_starts_hold_the_band_open(large: tuple[FleetReport, str]) -> None:
    report, text = large
    never = int(np.isinf(report.collection.metrics["ready"].most).sum())
    assert f"{never / 50:.1f} % with no known end" in words(text)
    assert "with no known end" not in words(render(made.one()))


def test_the_axis_is_logarithmic_where_a_few_would_flatten_the_rest() -> None:
    report = made.wide()
    assert curve.spread_out(Ends.of(report.collection.metrics["ready"]))
    assert not curve.spread_out(Ends.of(made.fleet(300, 15, hostile=False).collection.metrics["ready"]))
    nothing = Ends(np.array([0.0, 0.0]), np.array([np.inf, np.inf]))
    shown = curve.picture([("whole", "all", nothing)], True, curve.NARROW, "")
    assert "nan" not in shown.bands[0].area and len(shown.xticks) >= 1


@pytest.mark.parametrize(("high", "log"), [(0.4, False), (9.0, False), (130.0, False), (9e5, False), (4000.0, True)])
def test_ticks_are_round_and_have_room(high: float, log: bool) -> None:
    scale = Axis(0.5 if log else 0.0, high, log, 46, 946)
    places = [scale.x(at) for at in curve.ticks(scale)]
    assert 2 <= len(places) <= 18 and min(b - a for a, b in pairwise(places)) > 50
    assert [curve.seconds_text(at) for at in (0.5, 20, 300, 7200, 172800)] == [
        "0.5 s",
        "20 s",
        "5 min",
        "2 h",
        "2 d",
    ]


def test_few_groups_are_all_drawn_and_of_many_those_that_matter(large: tuple[FleetReport, str]) -> None:
    data: Any = Page(large[1]).data
    assert (
        len(data["drawn"]) == 3
        and made.SLOW_RELEASE in data["drawn"]
        and fleet_rows.shown(made.HOSTILE) not in data["drawn"]
    )
    few: Any = Page(render(made.fleet(60, 20, by="kubernetes", hostile=False))).data
    assert few["by"] == ["kubernetes"] and len(few["drawn"]) == 3 < len(few["groups"])
    assert Page(render(made.all_failed())).data["drawn"] == []


# --- tables


def test_a_hundred_rows_stand_without_a_script_those_first_that_need_someone(large: tuple[FleetReport, str]) -> None:
    report, text = large
    table = text[text.index('<table id="starts"') :]
    rows = re.findall(r"<tr>(<th scope=\"row\".*?)</tr>", table[: table.index("</table>")], re.S)
    assert len(rows) == fleet_rows.FIRST_ROWS == 100
    failed = dict(report.fleet.outcomes)["failed"]
    assert all("failed" in row for row in rows[:failed]) and all("incomplete" in row for row in rows[failed:])
    assert "The first 100 of 5,000" in words(text) and "The other 4,900 starts are in this page" in words(text)


def test_every_start_is_in_the_data_with_its_window_rounded_outwards() -> None:
    report = made.fleet(300, 40)
    data: Any = Page(render(report)).data
    ready = report.collection.metrics["ready"]
    inputs = next(label for label in data["labels"] if label["id"] == "input")
    place = {(data["texts"][i], index): n for n, (i, index) in enumerate(zip(inputs["at"], data["index"], strict=True))}
    assert len(place) == 300 and data["left_out"] == 0
    metric = next(one for one in data["metrics"] if one["id"] == "ready")
    for at, least, most in zip(ready.at, ready.least, ready.most, strict=True):
        start = report.collection.starts[at]
        n = place[fleet_rows.shown(start.input), start.index]
        assert metric["least"][n] / 1000 <= least + 1e-9
        width = metric["width"][n]
        assert (width == -1) == math.isinf(most)
        assert width == -1 or (metric["least"][n] + width) / 1000 >= most - 1e-9
        assert data["began"][n] == math.floor(start.began_at.timestamp()) if start.began_at else True
        assert data["texts"][data["labels"][0]["at"][n]] == start.outcome


def test_reasons_and_findings_are_ranked_and_notes_stand_apart(large: tuple[FleetReport, str]) -> None:
    report, text = large
    whole = report.fleet.groups[0]
    for name in ("reasons", "findings", "notes"):
        table = text[text.index(f'<table id="{name}"') :]
        counts = [
            int(n) for n in re.findall(r'data-label="Starts" data-sort="(\d+)"', table[: table.index("</table>")])
        ]
        assert counts == sorted(counts, reverse=True)
        info = [one.starts for one in whole.findings if one.severity == "info"]
        worse = [one.starts for one in whole.findings if one.severity != "info"]
        assert counts == {"reasons": [one.starts for one in whole.reasons], "findings": worse, "notes": info}[name]
    assert "The machine ran out of memory" in words(text)  # the title of a finding, not its id


def test_a_users_label_hides_our_own_of_that_name() -> None:
    report = starts(made.fleet(30, 5, hostile=False), labels=(("host", "alias"), ("rack", "r1")))
    data: Any = Page(render(report)).data
    labels = {label["id"]: label for label in data["labels"]}
    assert {data["texts"][at] for at in labels["host"]["at"]} == {"alias"}
    assert "label.rack" in labels and "label.host" not in labels


def test_inputs_that_could_not_be_read_are_listed_with_their_errors(large: tuple[FleetReport, str]) -> None:
    text = words(large[1])
    assert "801 inputs were read, 4 could not be" in text
    assert "not done after 120 s" in text and "longer than the time limit" in text
    assert "cannot be decoded: </script>" in text


def test_the_goal_can_be_chosen_and_agents_have_theirs() -> None:
    report = made.fleet(100, 20, hostile=False)
    assert "Time until the node is ready" in words(render(report, Options(goal="node_ready")))
    metrics = {name: metric for name, metric in report.collection.metrics.items() if name != "ready"}
    agents = replace(report, collection=replace(report.collection, metrics=metrics))
    assert fleet_rows.goal_metric(agents.collection, None) == "node_ready"
    assert "Time until the node is ready" in words(render(agents))
    bare = render(replace(report, collection=replace(report.collection, metrics={})))
    assert 'id="curve"' not in bare and Page(bare).data["metrics"] == []
