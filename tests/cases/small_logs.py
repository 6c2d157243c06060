"""Small logs with a known right answer, and a judge that holds the tool against them, in this process.

A table (``untried/cases.toml``, ``made/*.toml``) is a list of ``[[case]]``, each with

* ``file`` (beside the table, or the same with ``.gz``) or ``text`` (with ``name``); or only ``explain``, a message
* ``why``: what is right, in words
* ``exit``: exit code of ``analyze``; ``gate``: [seconds, exit code of ``--fail-over seconds --start all``]
* ``starts``, ``printed``: how many starts; how many printed polls of the last start
* ``outcome``, ``not_outcome``, ``end``, ``role``, ``product``, ``version``: of the last start (a list: any of them;
  ``version = ""``: none)
* ``outcomes``, ``ends``: of all starts, in order; an empty word stands for any
* ``begins``: of every start whether its begin is in the text
* ``ready``: [lower, upper], seconds that the window of the last start must meet; ``ready_seen``: whether its upper end
  is known
* ``phase_min_below``: [[id, seconds]…]: no phase of just that id is charged with so much
* ``has``, ``lacks``: expressions (any case) that the text report, 200 wide, must and must not match
* ``first``: one that the first finding's id, title, detail or advice must match; ``never``: ids that must not be found
* ``reason``: one that ``outcome_reason`` or the end's reason must match; ``not_reason``
* ``explain_has``, ``explain_lacks``: what ``k3slog explain`` of the message must and must not say

Every report is also searched for impossible times.
"""

from __future__ import annotations

import gzip
import io
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import analyzer
from analyzer.errors import NoDataError
from analyzer.reports import json_report, text
from analyzer.reports.format import Options
from analyzer.reports.selection import judge_each, select_starts, worst
from analyzer.results import Report

HERE = Path(__file__).parent

Expected = dict[str, Any]
JsonStart = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One text (or message) and what an answer to it must and must not say."""

    name: str
    content: bytes
    expected: Expected

    @property
    def why(self) -> str:
        """What is right, in words."""
        return str(self.expected["why"])


def _content(entry: Expected, folder: Path) -> bytes:
    if "text" in entry:
        return str(entry["text"]).encode()
    if "file" not in entry:
        return b""
    packed = folder / f"{entry['file']}.gz"
    return gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / entry["file"]).read_bytes()


@cache
def cases_of(table: Path) -> tuple[Case, ...]:
    """The cases of a table, in order."""
    entries = tomllib.loads(table.read_text())["case"]
    named = [(entry.get("name") or entry.get("file") or f"explain {entry['explain'][:40]}", entry) for entry in entries]
    return tuple(Case(name, _content(entry, table.parent), entry) for name, entry in named)


def tables() -> list[Path]:
    """All tables, the ones made for kinds of the project last."""
    return [HERE / "untried" / "cases.toml", *sorted((HERE / "made").glob("*.toml"))]


def analysed(content: bytes) -> Report | None:
    """The report; ``None`` where nothing is of k3s."""
    try:
        return analyzer.analyze(analyzer.load(stdin=io.BytesIO(content))).report
    except NoDataError:
        return None


# --- judging --------------------------------------------------------------------------------------------------------


def _flat(words: str) -> str:
    return re.sub(r"\s+", " ", words)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def faults(case: Case) -> list[str]:
    """What is wrong with the tool's answer."""
    expected = case.expected
    found: list[str] = []
    if case.content:
        found += _faults_of_report(case.content, expected)
    if "explain" in expected:
        answer = _flat(_explained(expected["explain"]))
        found += [f"explain: {words}" for words in _wording(answer, expected, "explain_has", "explain_lacks")]
    return found


def _explained(message: str) -> str:
    from typer.testing import CliRunner

    from analyzer.cli.main import app

    return CliRunner().invoke(app, ["explain", message]).stdout


def _faults_of_report(content: bytes, expected: Expected) -> Iterator[str]:
    report = analysed(content)
    code = 4 if report is None else 0
    if "exit" in expected and code != expected["exit"]:
        yield f"exit {code}"
    if report is None:
        if set(expected) - {"exit", "why", "text", "file", "name", "kind", "lacks", "not_outcome", "never"}:
            yield "no trace"
        return
    told = json_report.report_object(report)
    last: JsonStart = told["starts"][-1] if told["starts"] else {}
    for start in told["starts"]:
        yield from impossible(start)
    if "gate" in expected:
        limit, right = expected["gate"]
        got = int(worst(judge_each(select_starts(report.starts, "all"), limit)))
        if got != right:
            yield f"--fail-over {limit} exits {got}, not {right}"
    yield from _counts(told, last, expected)
    yield from _verdicts(told, last, expected)
    yield from _windows(last, expected)
    yield from _findings(last, expected)
    shown = text.render(report, Options(width=200))
    yield from _wording(_flat(shown), expected, "has", "lacks")


def _counts(told: dict[str, Any], last: JsonStart, expected: Expected) -> Iterator[str]:
    if "starts" in expected and len(told["starts"]) != expected["starts"]:
        yield f"{len(told['starts'])} starts"
    printed = sum(poll["printed"] for poll in last.get("polls", []))
    if "printed" in expected and printed != expected["printed"]:
        yield f"{printed} printed polls"


def _verdicts(told: dict[str, Any], last: JsonStart, expected: Expected) -> Iterator[str]:
    outcome, end = last.get("outcome"), (last.get("end") or {}).get("kind")
    if "outcome" in expected and outcome not in _listed(expected["outcome"]):
        yield f"outcome {outcome}"
    if "not_outcome" in expected and outcome in _listed(expected["not_outcome"]):
        yield f"outcome {outcome}"
    if "end" in expected and end not in _listed(expected["end"]):
        yield f"end {end}"
    for name, values in (
        ("outcomes", [start["outcome"] for start in told["starts"]]),
        ("ends", [start["end"]["kind"] for start in told["starts"]]),
    ):
        right = expected.get(name)
        if right is not None and not (
            len(right) == len(values)
            and all(not want or have in want.split("|") for want, have in zip(right, values, strict=True))
        ):
            yield f"{name} {values}"
    begins = [start["begin_seen"] for start in told["starts"]]
    if begins != expected.get("begins", begins):
        yield f"begins seen: {begins}"
    for name in ("role", "product", "version"):
        if name in expected and (last.get(name) or "") not in _listed(expected[name]):
            yield f"{name} {last.get(name)}"
    reasons = f"{last.get('outcome_reason')} {(last.get('end') or {}).get('reason')}"
    if "reason" in expected and not re.search(expected["reason"], reasons, re.I):
        yield f"reason {reasons!r}"
    if "not_reason" in expected and re.search(expected["not_reason"], reasons, re.I):
        yield f"reason {reasons!r}"


def _windows(last: JsonStart, expected: Expected) -> Iterator[str]:
    window = last.get("ready") or {}
    lower, upper = window.get("lower"), window.get("upper")
    if "ready" in expected:
        first, latest = expected["ready"]
        if (lower is not None and lower > latest) or (upper is not None and upper < first):
            yield f"ready {lower} to {upper}"
    if "ready_seen" in expected and (upper is not None) != expected["ready_seen"]:
        yield f"ready {lower} to {upper}"
    for phase, most in expected.get("phase_min_below", []):
        if any(p["id"] == phase and (p["duration_s"] or {}).get("min", 0) >= most for p in last.get("phases", [])):
            yield f"phase {phase} has at least {most}"


def _findings(last: JsonStart, expected: Expected) -> Iterator[str]:
    findings = last.get("findings") or []
    top = findings[0] if findings else None
    words = "" if top is None else _flat(" ".join(top[key] or "" for key in ("id", "title", "detail", "advice")))
    if "first" in expected and not re.search(expected["first"], words, re.I):
        yield f"first finding {words[:80]!r}"
    for unwanted in expected.get("never", []):
        if any(finding["id"] == unwanted for finding in findings):
            yield f"finding {unwanted}"


def _wording(answer: str, expected: Expected, has: str, lacks: str) -> Iterator[str]:
    for wanted in _listed(expected.get(has, [])):
        if not re.search(wanted, answer, re.I):
            yield f"does not say /{wanted}/"
    for unwanted in _listed(expected.get(lacks, [])):
        if match := re.search(unwanted, answer, re.I):
            yield f"says {answer[max(0, match.start() - 20) : match.end() + 20]!r}"


_NOTHING = 1e-6


def impossible(start: JsonStart) -> Iterator[str]:
    """Times of a start that cannot be."""
    for name in ("ready", "detected"):
        window = start[name] or {}
        if None not in (window.get("lower"), window.get("upper")) and window["lower"] > window["upper"] + _NOTHING:
            yield f"{name} ends before it begins"
        if (window.get("upper") or 0) < -_NOTHING:
            yield f"{name} before the begin"
    if start["began_at"] and start["ended_at"] and start["ended_at"] < start["began_at"]:
        yield "ended before it began"
    at = start["end"]["at_s"]
    if at is not None and at < -_NOTHING:
        yield f"end at {at}"
    lower = (start["detected"] or {}).get("lower")
    if at is not None and start["outcome"] == "ready" and lower is not None and at < lower - _NOTHING:
        yield "ended before it was ready"
    for phase in start["phases"]:
        duration = phase["duration_s"] or {}
        if (duration.get("max") or 0) < -_NOTHING or (duration.get("min") or 0) < -_NOTHING:
            yield f"phase {phase['id']} below 0"
    for told in (*start["milestones"], *start["polls"]):
        if told["at_s"] is not None and told["at_s"] < -_NOTHING:
            yield f"something at {told['at_s']}"
