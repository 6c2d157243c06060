"""What a report for people says about a start, as plain data; text and Markdown only lay it out.

Texts here are as the log has them: whoever shows them must escape them for the medium.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from analyzer.analysis.failed_starts import failed_starts
from analyzer.analysis.since_begin import since_begin
from analyzer.events import finding_info
from analyzer.events.chain import shown_whole
from analyzer.events.check_info import HOOK, info
from analyzer.events.products import advise
from analyzer.events.readyz import abridge
from analyzer.events.terms import term, terms
from analyzer.reports import goal_words, wording
from analyzer.results import Check, ErrorCount, Finding, Gap, Phase, Report, StartReport
from analyzer.window import Span, Window, down, up

_SERVING = "serving_securely"
_NAMED = 3  # checks told by name in a sentence
_SHOWN_S = 0.05  # less is 0.0 in a table
_MOMENT_S = 1.0  # within which stamps to a second tell nothing apart
_BLAMED = 10  # rows of the table of checks
_CALENDAR = ("journal", "klog")  # stamps with month and day at least
_TO_DO = "What to do"
FINER = "Moments finer"  # how the least of what is not known begins
# A start whose begin is not in the text may have been slow before it, whatever the rest shows.
_NOTHING_HERE = "Nothing in this part of the log needs it; how long the start took in all is not in it."


def title(start: StartReport, *, utc: bool = False) -> list[str]:
    """Who started, and when: two lines."""
    where = ", ".join(p for p in (wording.place(start), f"pid {start.pid}" if start.pid is not None else "") if p)
    first = wording.what(start) + (f" ({where})" if where else "")
    precision = f"timestamps to {wording.precision_words(start.clock.precision_s)}{', some finer' * _some_finer(start)}"
    if start.began_at is None and not _timed(start):
        second = "No line has a time that can be read: nothing can be said of how long anything took"
    elif start.began_at is None and start.clock.basis == "elapsed":
        second = f"{_undated(start)}: seconds count from when the process was last executed; {precision}"
    elif start.began_at is None:
        local = f"; that is {start.began_local} there" if start.began_local else ""
        second = f"{_undated(start)}: seconds count from the first line that has a time{local}; {precision}"
    else:
        began = wording.clock_time(start.began_at, start.clock.precision_s, utc=utc)
        what = "Wait began" if start.observer == "wait" else "Began" if start.begin_seen else "First line"
        second = f"{what} {began} ({wording.offset(start.began_at, utc=utc)}); seconds count from there; {precision}"
    return [first, second]


def _some_finer(start: StartReport) -> bool:
    """Whether lines have stamps of their own that are finer than those of the text: its last moment shows it."""
    last = start.cut_at_s
    return start.clock.precision_s >= 1 and last is not None and last % 1 != 0


def _undated(start: StartReport) -> str:
    """What is missing for a date; a date that stands somewhere in the text need not be that of the begin."""
    clock = start.clock
    if clock.basis not in _CALENDAR:
        return "The log does not say at which date it began"
    what = "of which year and zone" if clock.year_from == "none" else "in which zone"
    return f"The log does not say {what} its times are"


def _no_date(start: StartReport) -> str:
    """The same among what the text could not tell."""
    if not _timed(start):
        return "When it began: no line has a time that can be read."
    if start.clock.basis not in _CALENDAR:
        return "The date: its timestamps count seconds."
    return "The year and the zone of its times." if start.clock.year_from == "none" else "The zone of its times."


def verdict(start: StartReport) -> list[str]:
    """Whether it became ready and when, in one or two sentences."""
    lines = [_verdict(start)]
    if start.outcome == "ready" and start.end.kind != "running":
        ended = "was stopped" if start.end.kind == "stopped" else "ended by itself"
        why = f": {start.end.reason}" if start.end.reason else "."
        lines.append(f"Later the process {ended}{_when(start)}{why}")
    if start.outcome == "ready" and start.role != "agent" and _node_is_open(start):
        lines.append("That is said of its API server alone: the log does not show that its node was registered.")
    if start.outcome in ("failed", "stopped") and start.outcome_reason:
        lines.append(f"Reason: {shown_whole(abridge(start.outcome_reason))}")
    return lines


def _node_is_open(start: StartReport) -> bool:
    """Whether the text ends in a wait, and its node was not seen to come."""
    reached = any(goal.id in ("node", "node_ready") and goal.state == "reached" for goal in start.goals)
    return not reached and any(finding.id in ("open_wait", "cri_missing") for finding in start.findings)


def _verdict(start: StartReport) -> str:
    ready, detected = start.ready, start.detected
    if start.outcome != "failed" and any(finding.id == "cluster_reset" for finding in start.findings):
        return f"Ended as planned{_when(start)}: a run for one task, which does not go on to serve."
    if start.outcome == "incomplete" and any(finding.id == "component_log" for finding in start.findings):
        return "Not known: this is a component's log, containerd's; how k3s or RKE2 itself went is not in it."
    if start.role == "agent" and start.observer == "k3s":
        return _agent(start)
    if start.outcome == "ready":
        if ready.upper is None:
            return "It became ready, but the log does not show when."
        if not start.begin_seen and start.observer == "k3s":
            return _ready_fragment(start)
        when = wording.window_words(detected) + wording.later_words(start.polling_tax_s)
        noticed = "" if detected.upper is None else f"; {wording.noticer(start)} noticed it {when}"
        return f"Ready {wording.window_words(ready)}{noticed}."
    known = ""
    if ready.lower is not None and ready.lower >= 0.1:
        known = f" It was still not ready at {wording.at_least(ready.lower)}."
    before = "before it was seen ready" if goal_words.perhaps_ready(start) else "before it was ready"
    if start.outcome == "failed":
        comma = "" if start.begin_seen else ","
        return f"Failed: the process ended{_when(start)}{comma} {before}.{known}"
    if start.outcome == "stopped":
        return f"Stopped{_when(start)}, on request, {before}.{known}"
    if start.end.kind == "failed":
        return f"Not known: the process ended, and the log does not show whether it had become ready.{known}"
    if start.observer == "wait":
        after = "" if start.cut_at_s is None else f" after {wording.about(start.cut_at_s)}"
        return f"Not seen ready when this wait ended{after}.{known}"
    if start.cut_at_s is not None:
        end = f"the log ends at {wording.about(start.cut_at_s)} and does not show that it was ready"
    else:
        end = "the log does not show whether it became ready"
    return f"Not known: {end}.{known}"


def _agent(start: StartReport) -> str:
    """An agent has no API server: it is judged by its node, and readiness is that of the server it asked."""
    node = next((goal.window for goal in start.goals if goal.id == "node"), Window())
    server = ""
    if start.detected.upper is not None and start.begin_seen:
        server = f" The server it asked answered ready {wording.window_words(start.detected)}."
    if start.outcome == "ready":
        seen = start.begin_seen and node.upper is not None
        when = f" {wording.window_words(node)}" if seen else "; the log does not show how long that took"
        return f"Its node was registered{when}.{server}"
    if start.outcome in ("failed", "stopped"):
        how = "Failed: the process ended" if start.outcome == "failed" else "Stopped"
        return f"{how}{_when(start)}; its node was never registered.{server}"
    missing = agents_goal(start)
    if start.end.kind != "running":
        known = f"the process ended{_when(start)}; whether {missing} is not in the log"
    else:
        known = f"the log does not show whether {missing}"
    return f"Not known: {known}.{server}"


def agents_goal(start: StartReport) -> str:
    """What a log does not show of an agent. A node that was known before is found before the agent is up."""
    node = next((goal for goal in start.goals if goal.id == "node"), None)
    return "the agent came up" if node is not None and node.state == "reached" else "its node was registered"


def _ready_fragment(start: StartReport) -> str:
    """Of a start whose begin is not in the text: no time to ready, a lower bound of it where there is one."""
    least = start.detected.lower or 0.0
    if start.clock.basis == "elapsed":
        least = max(start.ready.lower or 0.0, least)
        after = f"; the start took at least {wording.at_least(least)}" if least > 1 else ""
        return f"Ready {wording.window_words(start.ready)} after the process was last executed{after}."
    took = f"it took at least {wording.at_least(least)}" if least > 1 else "how long it took is not known"
    latest = start.detected.upper
    seen = "" if latest is None else f" Ready {wording.at_most(latest)} after the first line at the latest."
    return f"It became ready, but its beginning is not in the log: {took}.{seen}"


def _when(start: StartReport) -> str:
    """`` after 3.9 s``: when the process ended, of whose life the text may hold a part only; empty: not known."""
    at_s = start.end.at_s
    if at_s is None:
        return ""
    told = wording.passed(at_s, start.clock.precision_s)
    if start.begin_seen:
        return f" after {told}"
    when = f"{told} after" if at_s >= 1 else "within a second of"
    return f" {when} its first line in the log"


def culprit(start: StartReport) -> tuple[str, str]:
    """What held it back, and how sure that is (empty when nothing can be said)."""
    blamed = start.bottleneck
    count = len(blamed.checks)
    if blamed.certainty == "none" or not count:
        if start.outcome in ("failed", "stopped") or _is_explained(start):
            return "", ""  # the reason above or the cause below says it
        if start.role == "agent":
            return "Nothing of its own: an agent has no checks, it waits for a server.", ""
        return "The log does not show which check was last.", ""
    sentence = blamed.sentence or " or ".join(blamed.checks)
    if count > _NAMED:
        others = "1 other check" if count == _NAMED + 1 else f"one of {count - _NAMED} other checks"
        sentence = f"{', '.join(short_name(name) for name in blamed.checks[:_NAMED])} or {others}"
    if start.ready.upper is None and start.outcome != "ready":
        if start.observer == "wait" and blamed.certainty == "certain":
            return sentence, "certain: still failing at the last look"
        one = "this one was" if count == 1 else f"these {count} were"
        return sentence, f"{blamed.certainty}: {one} failing when last seen{_last_sight(start)}"
    if blamed.certainty == "certain":
        said, _, why = sentence.partition("; ")
        if why:  # a conclusion: what it rests on
            return f"{said}.", f"certain: {why.rstrip('.')}"
        return sentence, "certain: no other check can have been last"
    if count == 1:
        return sentence, "possible: the log does not rule out another one"
    return sentence, f"possible: any of these {count} can have been last, the log does not show which"


def _is_explained(start: StartReport) -> bool:
    """Whether asking for the last check is beside the point: a cause is known, or it ended before it could serve."""
    ended_early = start.end.kind != "running" and not any(m.id == _SERVING for m in start.milestones)
    return ended_early or any(finding.severity == "critical" for finding in start.findings)


def _timed(start: StartReport) -> bool:
    moments = [m.at_s for m in start.milestones] + [p.at_s for p in start.polls] + [start.cut_at_s, start.end.at_s]
    return any(at is not None for at in moments)


def _last_sight(start: StartReport) -> str:
    seen = max((c.failing_until_s or 0.0 for c in start.checks if c.failing_at_last), default=0.0)
    return f", at {wording.at_least(seen)}" if seen > 0 else ""


def about_culprit(start: StartReport) -> list[str]:
    """What the likeliest last check waits for, what makes it slow, and the checks that must pass before it."""
    if not start.bottleneck.checks:
        return []
    check = info(start.bottleneck.checks[0])  # the one that the sentence names first
    if not check.known:
        return []
    needed = [
        f"{short_name(c.name)} (passed {wording.window_words(c.cleared)})"
        for c in start.checks
        if c.name in check.needs
    ]
    return wording.those_that_hold(
        (True, f"{check.short} waits for {check.waits_for}."),
        (check.slow_causes, f"What makes it slow: {'; '.join(check.slow_causes)}."),
        (needed, f"Before it must pass: {', '.join(needed)}."),
    )


def budget(start: StartReport) -> tuple[list[tuple[Phase, str]], Span | None]:
    """The phases with what each waited for, and the whole up to the moment k3s noticed (or as far as they reach)."""
    whole = _whole(wording.until_noticed(start.phases)) if start.phases else None
    if (whole is None or whole.min < _SHOWN_S) and not any(map(_tells, start.phases)):
        return [], None  # a fragment: nothing to tell
    noticer = wording.noticer(start)
    told = [
        (phase, wording.phase_meaning(phase.id, noticer) + ("" if phase.end.upper is not None else " (not seen)"))
        for phase in start.phases
    ]
    return told, whole


def _tells(phase: Phase) -> bool:
    """Whether there is more to say of how long it took than that it may have taken a moment."""
    least, most = phase.duration_s.min, phase.duration_s.max
    return least >= _SHOWN_S or (most is not None and most > _MOMENT_S)


def _whole(phases: Sequence[Phase]) -> Span | None:
    """From the begin of the first to the end of the last; the parts are correlated, so their ranges do not add up."""
    begin, end = phases[0].begin, phases[-1].end
    if begin.lower is None or end.lower is None:
        return None
    least = max(0.0, end.lower - (begin.upper if begin.upper is not None else begin.lower))
    return Span(least, None if end.upper is None else end.upper - begin.lower)


def polls(start: StartReport) -> tuple[str, tuple[ErrorCount, ...]]:
    """One sentence about the polls, and the error classes worth a row each."""
    poller = start.poller
    if poller.prints_polls is False and not start.shows_no_api:
        told = "This release polls without printing anything: when checks cleared is known from other lines only."
        return told, start.errors
    if not start.polls:
        return "The log holds no poll of /readyz.", ()
    if start.observer == "wait":
        if not poller.printed:
            return "The first answer said ready already.", ()
        return f"{wording.plural(poller.printed, 'poll')} answered anything but ready.", start.errors
    every = f" every {poller.interval_s:g} s" if poller.interval_s else ""
    why = " (k3s prints a poll only when its answer changes)" if poller.implied or poller.interval_s else ""
    sentence = f"{wording.plural(poller.printed, 'poll')} printed, {poller.implied} more implied{every}{why}."
    return sentence, start.errors


def stretch(error: ErrorCount) -> str:
    """From the first to the last poll of an error class, for a table cell."""
    if error.first_s is None:
        return "?"
    low, high = (f"{at:.1f}" for at in (error.first_s, error.first_s if error.last_s is None else error.last_s))
    return low if low == high else f"{low}–{high}"


def suspects(start: StartReport) -> list[Check]:
    """The checks that failed or may have been last."""
    return [
        c
        for c in start.checks
        if c.seen_failing or (c.final != "unseen" and (c.last_blocker != "no" or c.final == "failing"))
    ]


def blame(start: StartReport) -> tuple[list[Check], list[str]]:
    """The checks worth a row, the latest to clear first, at most ten of those that failed or may have been last; and
    sentences about the others."""
    shown = sorted(suspects(start), key=_clearing, reverse=True)
    rest = shown[_BLAMED:]
    others = []
    if rest:
        known = [c.saving_s.max for c in rest if c.saving_s is not None and c.saving_s.max is not None]
        worth = f", worth at most {wording.at_most(max(known))} each" if known and len(known) == len(rest) else ""
        others.append(f"{wording.plural(len(rest), 'more check')}{worth} (--format csv --table checks lists all).")
    unseen = sum(c.final == "unseen" for c in start.checks)
    quiet = len(start.checks) - len(shown) - unseen
    others += wording.those_that_hold(
        (quiet, f"{wording.plural(quiet, 'check')} never seen failing."),
        (unseen, f"{wording.plural(unseen, 'check')} not shown in any answer."),
    )
    return shown[:_BLAMED], others


def _clearing(check: Check) -> tuple[float, float, str]:
    lower, upper = check.cleared.lower, check.cleared.upper
    last = math.inf if upper is None or check.final == "failing" else upper
    return last, -math.inf if lower is None else lower, check.name


def cleared(check: Check) -> str:
    """When it passed, for a table cell."""
    return "not cleared" if check.final == "failing" else wording.window_range(check.cleared)


def short_name(name: str) -> str:
    """A check without the prefix that most of them share."""
    return name.removeprefix(HOOK)


def troubles(start: StartReport) -> list[Finding]:
    """Findings that ask for something to be done, the worst first."""
    return [f for f in start.findings if f.severity != "info"]


def _role(finding: Finding) -> str:
    """What stands in the report in its place: see ``role`` in ``findings.toml``."""
    known = finding_info.info(finding.id)
    return known.role if known is not None else ""


def nothing_to_do(start: StartReport, *, alone: bool = False) -> str:
    """What stands in place of advice when there is none; ``alone``: what is good to know does not stand below."""
    verdict = next((f for f in start.findings if _role(f) == "nothing"), None)
    if verdict is not None and verdict.advice:
        return f"{verdict.title}. {verdict.advice}"
    if verdict is not None:
        return f"Nothing. {verdict.title}: {verdict.detail[:1].lower()}{verdict.detail[1:]}"
    open_ = [finding for finding in start.findings if finding.id in ("open_wait", "unknown_alarms")]
    note = next(iter([*open_, *notes(start)]), None)
    look = "Nothing for certain: see what is good to know below, and give more of the log."
    if alone and note is not None:
        look = f"Nothing for certain: give more of the log. Good to know: {note.title[:1].lower()}{note.title[1:]}."
    return wording.first_that_holds(
        (open_, look),
        (start.outcome == "ready" and not start.begin_seen, _NOTHING_HERE),
        (start.outcome == "ready", "Nothing was found that needs it."),
        (start.outcome != "incomplete", "No cause that this program knows is in this log."),
        (start.observer == "wait", "Nothing can be said from outside; the server's own log says more."),
        (start.bottleneck.checks, "Nothing beyond what the checks above wait for; give more of the log."),
        (
            normal(start),
            "Nothing yet: what looks bad in this log is normal. What comes after it decides; give more of it.",
        ),
        (note is not None, look),
        (True, "This much of the log says nothing for certain; give more of it."),
    )


def line_list(lines: Sequence[int]) -> str:
    """`` (lines 3, 17)``, at most five of them, or nothing."""
    if not lines:
        return ""
    shown = ", ".join(str(n) for n in lines[:5])
    return f" (line{'s' if len(lines) > 1 else ''} {shown}{' …' if len(lines) > 5 else ''})"


def advice(start: StartReport) -> list[tuple[str, list[Finding]]]:
    """The sections of findings; in that about what to do there may be none: see ``nothing_to_do``."""
    named = {"Looks bad, but is normal": normal(start), _TO_DO: troubles(start), "Good to know": notes(start)}
    return [(title, found) for title, found in named.items() if found or title == _TO_DO]


def normal(start: StartReport) -> list[Finding]:
    """Findings about lines that only look bad."""
    return _normal_polls(start) + [f for f in start.findings if f.severity == "info" and _role(f) == "normal"]


def notes(start: StartReport) -> list[Finding]:
    """Findings that are good to know and ask for nothing."""
    # A verdict that stands in place of the advice is not told again.
    told = ("normal",) if troubles(start) else ("normal", "nothing")
    return [f for f in start.findings if f.severity == "info" and _role(f) not in told]


def _normal_polls(start: StartReport) -> list[Finding]:
    """Poll lines are red in many terminals, and people report them: say when they are part of a healthy start."""
    transient = bool(start.errors) and all(e.severity == "transient" for e in start.errors)
    if start.outcome != "ready" or not transient or start.poller.prints_polls is False:
        return []
    said = "The poll lines above: k3s asks before the API server can answer, so every start prints some."
    if start.observer == "wait":
        said = "The polls above: before all checks pass, every server answers like that."
    return [Finding("normal_polls", "info", said, "", "")]


def unknowns(report: Report, start: StartReport) -> Iterator[tuple[str, str]]:
    """What the text could not tell about this start, and the command that would (empty: none)."""
    whole = advise("{whole_log}", start.site)
    if start.observer == "wait":
        yield "What happened before the wait, and inside the server: the server's own log tells.", ""
    elif not start.begin_seen:
        yield "How it began: the log starts in the middle. This prints all of it:", whole
    if start.began_at is None:
        yield _no_date(start), ""
    elif start.clock.precision_s >= 1:
        own = _some_finer(start)
        why = " of lines without a finer timestamp of their own" if own else ", because the timestamps are not"
        finer = f"{FINER} than {wording.precision_words(start.clock.precision_s)}{why}."
        yield (f"{finer} This prints finer ones:", whole) if start.begin_seen else (finer, "")
    steps, cut = start.clock.steps, sum(p.cut for p in start.polls)
    failed = f"{'Whether more' if any(c.seen_failing for c in start.checks) else 'Which'} checks failed"
    cut_polls = f"{wording.plural(cut, 'poll line')} {'was' if cut == 1 else 'were'}"
    without_command = wording.those_that_hold(
        (steps, f"The clock was set {wording.plural(steps, 'time')} during this start."),
        (start.clock.year_from == "none" and start.began_at is not None, "The year: the timestamps hold none."),
        (
            start.poller.prints_polls is False and not start.shows_no_api,
            f"{failed} while it waited: this release does not print its polls.",
        ),
        (cut, f"Whether more checks failed: {cut_polls} cut short."),
    )
    yield from ((sentence, "") for sentence in without_command)
    unseen = [c for c in start.checks if c.final == "unseen"]
    if unseen:
        at_end = " at the end" if any(c.seen_failing for c in unseen) else ""
        names = ", ".join(short_name(c.name) for c in unseen[:3]) + (" …" if len(unseen) > 3 else "")
        yield f"The state of {wording.plural(len(unseen), 'check')}{at_end}: {names}", ""
    for gap in start.gaps[:5]:
        when = _silence(start, gap) if gap.kind == "silent" else wording.window_words(Window(gap.begin_s, gap.end_s))
        told = term("gap", gap.kind).meaning
        yield f"{told[:1].upper()}{told[1:]} {when}{f' ({gap.detail})' if gap.detail else ''}.", ""
    if len(start.gaps) > 5:
        yield f"… and {len(start.gaps) - 5} more such gaps.", ""


def _silence(start: StartReport, gap: Gap) -> str:
    """Between which moments no line stands: rounded inwards, because lines stand at its ends.

    The line before it may have been written as late as its timestamp allows.
    """
    coarse = start.clock.precision_s
    late = coarse if coarse >= 0.01 and math.isclose(gap.begin_s, round(gap.begin_s / coarse) * coarse) else 0.0
    return f"between {up(gap.begin_s + late)} and {down(gap.end_s)} s"


def ledger(report: Report) -> list[str]:
    """What became of the lines that were read."""
    counts = report.ledger
    told = ((counts.malformed, "malformed"), (counts.lossy, "damaged"), (counts.truncated, "cut short"))
    parts = [f"{counts.used} used", f"{counts.ignored} of no interest here"]
    parts += [f"{number} {name}" for number, name in told if number]
    lines = [f"{wording.plural(counts.lines, 'line')} read: {', '.join(parts)}."]
    if counts.reasons:
        lines.append("Noted: " + ", ".join(f"{why} ({n})" for why, n in sorted(counts.reasons.items())) + ".")
    for source, note in report.notes:
        several = len(report.sources) > 1
        lines.append(f"{report.sources[source].path}: {note}." if several else f"{note[:1].upper()}{note[1:]}.")
    return lines


def groups(starts: Sequence[StartReport]) -> list[tuple[str, str, str, str]]:
    """One row for each host and unit, in the order they appear: where, how many, ready within, outcomes in order."""
    by_place: dict[tuple[str, str], list[StartReport]] = {}
    for start in starts:
        by_place.setdefault((start.host or "?", start.unit or "?"), []).append(start)
    rows = []
    for (host, unit), members in by_place.items():
        done = [since_begin(s, s.ready) for s in members if _measured(s)]
        within = "?" if any(s.outcome == "ready" for s in members) else ""
        if done:
            within = wording.number_range(min(r.lower or 0.0 for r in done), max(r.upper or 0.0 for r in done))
        where = host if unit == "?" else unit if host == "?" else f"{unit} on {host}"
        rows.append((where, str(len(members)), within, pattern(members)))
    return rows


def _measured(start: StartReport) -> bool:
    """Whether the text says how long it took from its begin until it was ready."""
    return start.outcome == "ready" and start.ready.upper is not None and start.begin_seen


def outcome_counts(starts: Sequence[StartReport]) -> list[tuple[str, str, int]]:
    """Sign, outcome and how many starts ended so; only outcomes that occur."""
    counts = Counter[str](start.outcome for start in starts)
    return [(about.sign, name, counts[name]) for name, about in terms("outcome").items() if counts[name]]


def outcomes(starts: Sequence[StartReport]) -> str:
    """``13 failed, 1 ready``."""
    return ", ".join(f"{count} {name}" for _, name, count in outcome_counts(starts))


def pattern(starts: Sequence[StartReport], limit: int = 7) -> str:
    """Outcomes over time as runs: ``failed ×13, ready``; the middle is left out when there are many runs."""
    runs = [(outcome, len(list(run))) for outcome, run in groupby(start.outcome for start in starts)]
    told = [outcome if n == 1 else f"{outcome} ×{n}" for outcome, n in runs]
    if len(told) > limit:
        head, tail = limit // 2, limit - limit // 2 - 1
        told = [*told[:head], f"… {len(told) - head - tail} more changes …", *told[-tail:]]
    return ", ".join(told)


def loop(starts: Sequence[StartReport]) -> list[str]:
    """Sentences about failures that repeat: how often, how far apart, whether for the same reason."""
    failed = [s for s in starts if s.outcome == "failed"]
    if len(failed) < 2:
        return []
    facts = failed_starts(failed)
    spacing = f", {facts.spacing}" if facts.spacing else ""
    lines = [f"{facts.count} starts failed{spacing}{_middle_life(failed, facts.middle_life_s)}."]
    reasons = [(why or "no reason in the log", number) for why, number in facts.reasons]
    if len(reasons) == 1:
        return [*lines, f"Always for the same reason: {reasons[0][0]}"]
    lines += [f"{number} × {why}" for why, number in reasons[:3]]
    if len(reasons) > 3:
        lines.append(f"… and {len(reasons) - 3} other reasons.")
    return lines


def _middle_life(failed: Sequence[StartReport], seconds: float | None) -> str:
    if seconds is None:
        return ""
    precision_s = max(start.clock.precision_s for start in failed)
    return f"; half of them ended within {wording.passed(seconds, precision_s)}"


def slowest(starts: Sequence[StartReport]) -> list[str]:
    """The slowest start in one sentence; none where fewer than two became ready."""
    done = [s for s in starts if _measured(s)]
    if len(done) < 2:
        return []
    worst = max(done, key=lambda s: s.ready.upper or 0.0)
    return [
        f"Slowest: start {worst.index}, ready {wording.window_words(worst.ready)} (--start {worst.index} shows it)."
    ]
