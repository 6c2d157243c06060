"""Findings that need more than one start: crash loops, with what changed between the tries, and failed runs before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from analyzer.analysis.causes_first import by_severity, root_first
from analyzer.analysis.failed_starts import LOOP, RESTARTS, FailedStarts, failed_starts, last_words
from analyzer.analysis.rule_context import count
from analyzer.analysis.rule_registry import rule
from analyzer.events.finding_info import about, explains
from analyzer.events.products import advise
from analyzer.events.redaction import mask_secrets
from analyzer.results import Finding, StartReport
from analyzer.starts.truncated_lines import same_words

_STEPS = (
    ("node_registered", "the node's registration"), ("k3s_running", "k3s is up and running"),
    ("api_running", "readiness"), ("serving_securely", "the API server's serving"),
    ("apiserver_version", "the API server's first line"), ("apiserver_requested", "the API server's launch"),
    ("certificates", "the certificates"), ("datastore_ready", "the datastore's readiness"),
    ("starting", "the version banner"), ("systemd_starting", "systemd's line"),
)  # fmt: skip


@rule("crash_loop", "failed_tries_before", across=True)
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
    return _with_earlier(result)


def _with_earlier(reports: Sequence[StartReport]) -> list[StartReport]:
    """Adds to each start the failed runs before it that no loop tells of, back to the last one that held."""
    result: list[StartReport] = []
    failed: dict[tuple[str | None, str | None], list[StartReport]] = defaultdict(list)
    for report in reports:
        key = (report.host, report.unit)
        before = failed[key]
        if before and not any(finding.id == "crash_loop" for finding in report.findings):
            report = _add_earlier(report, before)
        if report.outcome == "ready":
            before.clear()
        if report.end.kind == "failed":
            before.append(report)
        result.append(report)
    return result


def _add_earlier(report: StartReport, before: Sequence[StartReport]) -> StartReport:
    groups = failed_starts(before).reasons
    if report.end.kind == "failed" and len(groups) == 1 and same_words(groups[0][0], last_words(report)):
        return report  # it says the same itself
    told = [
        f"{words or 'no reason in the log'}{f' ({number} times)' if number > 1 else ''}" for words, number in groups
    ]
    shown = "; ".join(told[:3]) + (f"; and {count(len(told) - 3, 'other reason')}" if len(told) > 3 else "")
    number, held = len(before), sum(member.outcome == "ready" for member in before)
    title = f"{count(number, 'try', 'tries')} failed before this one"
    if held == number:
        title = f"{count(number, 'run')} before this one ended unasked"
    after = "" if not held else " It had been ready." if number == 1 else f" {held} of them had been ready."
    what = "The run before it ended" if number == 1 else f"{number} runs before it ended"
    finding = Finding(
        id="failed_tries_before",
        severity="info" if report.outcome == "ready" else "warning",
        title=title,
        detail=mask_secrets(f"{what}: {shown}.{after}"),
        advice=f"k3slog --start {before[-1].index} shows {'it' if number == 1 else 'the last of them'}.",
        lines=_ends(before, report),
        source=report.source,
    )
    return replace(report, findings=by_severity((*report.findings, finding)))


def _ends(members: Sequence[StartReport], report: StartReport) -> tuple[int, ...]:
    """The lines with which the last of them ended, as far as they are of the report's source."""
    return tuple(one.end.line for one in members if one.end.line is not None and one.end.source == report.source)[-8:]


def _tell(result: list[StartReport], streak: list[int], after: int | None) -> None:
    """Adds the finding on ``streak`` to the start after it, or to its last one."""
    if not streak:
        return
    members = [result[position] for position in streak]
    counter = max((_restarts(member) for member in members), default=0)
    if len(members) < LOOP and counter < LOOP:
        return
    recovered = after is not None and result[after].outcome == "ready"
    target = after if after is not None else streak[-1]
    report, loop = result[target], about("crash_loop")
    parts = _parts(members, counter) + ["then it came up"] * recovered
    advice = advise(loop.advice, report.site)
    if recovered:
        advice = (
            f"Nothing is left to do now; what ended the others: --start {members[-1].index} shows the last of them."
        )
    elif len(members) == 1:
        advice = advice.replace("; the others repeat it.", "; the others are not in this log.")
    finding = Finding(
        id=loop.id,
        severity="warning" if recovered else loop.severity,
        title=advise(loop.title_over if recovered else loop.title, report.site),
        detail=mask_secrets("; ".join(parts)) + ".",
        advice=advice,
        lines=_ends(members, report),
        source=report.source,
    )
    others = [one for one in report.findings if one.id not in loop.replaces]
    # The cause comes before the loop it makes; only that one: the others have their places already.
    cause = next((one for one in others if one.severity == "critical" and explains(one.id, "crash_loop")), None)
    if cause is not None:
        told = root_first([cause, finding])
        finding = next(one for one in told if one.id == "crash_loop")
        others.insert(others.index(cause) + 1, finding)
    else:
        others.insert(0, finding)
    result[target] = replace(report, findings=by_severity(others))


def _parts(members: list[StartReport], counter: int) -> list[str]:
    facts = failed_starts(members)
    common, number = facts.reasons[0]
    parts = [f"{count(len(members), 'start')} in a row failed" if len(members) > 1 else "The start in this log failed"]
    if counter > len(members):
        parts.append(f"systemd counts {counter} restarts, so more lie before this log")
    elif counter:
        parts.append(f"systemd's counter stands at {counter}")
    if facts.spacing:
        parts.append(facts.spacing)
    if len(members) == 1:
        parts.append(f"only the last one's words are in the log: {common}" if common else "the log does not say why")
    elif number == len(members):
        parts.append(f"always with the same words: {common}" if common else "none says why")
    else:
        parts.append(f"{number} of them with: {common or 'no reason in the log'}")
    return parts + _changes(members, facts)


def _changes(members: list[StartReport], facts: FailedStarts) -> list[str]:
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
    lives = facts.lives_s
    if len(lives) == len(members) and lives[-1] > 0:
        if lives[-1] > 1.5 * lives[0] + 1.0:
            parts.append(f"they lived about {lives[0]:.0f} to {lives[-1]:.0f} s")
        elif not parts:
            parts.append(
                f"each ended about {sum(lives) / len(lives):.0f} s after its beginning, nothing changed between them"
            )
    return parts


def _reached(report: StartReport) -> int | None:
    there = {milestone.id for milestone in report.milestones}
    return next((index for index, (name, _) in enumerate(_STEPS) if name in there), None)


def _restarts(report: StartReport) -> int:
    told = (milestone.text for milestone in report.milestones if milestone.id == "restart_scheduled")
    return max((int(hit[1]) for text in told if (hit := RESTARTS.search(text)) is not None), default=0)
