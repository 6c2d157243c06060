"""From what was named to a collection: order, what a cluster is given, what is kept."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

import pytest

from analyzer.collection.gather import Gathering, _from_anywhere, gather
from analyzer.collection.labels import LabelRules, where_of
from analyzer.collection.model import InputSpec
from analyzer.collection.summary import summary
from analyzer.reports import fleet_html, fleet_json, fleet_text
from analyzer.reports.fleet_report import FleetReport

SAMPLES = Path(__file__).parents[2] / "sample_logs"


def test_a_worker_in_another_folder_finds_the_files() -> None:
    given = InputSpec("logs/a.log", ("logs/a.log", "s3://bucket/a.log"))
    sent = _from_anywhere(given)
    assert sent.name == "logs/a.log"
    assert sent.files == (os.path.abspath("logs/a.log"), "s3://bucket/a.log")


@pytest.mark.long
def test_one_input_and_its_condition() -> None:
    log = str(SAMPLES / "crash-loop-until-roles.short.txt")
    rules = LabelRules.of(["site=sample_([a-z]+)"])
    whole = gather([log], Gathering(rules, jobs=1))
    assert [row.outcome for row in whole.starts] == ["failed"] * 3 + ["ready"]
    assert {row.labels for row in whole.starts} == {(("site", "logs"),)}
    some = gather([log, log], Gathering(rules, (where_of("outcome=ready", rules),), jobs=1))
    assert [row.outcome for row in some.starts] == ["ready"] and len(some.inputs) == 1


@pytest.mark.long
def test_the_order_of_what_is_named_changes_no_number() -> None:
    names = [str(SAMPLES / name) for name in ("healthy-sqlite.short.txt", "crash-loop-until-roles.short.txt")]
    told = []
    for order in (names, names[::-1]):
        found = gather(order, Gathering(jobs=1))
        assert [row.input for row in found.inputs] == order
        told.append(fleet_json.fleet_object(summary(found))["groups"])
    assert told[0] == told[1]
    assert fleet_json.render(FleetReport(summary(found), found))


def test_a_start_that_was_ready_before_its_log_tells_how_long_is_not_called_unready(tmp_path: Path) -> None:
    whole = (SAMPLES / "healthy-sqlite.short.txt").read_text().splitlines(keepends=True)
    begin = next(n for n, line in enumerate(whole) if "Serving securely" in line)
    for host in ("cut-1", "cut-2"):
        (tmp_path / f"{host}.log").write_text("".join(whole[begin:]).replace("node-a", host))
    found = gather([str(tmp_path)], Gathering(jobs=1))
    assert [row.outcome for row in found.starts] == ["ready", "ready"]
    assert all(most == math.inf for most in found.metrics["ready"].most)
    report = FleetReport(summary(found), found)
    for told in (fleet_text.render(report), fleet_html.render(report)):
        assert not re.search(
            "still not ready|never seen|if at all", re.sub(r"<script.*?</script>", "", told, flags=re.S)
        )
    assert "ready after" in fleet_text.render(report)
