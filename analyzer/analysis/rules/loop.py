"""Findings that need more than one start: crash loops, with their counter and what changed between the tries."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from analyzer.analysis.case import count
from analyzer.analysis.rules.rank import ORDER, root_first
from analyzer.events.findings import about, explains
from analyzer.events.masking import mask_secrets
from analyzer.findings import Finding, StartReport

_COUNTER = re.compile(r"restart counter is at (\d+)")
_LOOP = 3
_STEPS = (
    ("node_registered", "the node's registration"), ("k3s_running", "k3s is up and running"),
    ("api_running", "readiness"), ("serving_securely", "the API server's serving"),
    ("apiserver_version", "the API server's first line"), ("apiserver_requested", "the API server's launch"),
    ("certificates", "the certificates"), ("datastore_ready", "the datastore's readiness"),
    ("starting", "the version banner"), ("systemd_starting", "systemd's line"),
)  # fmt: skip


def across_starts(reports: Sequence[StartReport]) -> list[StartReport]:
    """Adds findings that need more than one start: crash loops, told on their last start.

    A loop is three or more starts in a row of one unit that failed, or a restart counter of three or more.
    """
    result = list(reports)
    streaks: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
    for position, report in enumerate(reports):
        key = (report.host, report.unit)
        if report.outcome == "failed" or (report.outcome != "ready" and report.end.kind == "failed"):
            streaks[key].append(position)
            continue
        _tell(result, streaks.pop(key, []), position)
    for streak in streaks.values():
        _tell(result, streak, None)
    return result


def _tell(result: list[StartReport], streak: list[int], after: int | None) -> None:
    """Adds the finding on ``streak`` to the start after it, or to its last one."""
    if not streak:
        return
    members = [result[position] for position in streak]
    counter = max((_restarts(member) for member in members), default=0)
    if len(members) < _LOOP and counter < _LOOP:
        return
    recovered = after is not None and result[after].outcome == "ready"
    target = after if after is not None else streak[-1]
    report = result[target]
    parts = _parts(members, counter)
    if recovered:
        parts.append("then it came up")
    unit = (report.unit or "k3s").removesuffix(".service")
    advice = (
        f"Stop the loop and start once by hand: sudo systemctl stop {unit}; sudo systemctl start {unit}; "
        f"journalctl -u {unit} --no-pager -o short-precise. See the reason of one start; the others repeat it."
    )
    if recovered:
        advice = (
            f"Nothing is left to do now; what ended the others: --start {members[-1].index} shows the last of them."
        )
    lines = tuple(
        member.end.line for member in members if member.end.line is not None and member.end.source == report.source
    )
    finding = Finding(
        id="crash_loop",
        severity="warning" if recovered else "critical",
        title=about("crash_loop").title if not recovered else "It came up after failing again and again",
        detail=mask_secrets("; ".join(parts)) + ".",
        advice=advice,
        lines=lines[-8:],
        source=report.source,
    )
    others = [one for one in report.findings if one.id not in ("restarted", "healthy")]
    # The cause comes before the loop it makes; only that one: the others have their places already.
    cause = next((one for one in others if one.severity == "critical" and explains(one.id, "crash_loop")), None)
    if cause is not None:
        told = root_first([cause, finding])
        finding = next(one for one in told if one.id == "crash_loop")
        others.insert(others.index(cause) + 1, finding)
    else:
        others.insert(0, finding)
    result[target] = replace(report, findings=tuple(sorted(others, key=lambda one: ORDER[one.severity])))


def _parts(members: list[StartReport], counter: int) -> list[str]:
    reasons = Counter(_core(member.outcome_reason or member.end.reason) for member in members)
    common, number = reasons.most_common(1)[0]
    parts = [f"{count(len(members), 'start')} in a row failed"]
    if counter > len(members):
        parts.append(f"systemd counts {counter} restarts, so more lie before this text")
    elif counter:
        parts.append(f"systemd's counter stands at {counter}")
    begins = [member.began_at for member in members if member.began_at is not None]
    if len(begins) > 1:
        cycle = (begins[-1] - begins[0]).total_seconds() / (len(begins) - 1)
        parts.append(f"one about every {cycle:.0f} s")
    if number == len(members):
        parts.append(f"always with the same words: {common}" if common else "none says why")
    else:
        parts.append(f"{number} of them with: {common or 'no reason in the text'}")
    return parts + _changes(members)


def _changes(members: list[StartReport]) -> list[str]:
    """What differs between the first and the last try."""
    parts: list[str] = []
    versions = list(dict.fromkeys(member.version for member in members if member.version))
    if len(versions) > 1:
        parts.append(f"the version changed: {' → '.join(versions[:4])}")
    if len(members) < 2:
        return parts
    first, last = _reached(members[0]), _reached(members[-1])
    if first is not None and last is not None and first != last:
        parts.append(f"the first got as far as {_STEPS[first][1]}, the last one as far as {_STEPS[last][1]}")
    lives = [member.end.at_s for member in members if member.end.at_s is not None]
    if len(lives) == len(members) and max(lives) > 0:
        if max(lives) > 1.5 * min(lives) + 1.0:
            parts.append(f"they lived about {min(lives):.0f} to {max(lives):.0f} s")
        elif not parts:
            parts.append(
                f"each ended about {sum(lives) / len(lives):.0f} s after its begin, nothing changed between them"
            )
    return parts


def _reached(report: StartReport) -> int | None:
    there = {milestone.id for milestone in report.milestones}
    return next((index for index, (name, _) in enumerate(_STEPS) if name in there), None)


def _restarts(report: StartReport) -> int:
    numbers = [
        int(hit[1])
        for milestone in report.milestones
        if milestone.id == "restart_scheduled" and (hit := _COUNTER.search(milestone.text)) is not None
    ]
    return max(numbers, default=0)


def _core(reason: str | None) -> str:
    """A reason without what differs from start to start."""
    return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+\S*|0x[0-9a-f]+|(?<=:)\d{4,5}(?=->)", "…", reason or "")[:300]
