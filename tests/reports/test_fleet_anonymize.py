"""Stand-ins in the summary of many starts: no name survives, every number does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from analyzer.collection.model import InputRow, Outlier
from analyzer.reports import fleet_json, fleet_words
from analyzer.reports.fleet_anonymize import anonymized
from analyzer.reports.fleet_report import FleetReport
from tests.kit import made_fleets
from tests.kit.every_format import every_fleet_format

NAMES = ("wolfsburg", "frankfurt-ost", "kunde-meier", "10.11.12.13", "db.meier.internal", "hunter2pass")


def planted() -> FleetReport:
    """A fleet of three hosts of somebody, whose names stand in every text."""
    hosts = ("wolfsburg-1", "wolfsburg-2", "kunde-meier-n7.meier.internal")
    rows = [
        replace(
            made_fleets.start(f"kunde-meier/{host}.log", 1, host, outcome="failed"),
            reason="cannot reach postgres://kunde-meier:hunter2pass@db.meier.internal:5432/x at 10.11.12.13",
            cause_words=f'node "{host}" not found', cause="datastore_unreachable", unit="kunde-meier.service",
            labels=(("standort", "frankfurt-ost"), ("rack", "7")),
        )
        for host in hosts
    ]  # fmt: skip
    path = "s3://kunde-meier:hunter2pass@frankfurt-ost/wolfsburg/x.export.gz"
    inputs = [InputRow(row.input, 10, 3, 1) for row in rows]
    inputs.append(
        InputRow("kunde-meier/neu.gz", 10, 3, 0, "kunde-meier/neu.gz: damaged; also wolfsburg-1.log", "unreadable")
    )
    inputs.append(InputRow(path, 10, 3, 0, f"{path} cannot be opened: 10.11.12.13 refused", "unreadable"))
    why = "wolfsburg-2 took twice as long as the others of standort frankfurt-ost, rack=7"
    labels = (("standort", "frankfurt-ost"), ("rack", "7"))
    return made_fleets.report(
        rows, [(2.0, 3.0), (5.0, float("inf")), (2.0, 2.5)], by=lambda row: (*row.labels, ("host", row.host or "")),
        inputs=inputs, outliers=[Outlier("wolfsburg-2", "ready", why, labels, 0.01), Outlier("", "ready", why, labels)],
    )  # fmt: skip


def texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from (*texts(key), *texts(value))
    elif isinstance(part, list | tuple):
        for item in part:
            yield from texts(item)


def skeleton(value: Any, name: str = "") -> Any:
    """The JSON without names and texts: what must not change."""
    if isinstance(value, dict):
        if name == "by":
            return len(value)
        return {
            key: skeleton(v, key) for key, v in value.items() if key not in ("input", "host", "reason", "error", "why")
        }
    return [skeleton(item, name) for item in value] if isinstance(value, list) else value


def test_no_name_survives_in_any_format() -> None:
    before = "".join(every_fleet_format(planted()).values())
    assert all(name in before for name in NAMES if name != "hunter2pass")
    for format, shown in every_fleet_format(anonymized(planted())).items():
        assert not [name for name in (*NAMES, "meier", "standort 7", "rack=7") if name in shown], (format, shown)


def test_nor_in_a_row_of_the_collection() -> None:
    collection = anonymized(planted()).collection
    for row in (*collection.starts, *collection.inputs):
        assert not [name for name in (*NAMES, "meier") if name in repr(row)], row
    assert len({row.key for row in collection.starts}) == 3


@pytest.mark.parametrize("report", [*made_fleets.made().values(), planted()], ids=[*made_fleets.made(), "planted"])
def test_every_number_and_verdict_stays(report: FleetReport) -> None:
    hidden = anonymized(report)
    before, after = (json.loads(fleet_json.render(one)) for one in (report, hidden))
    assert skeleton(after) == skeleton(before)
    assert fleet_words.verdict(hidden.fleet) == fleet_words.verdict(report.fleet)
    assert hidden.collection.metrics == report.collection.metrics
    assert [group.members for group in hidden.fleet.groups] == [group.members for group in report.fleet.groups]


def test_the_same_name_has_the_same_stand_in_everywhere_and_others_another() -> None:
    report, hidden = planted(), anonymized(planted())
    assert anonymized(report).fleet == hidden.fleet and anonymized(report).collection.starts == hidden.collection.starts
    of_host = {old.host: new.host for old, new in zip(report.collection.starts, hidden.collection.starts, strict=True)}
    assert len(set(of_host.values())) == 3
    assert hidden.fleet.outliers[0].host == of_host["wolfsburg-2"]
    assert hidden.fleet.outliers[0].why.startswith(f"{of_host['wolfsburg-2']} took twice as long")
    assert dict(hidden.fleet.groups[2].by)["host"] == of_host["wolfsburg-2"]
    assert hidden.fleet.inputs == hidden.collection.inputs
    assert {one.input for one in hidden.fleet.slowest} <= {row.input for row in hidden.fleet.inputs}


def test_releases_roles_and_units_of_k3s_stay() -> None:
    hidden = anonymized(made_fleets.large())
    assert dict(hidden.fleet.groups[10].by) == {"version": made_fleets.SLOW_RELEASE}
    assert {row.unit for row in hidden.collection.starts} == {"k3s.service"}
    assert hidden.fleet.groups[0].reasons == made_fleets.large().fleet.groups[0].reasons
    assert all(re.fullmatch(r"host-\d+", row.host or "") for row in hidden.collection.starts)


@pytest.mark.parametrize("hostile", ["\x1b[31m", "=1+1", "\udc80", "", "a/b\nc", "[x](y)"])
def test_hostile_names_break_nothing(hostile: str) -> None:
    made = every_fleet_format(anonymized(made_fleets.hostile(hostile)))
    assert all(shown.replace("\n", "").isprintable() for name, shown in made.items() if "html" not in name)
