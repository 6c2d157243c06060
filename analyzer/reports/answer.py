"""The answer block: what everyone reads first, the same words in the terminal, on the page and in a notebook.

Plain data, made of the finished report: verdict, why, what to do, how sure, where the time went, what is normal, what
the log cannot tell. Texts may hold words of the log: whoever shows them must escape them for the medium.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analyzer.analysis.episodes import episodes, goal_of, leading, lost_s, neediest
from analyzer.analysis.late_goals import late_goals
from analyzer.events.finding_info import problems
from analyzer.events.measured import READY, spread
from analyzer.events.readyz import abridge
from analyzer.events.terms import phase_in_words
from analyzer.reports import narrative, wording
from analyzer.reports.goal_words import later_words
from analyzer.reports.selection import select_starts
from analyzer.results import Episode, Finding, Report, StartReport
from analyzer.window import Span, Window

_QUOTED = 220  # characters of a message of the log that are shown
_SLOW_SHARE = 90  # of 100 measured starts that were ready sooner


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the bar: a phase in words, its length, and its place among the longest (0, 1, or ``None``)."""

    label: str
    length: Span
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One start or episode in a few sentences.

    ``mark`` is ``ok`` only where the start took its usual time; ``bar`` is empty where no time is known.
    """

    mark: str  # ok | slow | failed | stopped | unknown
    verdict: str
    why: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()  # behind ``why``
    do: tuple[str, ...] = ()
    sure: str = ""
    bar: tuple[Part, ...] = ()
    time: str = ""
    normal: str = ""
    not_known: str = ""
    who: str = ""
    start: int = 1  # index of the start that is shown


def answer(report: Report, choice: str | None = None, *, utc: bool = False) -> Answer:
    """The answer to one start or, by default, on the episode that needs someone.

    ``choice`` is as in ``select_starts``; raises ``UsageError`` for a start that does not exist.
    """
    if choice is not None:
        return of_start(report, select_starts(report.starts, choice)[-1], utc=utc)
    found = episodes(report.starts)
    needed = neediest(found, report.starts)
    if needed is None:
        return Answer("unknown", "The log holds no start.")
    return of_episode(report, needed, utc=utc)


def of_episode(report: Report, episode: Episode, *, utc: bool = False) -> Answer:
    """The answer on an episode: of one try that of its start."""
    tries = [start for start in report.starts if start.index in episode.starts]
    last = tries[-1]
    if len(tries) == 1:
        return of_start(report, last, utc=utc)
    caused = _costliest(tries, episode) or last
    own = of_start(report, caused, utc=utc)
    shown = of_start(report, last, utc=utc)
    mark = {"ready": "slow", "failed": "failed", "stopped": "stopped"}.get(episode.outcome, "unknown")
    return Answer(
        mark=mark,
        verdict=_of_tries(episode, tries),
        why=own.why + tuple(_changed(tries)),
        lines=own.lines,
        do=own.do,
        sure=own.sure,
        bar=shown.bar,
        time=shown.time and f"The last try: {shown.time}",
        normal=shown.normal,
        not_known=shown.not_known,
        who=own.who,
        start=caused.index,
    )


def of_start(report: Report, start: StartReport, *, utc: bool = False) -> Answer:
    """The answer on one start."""
    finding = leading(start.findings)
    mark, verdict = _verdict(start)
    bar, time = _time(start)
    return Answer(
        mark=mark,
        verdict=verdict,
        why=tuple(_why(start, finding)),
        lines=finding.lines if finding is not None else (),
        do=tuple(_do(start, finding)),
        sure=_sure(start, finding),
        bar=bar,
        time=time,
        normal=_normal(start),
        not_known=_not_known(report, start),
        who=_who(start, utc),
        start=start.index,
    )


# --- the verdict


def _verdict(start: StartReport) -> tuple[str, str]:
    """The mark and one or two sentences: how it went, and when its goal was reached."""
    if start.outcome != "ready":
        marks = {"failed": "failed", "stopped": "stopped"}
        return marks.get(start.outcome, "failed" if start.end.kind == "failed" else "unknown"), _not_ready(start)
    usual = _usual(start)
    later = _later(start)
    told = f"{_ready(start)}{later}." + (f" {usual}" if usual else "")
    ended = start.end.kind == "failed"
    if ended:
        told += f" Later k3s ended by itself{_ended(start)}."
    trouble = any(finding.severity == "critical" for finding in start.findings)
    return ("failed" if ended or trouble else "slow" if usual or later else "ok"), told


def _ready(start: StartReport) -> str:
    """``The API server was ready after 10.2 to 12.3 s``."""
    goal = goal_of(start)
    what = "The node was registered" if goal.id == "node" else "The API server was ready"
    if start.product == "unknown" and start.observer == "wait":
        what = "The server was ready"
    if goal.window.upper is None:
        return f"{what}; the log does not show when"
    if not start.begin_seen and start.observer == "k3s" and start.clock.basis != "elapsed":
        least = goal.window.lower or 0.0
        took = f"at least {wording.at_least(least)} after the log begins" if least > 1 else "the log does not show how long that took"
        return f"{what}: {took}" if least <= 1 else f"{what} {took}"
    return f"{what} {after(goal.window)}"


def after(window: Window) -> str:
    """A window of a goal for a sentence: ``after 10.2 to 12.3 s``, ``within 14 s``."""
    low, high = window.lower, window.upper
    if high is None:
        return "at an unknown moment" if low is None else f"after more than {wording.at_least(low)}"
    if low is None or low < 0.05:
        return f"within {wording.at_most(high)}"
    return f"after {wording.length_words(low, high)}"


def _later(start: StartReport) -> str:
    """The goals that came much later than the one the outcome speaks of."""
    told = [later_words(start, goal) for goal in late_goals(start)]
    return f", but {' and '.join(told[-2:])}" if told else ""


def _usual(start: StartReport) -> str:
    """That it took longer than starts usually do, and on what that rests; empty where it did not, or nobody knows."""
    measured = spread(READY)
    known = start.product == "k3s" and start.role == "server" and start.begin_seen
    low = start.ready.lower
    if measured is None or not known or low is None or low <= measured.below(_SLOW_SHARE):
        return ""
    return f"Slow: usually {measured.below(25):.0f} to {measured.below(75):.0f} s ({measured.starts} measured starts)."


def _not_ready(start: StartReport) -> str:
    agent = start.role == "agent"
    goal = "its node was registered" if agent else "the API server was ready"
    known = goal_of(start).window.lower
    if start.outcome == "failed":
        return f"Failed: k3s ended{_ended(start)}, before {goal}." if start.product != "rke2" else (
            f"Failed: RKE2 ended{_ended(start)}, before {goal}."
        )
    if start.outcome == "stopped":
        return f"Stopped on request{_ended(start)}, before {goal}."
    name = "RKE2" if start.product == "rke2" else "k3s"
    if start.end.kind == "failed":
        return f"{name} ended by itself{_ended(start)}. The log does not show whether {goal}."
    if start.observer == "wait":
        return f"Not ready when this wait ended{_so_far(start)}."
    still = f" It was not ready at {wording.at_least(known)}." if known is not None and known >= 1 else ""
    return f"Not known: the log ends{_so_far(start)} and does not show that {goal}.{still}"


def _ended(start: StartReport) -> str:
    at_s = start.end.at_s
    if at_s is None:
        return ""
    if start.begin_seen:
        return f" after {wording.about(at_s)}"
    return f" {wording.about(at_s)} after the log begins" if at_s >= 1 else ""


def _so_far(start: StartReport) -> str:
    return "" if start.cut_at_s is None else f" after {wording.about(start.cut_at_s)}"


def _of_tries(episode: Episode, tries: Sequence[StartReport]) -> str:
    """The verdict on several tries."""
    last = tries[-1]
    failed = sum(start.outcome == "failed" or start.end.kind == "failed" for start in tries)
    took = "" if episode.took_s is None else wording.span_words(episode.took_s)
    before = f"{wording.plural(failed, 'try', 'tries')} failed"
    where = wording.place(last)
    at = f" on {last.host}" if last.host else ""
    if episode.outcome == "ready":
        when = f", {wording.long_words(episode.took_s)} after the first began" if took else ""
        return f"Came up{at} on try {episode.tries}{when}; {before}."
    if episode.outcome == "failed":
        within = f" in {wording.long_words(episode.took_s)}" if took else ""
        return f"Did not stay up{at}: {wording.plural(episode.tries, 'try', 'tries')}{within}, {failed} failed." if where else (
            f"Did not stay up: {wording.plural(episode.tries, 'try', 'tries')}{within}, {failed} failed."
        )
    if episode.outcome == "stopped":
        return f"Stopped on request on try {episode.tries}{at}; {before} before."
    within = f" and {wording.long_words(episode.took_s)}" if took else ""
    return f"Not up{at} after {wording.plural(episode.tries, 'try', 'tries')}{within}, where the log ends; {before}."


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
    several = list(dict.fromkeys(kinds))
    if len(several) > 1:
        others = "; ".join(several[:3])
        yield f"Not all tries failed alike: {others}."
    elif len(kinds) == len(failed) and len(failed) > 1:
        yield f"All {len(failed)} failed tries ended like this."


# --- why and what to do


def _why(start: StartReport, finding: Finding | None) -> Iterator[str]:
    reason = start.outcome_reason or (start.end.reason if start.end.kind == "failed" else None)
    if finding is not None:
        yield f"{finding.title}."
        quoted = reason if reason and start.end.kind == "failed" else None
        if quoted and not _says(finding, quoted):
            yield f"Last words: {_short(quoted)}"
        elif finding.detail:
            yield finding.detail
        return
    if reason and start.outcome in ("failed", "stopped"):
        yield f"Last words: {_short(reason)}"
        return
    what, _ = narrative.culprit(start)
    if what:
        yield f"Held back by: {what}"


def _says(finding: Finding, words: str) -> bool:
    return words[:60] in finding.detail or words[:60] in finding.title


def _short(message: str) -> str:
    text = " ".join(abridge(message).split())
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"


def _do(start: StartReport, finding: Finding | None) -> Iterator[str]:
    if finding is not None and finding.advice:
        yield finding.advice
        return
    other = next((f.advice for f in start.findings if f.severity != "info" and f.advice), "")
    yield other or narrative.nothing_to_do(start)


def _sure(start: StartReport, finding: Finding | None) -> str:
    if finding is not None:
        if finding.id in problems() or finding.id in ("process_failed", "failed_step"):
            return "The cause is certain: the log says it itself."
        return "The cause is likely: it is concluded from the lines named."
    what, sure = narrative.culprit(start)
    return wording.capital(sure) + "." if what and sure else ""


# --- the time


def _time(start: StartReport) -> tuple[tuple[Part, ...], str]:
    """The bar and the sentence that names its two longest parts."""
    rows, whole = narrative.budget(start)
    phases = [phase for phase, _ in rows]
    if not phases or whole is None:
        return (), ""
    longest = sorted(phases, key=lambda p: -_middle(p.duration_s))[:2]
    parts = tuple(Part(phase_in_words(p.id), p.duration_s, longest.index(p) if p in longest else None) for p in phases)
    named = ", then ".join(f"{phase_in_words(p.id)} {wording.span_words(p.duration_s)}" for p in longest if _middle(p.duration_s) > 0)
    return parts, f"longest: {named}" if named else ""


def _middle(span: Span) -> float:
    return span.min if span.max is None else (span.min + span.max) / 2


# --- the rest


def _normal(start: StartReport) -> str:
    said = [finding.title if not finding.detail else finding.detail for finding in narrative.normal(start)]
    return " ".join(said)


def _not_known(report: Report, start: StartReport) -> str:
    told = list(narrative.unknowns(report, start))
    if not told:
        return ""
    sentence, command = told[0]
    more = f" (and {wording.plural(len(told) - 1, 'more point')})" if len(told) > 1 else ""
    return f"{sentence} {command}".rstrip() + more


def _who(start: StartReport, utc: bool) -> str:
    first, second = narrative.title(start, utc=utc)
    return f"{first}. {second}."


__all__ = ["Answer", "Part", "after", "answer", "lost_s", "of_episode", "of_start"]
