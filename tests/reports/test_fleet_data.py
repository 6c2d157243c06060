"""The summary of many starts for programs: JSON by its schema, CSV, Prometheus."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families

from analyzer.collection.model import CHECK, Fleet, Labels, MetricSummary, Quantile, Reason
from analyzer.errors import printable
from analyzer.reports import fleet_csv, fleet_json, fleet_prometheus
from analyzer.reports.fleet_report import FleetReport
from analyzer.reports.schema import SCHEMAS, schema_text
from tests.kit import made_fleets

HOSTILE = [
    'a"b\\c\nd',
    "\x1b[31m",
    "=1+1",
    "\udc80",
    "{}",
    "",
    "} 1\nevil_metric 2",
    'a,b="c"',
    "#",
    "x" * 5000,
    "日本",
]


def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema_text("fleet")))


def parsed(report: FleetReport) -> dict[tuple[str, Labels], float]:
    """Every series that Prometheus' own parser finds; it stands there once."""
    shown = fleet_prometheus.render(report)
    samples = [
        (
            (sample.name, tuple(sorted(sample.labels.items()))),
            sample.value,
            sample.timestamp,
            family.type,
            family.documentation,
        )
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
    ]
    found = {key: value for key, value, *_ in samples}
    lines = [line for line in shown.splitlines() if not line.startswith("#")]
    assert len(found) == len(samples) == len(lines)
    assert all(stamp is None and kind == "gauge" and words for _, _, stamp, kind, words in samples)
    return found


def series(found: dict[tuple[str, Labels], float], name: str, **labels: str) -> float:
    return found[f"k3slog_fleet_{name}", tuple(sorted(labels.items()))]


def some(**changes: Any) -> FleetReport:
    report = made_fleets.small()
    return replace(report, fleet=replace(report.fleet, **changes))


# --- JSON


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one(name: Any) -> None:
    Draft202012Validator.check_schema(json.loads(schema_text(name)))


@pytest.mark.parametrize("report", made_fleets.made().values(), ids=made_fleets.made())
def test_json_holds_to_its_schema(report: FleetReport) -> None:
    shown = fleet_json.render(report)
    assert shown.isascii() and shown.endswith("}\n")
    validator().validate(json.loads(shown))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_json_of_hostile_names_does_so_too(hostile: str) -> None:
    data = json.loads(fleet_json.render(made_fleets.hostile(hostile)))
    validator().validate(data)
    assert json.dumps(data, ensure_ascii=False).encode("utf-8")  # no lone surrogates


def test_json_has_the_names_of_the_contract() -> None:
    data = json.loads(fleet_json.render(made_fleets.large()))
    assert [data["schema"], data["schema_version"], data["starts"]] == ["k3slog.fleet", 1, 2000]
    assert data["inputs"]["read"] == 2000 and data["inputs"]["bad"] == len(data["inputs"]["errors"]) == 60
    assert data["inputs"]["errors"][0]["input"] == "logs/bad/00.export.gz"
    assert data["outcomes"] == {"ready": 1921, "failed": 61, "incomplete": 18}
    first, *groups = data["groups"]
    assert first["by"] == {} and len(groups) == 10 and all(group["by"].keys() == {"version"} for group in groups)
    (metric,) = first["metrics"]
    assert metric["id"] == "ready" and metric["n"] == 2000
    assert metric["p50"] == {"min": 6.0, "max": 7.65} and metric["p99"]["max"] is None
    assert sum(reason["starts"] for reason in first["reasons"]) == 61
    assert data["slowest"][0].keys() == {"input", "index", "host", "ready", "cause"}
    assert [one["host"] for one in data["outliers"]] == [*made_fleets.SLOW_HOSTS, None]


@given(low=st.floats(0, 1e7), more=st.none() | st.floats(0, 1e5), chance=st.floats(0, 1e3))
@settings(max_examples=200, deadline=None)
def test_rounding_never_narrows_a_range(low: float, more: float | None, chance: float) -> None:
    one = Quantile(
        low, None if more is None else low + more, low - chance, None if more is None else low + more + chance
    )
    group = replace(made_fleets.small().fleet.groups[0], metrics=(MetricSummary("ready", 3, one, one, one),))
    report = some(groups=(group,), confidence=0.9)
    data = json.loads(fleet_json.render(report))
    validator().validate(data)
    told = data["groups"][0]["metrics"][0]["p90"]
    assert told["min"] <= low and told["lower"] <= low - chance
    assert (told["max"] is None) == (told["upper"] is None) == (more is None)
    assert more is None or (told["max"] >= low + more and told["upper"] >= low + more + chance)
    found = parsed(report)
    assert series(found, "time_to_ready_seconds", quantile="0.9", bound="lower") == pytest.approx(told["min"], abs=1e-6)
    upper = series(found, "time_to_ready_seconds", quantile="0.9", bound="upper")
    assert upper == float("inf") if more is None else upper >= low + more


# --- CSV


def table(report: FleetReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(fleet_csv.render(report))))


def test_csv_has_a_row_for_each_thing_of_each_group() -> None:
    report = made_fleets.large()
    rows = table(report)
    assert tuple(rows[0]) == fleet_csv.COLUMNS
    groups = [row for row in rows if row["kind"] == "group"]
    assert [row["starts"] for row in groups] == ["2000"] + ["200"] * 10 and groups[0]["by"] == ""
    (ready,) = [row for row in rows if row["kind"] == "metric" and not row["by"]]
    assert (ready["id"], ready["unit"], ready["starts"]) == ("ready", "s", "2000")
    assert (ready["p50_min"], ready["p50_max"], ready["p99_max"]) == ("6", "7.65", "")
    ends = [row for row in rows if row["kind"] == "outcome" and row["by"]]
    assert sum(int(row["starts"]) for row in ends) == 2000
    expected = sum(1 + len(g.outcomes) + len(g.metrics) + len(g.reasons) + len(g.findings) for g in report.fleet.groups)
    assert len(rows) == expected


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@x", " =1", "a\nb", '"', "\x1b[1m", "\udc80"])
def test_csv_runs_in_no_spreadsheet(hostile: str) -> None:
    shown = fleet_csv.render(made_fleets.hostile(hostile))
    assert shown.replace("\n", "").isprintable() and shown.encode()
    cells = [cell for row in csv.reader(io.StringIO(shown)) for cell in row]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "@", "-"))]


# --- Prometheus


def test_prometheus_has_the_numbers_of_the_whole() -> None:
    found = parsed(made_fleets.large())
    assert series(found, "starts", outcome="ready") == 1921 and series(found, "starts", outcome="stopped") == 0
    assert series(found, "hosts") == 400 and series(found, "inputs") == 2000
    assert series(found, "bad_inputs", kind="killed") == 12
    assert series(found, "time_to_ready_seconds", quantile="0.5", bound="lower") == 6.0
    assert series(found, "time_to_ready_seconds", quantile="0.99", bound="upper") == float("inf")
    assert series(found, "failures", reason="The address of port 6443 is in use") == 25
    assert series(found, "findings", finding="slow_datastore", severity="warning") == 128
    assert series(found, "outlier", host="node-017", metric="ready", group="version=v1.31.4+k3s1") == 1
    place = {"version": made_fleets.SLOW_RELEASE, "quantile": "0.5"}
    assert series(found, "group_time_to_ready_seconds", **place, bound="lower") == pytest.approx(9.4, abs=0.1)
    ends = [value for (name, _), value in found.items() if name == "k3slog_fleet_group_starts"]
    assert sum(ends) == 2000


@pytest.mark.parametrize("report", made_fleets.made().values(), ids=made_fleets.made())
def test_prometheus_reads_every_kind_of_fleet(report: FleetReport) -> None:
    assert series(parsed(report), "starts", outcome="failed") == dict(report.fleet.outcomes).get("failed", 0)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_prometheus_reads_hostile_names_as_they_are_shown(hostile: str) -> None:
    report = made_fleets.hostile(hostile)
    found = parsed(report)
    assert not [name for name, _ in found if not name.startswith("k3slog_fleet_")]
    if hostile and len(hostile) < 200:
        assert series(found, "failures", reason=printable(hostile)) == 4
    assert all(len(value) <= 200 for _, labels in found for _, value in labels)
    assert sum(name == "k3slog_fleet_group_hosts" for name, _ in found) == (1 if len(hostile) > 200 else 4)


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_names_of_labels_are_valid_and_each_another(by: list[tuple[str, str]]) -> None:
    named = fleet_prometheus.label_names(tuple(by))
    assert len({name for name, _ in named}) == len(by) and [value for _, value in named] == [value for _, value in by]
    assert all(re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]*", name) for name, _ in named)
    assert not {"outcome", "quantile", "bound", "metric", "le", "job", "instance"} & {name for name, _ in named}


def test_every_metric_has_a_family_of_its_own() -> None:
    ids = [
        "ready", "started", "images", "node", "node_ready", "server", "detected", "polling_tax", "restarts", "failed",
        "apiserver_boot", "hooks", f"{CHECK}etcd", f"{CHECK}poststarthook/rbac/bootstrap-roles",
    ]  # fmt: skip
    one = Quantile(1.0, 2.0, 0.5, None)
    group = replace(
        made_fleets.small().fleet.groups[0], metrics=tuple(MetricSummary(id, 5, one, one, one) for id in ids)
    )
    found = parsed(some(groups=(group, replace(group, by=(("site", "x"),))), confidence=0.95))
    place = {"quantile": "0.9", "bound": "lower"}
    for goal in ids[:7]:
        assert series(found, f"time_to_{goal}_seconds", **place) == 1.0
    assert series(found, "phase_seconds", phase="hooks", **place) == 1.0
    assert series(found, "check_seconds", check="etcd", **place) == 1.0
    assert series(found, "restarts", **place) == series(found, "polling_tax_seconds", **place) == 1.0
    assert series(found, "interval_time_to_ready_seconds", confidence="0.95", **place) == 0.5
    assert series(found, "group_failed_ratio", site="x", **place) == 1.0


def test_too_many_series_are_cut_with_a_word() -> None:
    rows = [made_fleets.start(f"{n}.log", 1, f"n{n}") for n in range(900)]
    report = made_fleets.report(rows, [(1.0, 2.0)] * 900, by=lambda row: (("host", row.host or ""),))
    group = replace(report.fleet.groups[0], reasons=tuple(Reason(f"reason {n}", 1, 1) for n in range(70)))
    report = replace(report, fleet=replace(report.fleet, groups=(group, *report.fleet.groups[1:])))
    shown = fleet_prometheus.render(report)
    assert len(parsed(report)) <= fleet_prometheus.SERIES
    left = re.findall(r"(?m)^# Left out: (.*)\.$", shown)
    assert left[0] == "20 of 70 reasons" and re.fullmatch(r"\d+ of 900 groups, beyond 2000 series, .*", left[1])


def test_texts_that_look_alike_are_one_series() -> None:
    group = replace(made_fleets.small().fleet.groups[0], reasons=(Reason("a\\nb", 2, 1), Reason("a\nb", 3, 2)))
    assert series(parsed(some(groups=(group,))), "failures", reason="a\\nb") == 5


def test_an_empty_fleet_is_written_as_well() -> None:
    nothing = FleetReport(Fleet((), 0, (), (), (), ()), made_fleets.only_bad().collection)
    assert series(parsed(nothing), "starts", outcome="ready") == 0
    assert table(nothing) == []
    validator().validate(json.loads(fleet_json.render(nothing)))
