"""The answer block: what everyone reads first, the same words in the terminal, on the page and in a notebook.

Plain data, made of the finished report: verdict, why, what to do, how sure, where the time went, what is normal, what
the log cannot tell. Texts may hold words of the log: whoever shows them must escape them for the medium.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from analyzer.analysis.clusters import clusters_of
from analyzer.analysis.episodes import episodes, goal_of, leading, neediest
from analyzer.analysis.late_goals import late_goals
from analyzer.analysis.since_begin import since_begin
from analyzer.analysis.usual import is_late, is_slow, is_usual
from analyzer.events.exit_codes import are_exit_words
from analyzer.events.finding_info import info as known_finding, problems
from analyzer.events.link_rules import longest_usual_s
from analyzer.events.products import advise
from analyzer.events.readyz import abridge
from analyzer.events.terms import phase_in_words, terms
from analyzer.reports import chain, goal_words, narrative, wording
from analyzer.reports.cluster_answer import apart, cluster_answers
from analyzer.reports.goal_words import later_words
from analyzer.reports.selection import select_starts
from analyzer.results import Cluster, Episode, Finding, Gap, Phase, Report, StartReport, Usual
from analyzer.window import SourceIndex, Span

_NAMED = 3  # checks by name


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the bar: a phase in words, its length, and its place among the longest (0, 1, or ``None``)."""

    label: str
    length: Span
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One start or episode in a few sentences.

    ``mark`` is ``ok`` only where the start certainly took its usual time, ``ready`` where nobody knows what is usual or
    how long it took; ``bar`` is empty where no time is known.
    """

    mark: str  # ok | ready | slow | failed | stopped | unknown
    verdict: str
    why: str = ""
    quotes: tuple[str, ...] = ()  # its last words: the whole message, then its inner parts, ever shorter
    more: str = ""  # what is good to know of the cause where there is room
    lines: tuple[int, ...] = ()  # behind ``why``, of ``source``
    source: SourceIndex = 0
    do: str = ""
    also: str = ""
    sure: str = ""
    bar: tuple[Part, ...] = ()
    time: str = ""
    normal: str = ""
    not_known: str = ""  # what the log cannot tell, with the command that would
    not_known_more: str = ""  # that there is more of it
    who: str = ""
    start: int = 1  # index of the start that is shown


def answer(report: Report, choice: str | None = None, *, utc: bool = False, goal: str | None = None) -> Answer:
    """The answer on one start or, by default, on the cluster or the episode that needs someone.

    ``choice`` is as in ``select_starts``; raises ``UsageError`` for a start that does not exist. ``goal``: one that is
    told first, whatever the outcome speaks of.
    """
    if choice is not None:
        return of_start(report, select_starts(report.starts, choice)[-1], utc=utc, goal=goal)
    if together := clusters_of(report):
        return _of_cluster(report, together, utc=utc)
    found = episodes(report.starts)
    needed = neediest(found, report.starts)
    if needed is None:
        return Answer("unknown", "The log holds no start.")
    shown = of_episode(report, needed, utc=utc, goal=goal)
    if len(found) == 1 or needed.tries > 1:
        return shown
    where = f"Start {shown.start}" + (f" on {needed.host}" if needed.host else "")
    told = shown.verdict.removeprefix("Failed: ")
    joined = f"{where} failed: {told}" if told != shown.verdict else f"{where}: {_lowered(told)}"
    return replace(shown, verdict=joined)


def _host_of(start: StartReport | None) -> str:
    return f"{start.host}, " if start is not None and start.host else ""


def _lowered(sentence: str) -> str:
    """A sentence behind a colon."""
    return f"{sentence[:1].lower()}{sentence[1:]}" if sentence[1:2].islower() else sentence


def _of_cluster(report: Report, together: Sequence[Cluster], *, utc: bool) -> Answer:
    """The answer on the cluster that needs someone first, with the time of the start that held the others up."""
    needs_first = list(terms("mark"))
    told = min(cluster_answers(report, together), key=lambda one: needs_first.index(one.mark))
    shown = told.start
    if shown is None and (needed := neediest(episodes(report.starts), report.starts)) is not None:
        shown = needed.starts[-1]
    start = next((start for start in report.starts if start.index == shown), None)
    own = of_start(report, start, utc=utc) if start is not None else Answer("unknown", "")
    own_words = _lowered(own.verdict)
    named = f" Slowest: {start.host}; {own_words}" if start is not None and told.mark == "ok" and start.host else ""
    return replace(
        own,
        mark=told.mark,
        verdict=told.verdict + named,
        why=" ".join(told.story[:1]) or own.why,
        quotes=() if told.story else own.quotes,
        more=" ".join(told.story[1:]),
        lines=told.lines if told.story else own.lines,
        source=told.source if told.story else own.source,
        do=" ".join(told.do),
        also=" ".join(filter(None, (told.clocks, apart(report, together)))),
        sure=told.sure or own.sure,
        time=own.time and f"{_host_of(start)}start {shown}, {_lowered(own.time)}",
    )


def of_episode(report: Report, episode: Episode, *, utc: bool = False, goal: str | None = None) -> Answer:
    """The answer on an episode: of one try that of its start."""
    tries = [start for start in report.starts if start.index in episode.starts]
    last = tries[-1]
    if len(tries) == 1 or goal is not None:
        return of_start(report, last, utc=utc, goal=goal)
    caused = _costliest(tries, episode) or last
    own, shown = of_start(report, caused, utc=utc), of_start(report, last, utc=utc)
    mark = {"ready": "slow", "failed": "failed", "stopped": "stopped"}.get(episode.outcome, "unknown")
    return replace(
        own,
        mark=mark,
        verdict=_of_tries(episode, tries),
        also=" ".join((*_changed(tries), *_then_waited(last, caused))) or own.also,
        bar=shown.bar,
        time=shown.time and f"{shown.time} (last try)",
        normal=shown.normal,
        not_known=shown.not_known,
        not_known_more=shown.not_known_more,
    )


def of_start(report: Report, start: StartReport, *, utc: bool = False, goal: str | None = None) -> Answer:
    """The answer on one start."""
    finding = leading(start.findings)
    mark, verdict = _verdict(start)
    if goal is not None:
        verdict = f"{goal_words.verdict(start, goal)} {verdict}"
    bar, time = _time(start)
    why, quotes, more = _why(start, finding)
    not_known, not_known_more = _not_known(report, start)
    return Answer(
        mark=mark,
        verdict=verdict,
        why=why,
        quotes=quotes,
        more=more,
        lines=finding.lines if finding is not None else (),
        source=finding.source if finding is not None else start.source,
        do=_do(start, finding),
        also=_also(start, finding),
        sure=_sure(start, finding),
        bar=bar,
        time=time,
        normal=_normal(start),
        not_known=not_known,
        not_known_more=not_known_more,
        who=_who(start, utc),
        start=start.index,
    )


# --- the verdict


def _verdict(start: StartReport) -> tuple[str, str]:
    """The mark and one or two sentences: how it went, and when its goal was reached."""
    done = next((finding for finding in start.findings if finding.id == "cluster_reset"), None)
    if done is not None:
        return "ok", f"{done.title}."
    if start.outcome != "ready":
        marks = {"failed": "failed", "stopped": "stopped"}
        return marks.get(start.outcome, "failed" if start.end.kind == "failed" else "unknown"), _not_ready(start)
    ready = f"{_ready(start)}{_later(start)}."
    if start.end.kind == "failed":
        return (
            "failed",
            f"{wording.program(start)} ended by itself{_ended(start)}. Before that: {ready[0].lower()}{ready[1:]}",
        )
    trouble = [finding for finding in start.findings if finding.severity != "info"]
    mark = "slow" if trouble or is_late(start) or _later(start) else "ok" if is_usual(start) else "ready"
    return mark, f"{ready}{_slow(start)}" if mark == "slow" else ready


def _slow(start: StartReport) -> str:
    """What is usual, where it certainly took longer than three of four starts of its kind."""
    return f" Slow: {usual_words(start.usual)}." if start.usual is not None and is_slow(start) else ""


def usual_words(usual: Usual) -> str:
    """``usually 4 to 8 s on SQLite with a whole core (112 recorded starts)``."""
    return f"usually {usual.from_s:.0f} to {usual.to_s:.0f} s {usual.kind} ({usual.starts} recorded starts)"


def _ready(start: StartReport) -> str:
    """``The API server was ready after 10.2 to 12.3 s``."""
    goal = goal_of(start)
    what = "The node was registered" if goal.id == "node" else "The API server was ready"
    if start.product == "unknown" and start.observer == "wait":
        what = "The server was ready"
    if goal.window.upper is None:
        return f"{what}; the log does not show when"
    if start.observer != "k3s":
        later = wording.later_words(start.polling_tax_s)
        return f"{what} {wording.after_words(goal.window)}" + (
            f"; {wording.noticer(start)} noticed it{later}" if later else ""
        )
    if start.begin_seen:
        return f"{what} {wording.after_words(since_begin(start, goal.window))}"
    if start.clock.basis == "elapsed":
        return f"{what} {wording.window_words(goal.window)} after the process was last executed"
    least = goal.window.lower or 0.0
    if least <= 1:
        return f"{what}; the log begins too late to show how long that took"
    return f"{what} at least {wording.at_least(least)} after the log begins"


def _later(start: StartReport) -> str:
    """The goals that came much later than the one the outcome speaks of."""
    told = [later_words(start, goal) for goal in late_goals(start)]
    return f", but {' and '.join(told[-2:])}" if told else ""


def _not_ready(start: StartReport) -> str:
    goal = narrative.agents_goal(start) if start.role == "agent" else "the API server was ready"
    name = wording.program(start)
    unseen = goal_words.perhaps_ready(start)
    if start.outcome == "failed":
        before = "it saw the API server ready" if unseen else goal
        return f"Failed: {name} ended{_ended(start)} before {before}."
    if start.outcome == "stopped":
        before = f"{name} saw the API server ready" if unseen else goal
        return f"Stopped on request{_ended(start)} before {before}."
    if start.end.kind == "failed":
        return f"{name} ended by itself{_ended(start)}. The log does not show whether {goal} before."
    if start.end.kind == "stopped":
        return f"Stopped on request{_ended(start)}. The log does not show whether {goal} before."
    if start.observer == "wait":
        return f"Not seen ready when this wait ended{_so_far(start)}."
    known = goal_of(start).window.lower
    if known is not None and known >= 1 and goal_of(start).state != "reached":
        if start.cut_at_s is not None and known >= start.cut_at_s:  # it could not have come before the log ends
            return f"Not known: the log ends{_so_far(start)}, before {goal}."
        not_yet = goal.replace("was ", "was not yet ")
        return f"Not known: the log ends{_so_far(start)}. At {wording.at_least(known)} {not_yet}."
    return f"Not known: the log ends{_so_far(start)} and does not show that {goal}."


def _ended(start: StartReport) -> str:
    at_s = start.end.at_s
    if at_s is None:
        return ""
    if start.begin_seen:
        return f" after {_passed(start, at_s)}" if at_s >= 0.05 else " at once"
    return f" {_passed(start, at_s)} after the log begins" if at_s >= 1 else ""


def _so_far(start: StartReport) -> str:
    return "" if start.cut_at_s is None else f" after {_passed(start, start.cut_at_s)}"


def _passed(start: StartReport, at_s: float) -> str:
    return wording.passed(at_s, start.clock.precision_s)


def _of_tries(episode: Episode, tries: Sequence[StartReport]) -> str:
    """The verdict on several tries."""
    failed = sum(start.outcome == "failed" for start in tries)
    ended = sum(start.outcome == "ready" and start.end.kind == "failed" for start in tries)
    unsure = sum(start.outcome == "incomplete" and start.end.kind == "failed" for start in tries)
    took = "" if episode.took_s is None else wording.rounded_words(episode.took_s)
    counts = wording.those_that_hold(
        (failed, f"{wording.plural(failed, 'try', 'tries')} failed"),
        (ended, f"{ended} {'was' if ended == 1 else 'were'} ready and then ended"),
        (unsure, f"{wording.plural(unsure, 'try', 'tries')} ended with an error"),
    )
    counted = " and ".join(counts) or "the log does not show how the others ended"
    name = wording.program(tries[-1]) + (f" on {episode.host}" if episode.host else "")
    if episode.outcome == "ready":
        when = f", {took} after the first began" if took else ""
        return f"{name} came up on try {episode.tries}{when}: {counted}."
    within = f" within {took}" if took else ""
    if episode.outcome == "failed":
        told = f"of {episode.tries} tries {counted}"
        if failed and not (ended or unsure):
            told = f"{_all_of(failed, episode.tries)} failed"
        elif ended == episode.tries:
            told = f"{_all_of(ended, episode.tries)} were ready and then ended"
        return f"{name} did not stay up: {told}{within}."
    if episode.outcome == "stopped":
        return f"{name} was stopped on request in try {episode.tries}: {counted} before{within}."
    after_ = f" after {took}" if took else ""
    return f"{name} was not yet up{after_}, where the log ends: {counted}, try {episode.tries} is still running."


def _all_of(some: int, every: int) -> str:
    if some < every:
        return f"{some} of {every} tries"
    return "both tries" if every == 2 else f"all {every} tries"


def _costliest(tries: Sequence[StartReport], episode: Episode) -> StartReport | None:
    cause = episode.cause
    return next((start for start in tries if cause is not None and start.index == cause.start), None)


def _changed(tries: Sequence[StartReport]) -> Iterator[str]:
    """What differed between the tries."""
    failed = [start for start in tries if start.outcome == "failed" or start.end.kind == "failed"]
    versions = list(dict.fromkeys(start.version for start in tries if start.version))
    if len(versions) > 1:
        yield f"The release changed: {' → '.join(versions[:3])}."
    kinds = [finding.title for start in failed if (finding := leading(start.findings)) is not None]
    different = list(dict.fromkeys(kinds))
    if len(different) > 1:
        yield f"Not all tries failed alike: {'; '.join(different[:3])}."
    elif len(kinds) == len(failed) > 1:
        which = " failed tries" if all(start.outcome == "failed" for start in failed) else ""
        yield f"{'Both' if len(failed) == 2 else f'All {len(failed)}'}{which} ended like this."


def _then_waited(last: StartReport, caused: StartReport) -> Iterator[str]:
    """A long wait of the last try for another machine, which the cause of an earlier one does not explain."""
    waits = [phase.duration_s for phase in last.phases if phase.id == "server"]
    if last is not caused and waits and waits[0].min > longest_usual_s("server"):
        yield f"The last try then waited {wording.span_words(waits[0])} for its server."


# --- why and what to do


def _why(start: StartReport, finding: Finding | None) -> tuple[str, tuple[str, ...], str]:
    """The cause in a sentence, what k3s said at its end, and more about the cause."""
    reason = (start.outcome_reason or start.end.reason) if start.end.kind == "failed" else None
    if finding is None:
        if reason and start.end.kind == "failed":
            return f"{wording.program(start)} ended.", tuple(_shorter(reason)), ""
        return _held_back(start), (), ""
    title = f"{finding.title}."
    waited = " ".join(_chain(start)) if start.outcome != "ready" and start.bottleneck.checks else ""
    if not reason or reason in finding.title:
        return title, (), " ".join(filter(None, ("" if reason else finding.detail, waited)))
    _, echoed, rest = finding.detail.partition(abridge(reason))
    more = rest.lstrip(". ") if echoed else finding.detail
    return title, tuple(_shorter(reason)), " ".join(filter(None, (more, waited)))


def _chain(start: StartReport) -> tuple[str, ...]:
    """The chain of blame, on the scale of the verdict: from the begin, where that is in the text."""
    return chain.sentences(start, lengths=start.begin_seen)


_ENDS = frozenset(("process_failed", "failed_step"))


def _held_back(start: StartReport) -> str:
    """What a start without a finding waited for, and which checks passed meanwhile."""
    held = "" if not start.bottleneck.checks else f"Held back by: {narrative.culprit(start)[0].rstrip('.')}."
    told = " ".join(_chain(start)) or held
    passed = [c for c in start.checks if c.seen_failing and c.final == "ok"]
    if start.outcome == "ready" or not passed:
        return told
    names = ", ".join(narrative.short_name(c.name) for c in passed[:_NAMED])
    return f"{told} Passed before: {names}{' …' if len(passed) > _NAMED else ''}.".strip()


# Values that Go prints behind what it has to say: a struct on the same line, or the lines of one, or of two compared.
_DUMP = re.compile(
    r"(?:[:,;]? ?\w{0,40}: ?)?&[\w.]{1,100}\{.*\Z|:\s{0,20}\n\s{0,20}(?:@@ |[-+]? ?\s{0,20}[&{\"\w.]{1,100}[{:]).*\Z",
    re.DOTALL,
)


def _shorter(message: str) -> Iterator[str]:
    """A message of the log, then without its outer parts, which say least."""
    said = "systemd reports" if are_exit_words(message) else "Last error"
    parts = " ".join(_DUMP.sub("", abridge(message)).split()).rstrip(".:, ").split(": ")
    for outer in range(len(parts)):
        yield f"{said}: {'… ' if outer else ''}{': '.join(parts[outer:])}."


def _do(start: StartReport, finding: Finding | None) -> str:
    if finding is not None and finding.advice:
        return f"{_rest_of_it(start)}{finding.advice}" if finding.severity != "critical" else finding.advice
    other = next((f.advice for f in start.findings if f.severity != "info" and f.advice), "")
    done = next((f.advice for f in start.findings if f.id == "cluster_reset"), "")
    if done:
        return done
    if other or not any(f.id == "healthy" for f in start.findings):
        return other or narrative.nothing_to_do(start, alone=True)
    return "Nothing: this start looks healthy."


def _rest_of_it(start: StartReport) -> str:
    """First of all the rest of a log that ends while a server starts without a fault."""
    if start.outcome != "incomplete" or start.end.kind != "running" or start.observer != "k3s":
        return ""
    return f"Get the rest of the log ({advise('{whole_log}', start.site)}). Then: "


def _also(start: StartReport, finding: Finding | None) -> str:
    """The other findings that ask for something."""
    others = [f for f in start.findings if f.severity != "info" and f is not finding]
    told = [f"{f.title}{narrative.line_list(f.lines[:1])}: {f.detail}" if len(others) == 1 else f.title for f in others]
    given_up = any(_GIVEN_UP in f.detail for f in start.findings)
    return " ".join(filter(None, ("systemd does not try it again (start limit)." if given_up else "", "; ".join(told))))


_GIVEN_UP = "does not try it again"


def _sure(start: StartReport, finding: Finding | None) -> str:
    if finding is None:
        what, sure = narrative.culprit(start)
        return wording.capital(sure) + "." if what and sure else ""
    general = known_finding(finding.id)
    if finding.id == "process_failed" and general is not None and finding.title == general.title:
        return "That it ended is certain; k3slog finds no reason in the log."
    if finding.id == "killed":
        return "That it was killed is certain; why is not in the log."
    said = finding.id in problems() or finding.id in _ENDS
    return "Certain: the log says so itself." if said else "Likely: inferred from the lines named under Why."


# --- the time

_MOMENT_S, _SHARE, _MANY = 2.0, 0.03, 3


def _undivided(phases: Sequence[Phase], longest: Phase) -> bool:
    """Whether nearly all of the time may belong to any of several phases."""
    several = phase_in_words(longest.id).count(" or ") >= _MANY
    return several and longest.duration_s.middle > 0.9 * sum(phase.duration_s.middle for phase in phases)


def _time(start: StartReport) -> tuple[tuple[Part, ...], str]:
    """The bar and the sentence that names its two longest parts."""
    rows, whole = narrative.budget(start)
    phases = [phase for phase, _ in rows if phase.id != "boot"]  # before the start, with a sentence of its own
    if not phases or whole is None:
        return (), ""
    longest = sorted(phases, key=lambda p: -p.duration_s.middle)[:2]
    if start.outcome != "ready" and (whole.middle < _MOMENT_S or _undivided(phases, longest[0])):
        return (), ""  # it ended at once, or no line divides its time
    if longest[-1].duration_s.middle < _SHARE * longest[0].duration_s.middle:
        longest.pop()
    parts = tuple(Part(phase_in_words(p.id), p.duration_s, longest.index(p) if p in longest else None) for p in phases)
    named = ", then ".join(
        f"{phase_in_words(p.id)} {wording.span_words(p.duration_s)}" for p in longest if p.duration_s.middle > 0
    )
    told = [f"Longest: {named}."] if named else []
    return parts, " ".join([*told, goal_words.boot(start)]).strip()


# --- the rest


def _normal(start: StartReport) -> str:
    polls = start.poller.printed if any(f.id == "normal_polls" for f in narrative.normal(start)) else 0
    noise = next((f.detail for f in narrative.normal(start) if f.id == "noise_explained"), "")
    noise = noise if _COUNTED.match(noise.split(" that ", 1)[0]) else ""
    told = [wording.plural(polls, "poll line")] if polls else []
    told += [_COUNTED.sub(r"\1 other \2" if polls else r"\1 \2", noise.split(" that ", 1)[0])] if noise else []
    if not told:
        return ""
    one = told in (["1 poll line"], ["1 line"])
    return f"{' and '.join(told)} {'looks' if one else 'look'} alarming; every start prints {'it' if one else 'them'}."


_COUNTED = re.compile(r"^(\d+) (lines?)$")


_SILENT = "No line at all "


def _not_known(report: Report, start: StartReport) -> tuple[str, str]:
    """The first thing that the log cannot tell, and how many more there are."""
    asked = replace(start, gaps=tuple(gap for gap in start.gaps if not _is_later(start, gap)))
    told = sorted(narrative.unknowns(report, asked), key=lambda one: one[0].startswith(narrative.FINER))
    if any(finding.id == "frozen_gap" and finding.severity != "info" for finding in start.findings):
        told = [one for one in told if not one[0].startswith(_SILENT)]  # a finding tells of it
    if start.end.kind == "failed":  # how long each part took is not the question then
        told = [one for one in told if not one[0].startswith(narrative.FINER)]
    if not told:
        return "", ""
    more = f"{len(told) - 1} more with --full." if len(told) > 1 else ""
    return " ".join(told[0]).rstrip(), more


def _is_later(start: StartReport, gap: Gap) -> bool:
    """Whether it is a silence of a server that was up by then: it hides nothing of how the start went."""
    if gap.kind != "silent" or start.outcome != "ready" or start.end.kind == "failed":
        return False
    ends = [goal.window.upper for goal in start.goals if goal.state == "reached"] + [start.ready.upper]
    return gap.begin_s >= max((end for end in ends if end is not None), default=math.inf)


def _who(start: StartReport, utc: bool) -> str:
    first, second = narrative.title(start, utc=utc)
    if start.began_at is None:
        when = f", first line {start.began_local}" if start.began_local else ""
        return f"{first}{when}. {second.partition(': seconds')[0].partition('; ')[0]}."
    began = wording.clock_time(start.began_at, start.clock.precision_s, utc=utc)
    what = "wait began" if start.observer != "k3s" else "began" if start.begin_seen else "first line"
    return f"{first}, {what} {began} ({wording.offset(start.began_at, utc=utc)})"
