"""Who made readiness late: exclusive time, saving, last blocker — as ranges, from windows.

Hooks all begin when the server serves and only end; so time in which one check *alone* is failing can lie only
between the last clearing but one and the last. What each number may be is decided by the windows of all checks; a
check of which the text says nothing may have cleared as late as readiness, unless a complete list shows it passed.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.analysis.check_windows import USUAL_LAST, CheckFacts, Facts
from analyzer.events.check_info import info
from analyzer.results import Bottleneck, Certainty, LastBlocker
from analyzer.window import Span, at_least, at_most

# Neither can come back: the one never fails, the other only once the server goes down.
_NEVER_BACK = frozenset({"ping", "shutdown"})
_OUTLASTED = {
    "all": "; all others had what they wait for before it could begin, and it waits for far more answers",
    "listed": "; the others of the last list had ended before it can have had all the answers it waits for",
}


@dataclass(frozen=True, slots=True)
class Blame:
    """Of one check: time alone, possible saving, and whether it was the last to clear."""

    exclusive_s: Span | None
    saving_s: Span | None
    last_blocker: LastBlocker


@dataclass(frozen=True, slots=True)
class Shares:
    """Between serving and ready: time in which one check alone was failing, and in which several were."""

    alone_s: Span | None
    shared_s: Span | None


def blame(facts: Facts) -> tuple[dict[str, Blame], Shares]:
    """Ranges for every check of a start that became ready; ``None`` ranges where serving or ready is not known."""
    certain = _certain_last(facts)
    result = {}
    for name in facts.checks:
        last = _last_blocker(facts, name, certain)
        exclusive = _exclusive(facts, name, last)
        result[name] = Blame(exclusive, _saving(facts, name, last, exclusive), last)
    return result, _shares(facts, result)


def _certain_last(facts: Facts) -> str | None:
    """The check seen failing alone in the last complete list: all others had passed, it had not.

    Without one, the roles hook where it outlasted the others by the number of answers it needs.
    """
    joint = [check.name for check in facts.checks.values() if check.joint_last]
    if not joint and facts.outlasted is not None:
        joint = [USUAL_LAST]
    return joint[0] if facts.ready.upper is not None and len(joint) == 1 else None


def _last_blocker(facts: Facts, name: str, certain: str | None) -> LastBlocker:
    check = facts.checks[name]
    if facts.ready.upper is None and not facts.noticed:
        # Where lines are missing, a check that nobody speaks of may have been the last, and readiness may have come.
        unknown = facts.lossy and check.last_state is None
        return "possible" if check.last_state == "failing" or unknown else "no"
    if facts.ready.upper is None:
        alone = facts.last_list_complete and not facts.trouble_after_list and len(facts.last_list or ()) == 1
        return "no" if name not in (facts.last_list or ()) else "certain" if alone else "possible"
    if certain is not None:
        return "certain" if name == certain else "no"
    if facts.last_list is not None and facts.last_list_complete:
        if name in facts.last_list:
            return "possible"
        # What had passed in a whole list and never goes back ended before what failed in it; only a probe can have
        # turned bad again unseen.
        return "possible" if facts.trouble_after_list and not check.monotone and name not in _NEVER_BACK else "no"
    others = [c.window for other, c in facts.checks.items() if other != name]
    beaten = any(check.window.certainly_before(window) for window in others)
    return "no" if beaten else "possible"


def _exclusive(facts: Facts, name: str, last: LastBlocker) -> Span | None:
    serving, ready = facts.serving, facts.ready
    window = facts.checks[name].window
    if serving is None or ready.upper is None or ready.lower is None or window.upper is None:
        return None
    if last == "no":
        return Span(0.0, 0.0)
    lowers = [c.window.lower for other, c in facts.checks.items() if other != name and c.window.lower is not None]
    begin = max([serving.at_s, *lowers])
    upper = max(0.0, min(window.upper, ready.upper) - begin)
    if last != "certain" or window.lower is None:
        return Span(0.0, upper)
    others = [c.window.upper for other, c in facts.checks.items() if other != name]
    uppers = [ready.upper if upper is None else min(upper, ready.upper) for upper in others]
    lower = max(0.0, window.lower - max([serving.at_s, *uppers]))
    return Span(min(lower, upper), upper)


def _saving(facts: Facts, name: str, last: LastBlocker, exclusive: Span | None) -> Span | None:
    """How much earlier ready would be had the check been instant.

    Checks that wait for it would begin earlier by its own length at most, the rest stays; so the saving is at least
    its time alone, and at most its own length, up to where the independent rest had certainly not cleared yet.
    """
    if exclusive is None or facts.serving is None or facts.ready.upper is None:
        return exclusive
    dependents = _dependents(name, facts.checks)
    if not dependents:
        return exclusive
    window = facts.checks[name].window
    own = max(0.0, (facts.ready.upper if window.upper is None else window.upper) - facts.serving.at_s)
    rest = [
        c.window.lower
        for other, c in facts.checks.items()
        if other != name and other not in dependents and c.window.lower is not None
    ]
    room = max(0.0, facts.ready.upper - max([facts.serving.at_s, *rest]))
    upper = max(exclusive.max or 0.0, min(own, room))
    return Span(min(exclusive.min, upper), upper)


def _dependents(name: str, checks: dict[str, CheckFacts]) -> frozenset[str]:
    """All checks that cannot end before ``name`` does, directly or through others."""
    found: set[str] = set()
    frontier = {name}
    while frontier:
        frontier = {c for c in checks if c not in found and frontier & set(info(c).needs)} - {name}
        found |= frontier
    return frozenset(found)


def _shares(facts: Facts, blames: dict[str, Blame]) -> Shares:
    serving, ready = facts.serving, facts.ready
    if serving is None or ready.upper is None or ready.lower is None:
        return Shares(None, None)
    whole_min, whole_max = max(0.0, ready.lower - serving.at_s), max(0.0, ready.upper - serving.at_s)
    spans = [b.exclusive_s for b in blames.values() if b.exclusive_s is not None]
    low = max((s.min for s in spans), default=0.0)
    # A check that the text never names may have been the last one, alone for the whole stretch.
    high = max((s.max or 0.0 for s in spans), default=0.0) if facts.any_complete_list and spans else whole_max
    high = min(high, whole_max)
    return Shares(Span(min(low, high), high), Span(max(0.0, whole_min - high), max(0.0, whole_max - low)))


def bottleneck(facts: Facts, blames: dict[str, Blame]) -> Bottleneck:
    """Which checks can have made readiness late, and how sure that is, in one sentence."""
    if facts.ready.upper is None:
        return _timeless(facts) if facts.noticed else _never_ready(facts)
    certain = [name for name, b in blames.items() if b.last_blocker == "certain"]
    possible = [name for name, b in blames.items() if b.last_blocker == "possible"]
    if certain:
        alone = blames[certain[0]].exclusive_s
        time = f", alone for {_range(alone)}" if alone is not None else ""
        why = "" if facts.outlasted is None or facts.checks[certain[0]].joint_last else _OUTLASTED[facts.outlasted]
        return Bottleneck(
            tuple(certain), "certain", f"{info(certain[0]).short} was the last check to clear{time}{why}."
        )
    if not possible:
        return Bottleneck((), "none", "The log says nothing about the checks.")
    # Likeliest first: what the last list shows failing; else, as in all recorded starts (260 of 260), the roles hook.
    shown = facts.last_list or frozenset()
    possible.sort(key=lambda n: (n not in shown, n != USUAL_LAST, -(facts.checks[n].window.lower or 0.0)))
    if facts.last_list is not None:
        return Bottleneck(tuple(possible), "possible", _after_the_list(facts, possible, facts.last_list))
    others = len(possible) - 3
    more = "" if others < 1 else f" (or {others} other{'s' if others > 1 else ''})"
    sentence = (
        f"No check list was printed; by the lines of other components {_join(possible[:3], 'or')}{more} cleared last."
    )
    if possible[0] == USUAL_LAST and len(possible) > 1:
        sentence += f" Usually it is {info(USUAL_LAST).short}: it was in all 260 measured starts."
    return Bottleneck(tuple(possible), "possible", sentence)


def _after_the_list(facts: Facts, possible: list[str], failing: frozenset[str]) -> str:
    """Why the last list does not settle which check was the last."""
    shown, unseen = [n for n in possible if n in failing], [n for n in possible if n not in failing]
    if not shown or not facts.last_list_complete:
        sentence = f"The last list shows {_join([*shown, *sorted(failing.difference(shown))])} still failing"
        return f"{sentence}, but not every check: the log does not show which cleared last."
    only = "only " if len(shown) == 1 else ""
    sentence = f"The last list shows {only}{_join(shown)} failing; "
    if facts.answering.answered == "other":
        return f"{sentence}the next answer may have been another server's, so which check was the last is not known."
    if unseen:
        return f"{sentence}after it {_join(unseen, 'or')} may have turned bad again unseen."
    if len(shown) == 1:
        return f"{sentence}it is very likely the last, but not proven."
    return f"{sentence}the log does not show which of them cleared last."


def _timeless(facts: Facts) -> Bottleneck:
    """Ready, but the clock was set on the way: only the order of the lines tells."""
    last = sorted(facts.last_list or ())
    if len(last) == 1 and facts.last_list_complete and not facts.trouble_after_list:
        return Bottleneck(tuple(last), "certain", f"{info(last[0]).short} was the last check to clear.")
    if not last:
        return Bottleneck((), "none", "The log says nothing about the order of the checks.")
    return Bottleneck(tuple(last), "possible", f"The last list shows {_join(last)} still failing.")


def _never_ready(facts: Facts) -> Bottleneck:
    failing = [c.name for c in facts.checks.values() if c.last_state == "failing"]
    if not failing:
        return Bottleneck((), "none", "Not seen ready, and no check was ever seen failing.")
    certainty: Certainty = "certain" if len(failing) == 1 and facts.last_list_complete else "possible"
    verb = "was" if len(failing) == 1 else "were"
    return Bottleneck(tuple(failing), certainty, f"{_join(failing)} {verb} still failing when last seen.")


def _range(span: Span) -> str:
    if span.max is None:
        return f"at least {at_least(span.min)}"
    if span.min < 0.1:
        return f"up to {at_most(span.max)}"
    return f"{at_least(span.min).removesuffix(' s')} to {at_most(span.max)}"


def _join(names: list[str], word: str = "and") -> str:
    short = [info(name).short for name in names]
    return short[0] if len(short) == 1 else f"{', '.join(short[:-1])} {word} {short[-1]}"
