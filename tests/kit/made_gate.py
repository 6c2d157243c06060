"""Hand-made verdicts of limits: real ones over made starts, and hostile ones."""

from __future__ import annotations

from dataclasses import replace

from analyzer.collection.model import InputRow
from analyzer.gate.judge import Judging, judge
from analyzer.gate.limits import parsed
from analyzer.gate.model import GateReport, LimitResult, Result
from tests.kit import made_fleets
from tests.kit.made_sides import One, failed, normal, ready, side

RBAC = "check:poststarthook/rbac/bootstrap-roles"


def passing() -> GateReport:
    """Three limits that pass."""
    return judge([parsed("ready:p90<=60s"), parsed("failed<=0"), parsed("restarts<=0")], side(tried(20)))


def tried(number: int) -> list[One]:
    return [replace(one, metrics={**one.metrics, "restarts": (0, 0)}) for one in normal(number, 40.0, 2.0)]


def mixed(*, strict: bool = False) -> GateReport:
    """Of everything some: fails, doubts and passes, growth, a start that failed, an input that could not be read."""
    starts = [*normal(18, 40.0, 2.0), failed(line=99), One({"ready": (12.0, float("inf"))}, {"begin_seen": False})]
    logs = side(starts)
    logs = replace(logs, inputs=(*logs.inputs, InputRow("logs/bad.gz", 9, 1, 0, "damaged after 9 bytes", "unreadable")))
    limits = ["failed<=0", "ready<=60s", "ready:p90<=60s", f"{RBAC}<=20s", "ready:median<=+10%", "ready:median<=+1s",
              "ready:max<=+5%", "findings:critical<=0", "failed<=+5%"]  # fmt: skip
    base = side(normal(20, 30.0, 2.0, seed=3), "base")
    return judge([parsed(text) for text in limits], logs, base, Judging(strict=strict))


def many(number: int) -> GateReport:
    """So many limits, the last of them failing."""
    made = passing()
    limits = [parsed(f"ready:p90<={60 + n}s") for n in range(number - 1)]
    return judge([*limits, parsed("ready<=1s")], made.collection)


def hostile(text: str) -> GateReport:
    """Every text that a log, a path or a user can fill is ``text``; one limit of each result."""
    fleet = made_fleets.hostile(text).collection
    results: tuple[Result, ...] = ("pass", "fail", "undecided")
    limits = tuple(
        LimitResult(
            replace(parsed("ready<=60s"), name=f"{text}{n}", metric=f"check:{text}", where=(f"site={text}",)),
            found, 1.0, 2.0, text, f"{text}{n}", n + 1, 7,
        )
        for n, found in enumerate(results)
    )  # fmt: skip
    return GateReport(limits, "fail", fleet, fleet)


def made() -> dict[str, GateReport]:
    """All of them but the hostile ones."""
    return {
        "passing": passing(), "mixed": mixed(), "strict": mixed(strict=True), "many": many(60),
        "one": judge([parsed("ready<=60s")], side([ready(5)])), "nothing": judge([parsed("ready<=60s")], side([])),
    }  # fmt: skip
