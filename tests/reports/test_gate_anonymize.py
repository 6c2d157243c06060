"""Stand-ins and masked secrets in the verdict of limits: no name survives, every number does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from analyzer.collection.model import InputRow
from analyzer.gate.judge import Judging, judge
from analyzer.gate.limits import limits_of, parsed
from analyzer.gate.model import GateReport
from analyzer.reports import gate_json
from analyzer.reports.gate_anonymize import anonymized
from tests.events.test_secret_kinds import KINDS, SECRET
from tests.kit import made_gate
from tests.kit.every_format import every_gate_format
from tests.kit.made_sides import failed, normal, ready, side

NAMES = ("wolfsburg", "kunde", "meier", "frankfurt", "hunter2pass", "geheim")


def planted() -> GateReport:
    """Limits whose conditions, names and starts hold names of somebody."""
    row = {
        "host": "wolfsburg-7",
        "labels": (("standort", "frankfurt-ost"),),
        "input": "kunde-meier/wolfsburg-7/k3s.log",
    }
    logs = side([*normal(8, 30.0), ready(90.0, **row), failed(host="kunde-meier-n1", input="kunde-meier/x.log")])
    bad = InputRow("s3://kunde:hunter2pass@meier/x.gz", 1, 1, 0, "s3://kunde:hunter2pass@meier/x.gz: no", "unreadable")
    logs = replace(logs, inputs=(*logs.inputs, bad))
    [limit] = limits_of(["ready<=60s"], [])
    limits = [
        replace(limit, name="geheim", where=("host=wolfsburg-7",)),
        replace(limit, name="geheim 2", where=("host=wolfsburg-7",)),
        replace(limit, name="kunde meier", where=("standort=frankfurt-ost", "role=server")),
        replace(limit, name="b", where=("input!=kunde-meier/x.log", "host!=wolfsburg-7", "version=v1.33.1+k3s1")),
        replace(parsed("failed<=0"), name="c"),
        replace(parsed("ready:median<=+10%"), name="d", where=("host!=wolfsburg-7",)),
    ]
    base = side(normal(8, 30.0, host="kunde-meier-n2", input="kunde-meier/base.log"), "base")
    return judge(limits, logs, base, Judging(labels=("standort",)))


def test_no_name_survives_in_any_format() -> None:
    before = "".join(every_gate_format(planted()).values()).lower()
    assert all(name in before for name in NAMES if name != "hunter2pass") and "hunter2pass" not in before
    for form, shown in every_gate_format(anonymized(planted())).items():
        assert not [name for name in NAMES if name in shown.lower()], (form, shown)


def test_nor_in_what_the_report_holds() -> None:
    hidden = anonymized(planted())
    assert not [
        name for name in NAMES if name in repr(hidden).lower().replace("kunde-meier-n", "x") and name != "geheim"
    ]
    names = [one.limit.name for one in hidden.limits]
    assert len(set(names)) == len(names)
    assert names[1] == f"{names[0]} (2)" and names[4] == "failed<=0"
    assert "role=server" in names[2] and "version=v1.33.1+k3s1" in names[3]


def skeleton(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: skeleton(v) for key, v in value.items() if key not in ("name", "input")}
    return [skeleton(one) for one in value] if isinstance(value, list) else value


def test_every_number_verdict_and_sentence_survives() -> None:
    plain, hidden = (json.loads(gate_json.render(one)) for one in (planted(), anonymized(planted())))
    assert skeleton(plain) == skeleton(hidden)
    assert plain["limits"][0]["input"] and hidden["limits"][0]["input"] != plain["limits"][0]["input"]
    assert anonymized(planted()).limits == anonymized(planted()).limits


def test_the_same_host_has_the_same_stand_in_on_both_sides_and_in_conditions() -> None:
    hidden = anonymized(planted())
    [host] = {row.host for row in hidden.collection.starts if row.input == hidden.limits[0].input}
    assert hidden.limits[0].limit.where == (f"host={host}",)
    assert hidden.limits[5].limit.where == (f"host!={host}",)


@pytest.mark.parametrize("kind", KINDS[::6])
def test_no_format_shows_a_secret(kind: str) -> None:
    """Whoever put it there: a log, a path, a label of a condition, or a name of a limit."""
    for made in (made_gate.hostile(kind % SECRET), _with_secret_labels()):
        for one in (made, anonymized(made)):
            for form, shown in every_gate_format(one).items():
                assert SECRET not in "".join(shown.split()), (kind, form)


def _with_secret_labels() -> GateReport:
    [limit] = limits_of(["ready<=60s"], [])
    conditions = tuple(f"{name}={SECRET}" for name in ("token", "password"))
    row = {"input": f"s3://user:{SECRET}@bucket/x.gz", "labels": (("token", SECRET),)}
    return judge(
        [replace(limit, where=conditions, name=f"token={SECRET}"), limit], side([ready(99.0, **row)]),
        how=Judging(labels=("token", "password")),
    )  # fmt: skip
