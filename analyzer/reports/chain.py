"""The chain of blame in words: at most two sentences for the answer, and one row for each link."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from analyzer.analysis.chain_of_blame import blame_chain
from analyzer.analysis.since_begin import since_begin
from analyzer.events.check_info import info, roots
from analyzer.reports import wording
from analyzer.results import BlameChain, ChainLink, StartReport
from analyzer.window import Window

_NAMED = 2  # checks told by name where several may be meant
_SHORT_S = 0.05  # a saving below is none
_STAMP_S = 0.05  # as narrow as this is a stamped moment
_ROW = 100  # characters of what a row says of a link


def sentences(start: StartReport, chain: BlameChain | None = None, *, lengths: bool = False) -> tuple[str, ...]:
    """What was last and what it waited for; how much earlier readiness could have been. At most two sentences.

    ``lengths``: moments as lengths since the start began, beside others that are.
    """
    chain = chain or blame_chain(start)
    if chain is None:
        return ()
    if lengths:
        start, chain = _since_begin(start, chain)
    told = _never(start, chain) if start.ready.upper is None and start.role != "agent" else _reached(start, chain)
    return tuple(wording.capital(sentence) for sentence in told)


def _since_begin(start: StartReport, chain: BlameChain) -> tuple[StartReport, BlameChain]:
    """The same with every window from the begin of the start, which its zero is only as far as timestamps go."""
    checks = tuple(replace(check, cleared=since_begin(start, check.cleared)) for check in start.checks)
    links = tuple(replace(link, cleared=since_begin(start, link.cleared)) for link in chain.links)
    return replace(start, checks=checks), replace(chain, links=links)


def rows(start: StartReport, chain: BlameChain) -> Iterator[tuple[str, str]]:
    """Of each link when it was over (empty: nothing tells), and what it is and why the next one waited for it."""
    for link in chain.links:
        why = f": {_cut(link.why)}" if link.why else ""
        yield _cell(start, link), name_of(link, start) + why
    if len(chain.last) > 1:
        yield "", f"one of {len(chain.last)} checks: {named(chain.last)}"


def name_of(link: ChainLink, start: StartReport) -> str:
    """A link for a table or a sentence."""
    if link.kind == "root":
        root = roots()[link.name]
        return (start.product == "rke2" and root.words_rke2) or root.words
    return "its node registered" if link.kind == "goal" else info(link.name).short


def named(names: Sequence[str]) -> str:
    """The first of some checks, and how many more there are."""
    short = [info(name).short for name in names]
    if len(short) <= _NAMED + 1:
        return short[0] if len(short) == 1 else f"{', '.join(short[:-1])} or {short[-1]}"
    return f"{', '.join(short[:_NAMED])} or {len(short) - _NAMED} others"


def _cut(why: str) -> str:
    return why if len(why) <= _ROW else why[: _ROW - 1].rsplit(" ", 1)[0] + " …"


def _cell(start: StartReport, link: ChainLink) -> str:
    nothing = link.cleared.lower is None and link.cleared.upper is None
    return "" if nothing else wording.window_range(link.cleared)


# --- sentences


def _reached(start: StartReport, chain: BlameChain) -> Iterator[str]:
    """Of a start that was ready."""
    before = _waited(start, chain)
    if not chain.last:
        if (saved := _saved(start, chain)) or before:
            yield f"Its node was registered {_when(chain.links[-1].cleared)}{before}."
            yield from [saved] * bool(saved)
        return
    if len(chain.last) == 1:
        sure = "Last" if chain.certainty == "certain" else "Last, as far as the log shows"
        end = chain.links[-1].cleared
        yield f"{sure}: {info(chain.last[0]).short}, passed {_when(end)}{before}."
    else:
        yield f"Last: one of {len(chain.last)} checks ({named(chain.last)}){before}."
    if saved := _saved(start, chain):
        yield saved


def _never(start: StartReport, chain: BlameChain) -> Iterator[str]:
    """Of a start that was not ready."""
    before = _waited(start, chain)
    if not chain.last:
        lower = chain.links[-1].cleared.lower
        still = "" if lower is None else f", still at {wording.at_least(lower)}"
        yield f"It waited for {name_of(chain.links[-1], start)}{still}."
        return
    if chain.in_reason:
        yield f"The reason names the hook {info(chain.last[0]).short}{before}."
        if chain.also_failing:
            yield f"Also failing when last seen: {named(chain.also_failing).replace(' or ', ' and ')}."
        return
    failing = named(chain.last).replace(" or ", " and ")
    yield f"Failing when last seen: {failing}{before}."


def _waited(start: StartReport, chain: BlameChain) -> str:
    """``; it waited for the datastore (etcd passed at 11.2 s)``: the nearest link of those before the last."""
    before = [link for link in chain.links if link.name not in chain.last and link.kind != "goal"]
    who = {0: "it", 1: "it", 2: "both"}.get(len(chain.last), "all of them")
    slow = [link for link in before if link.name == "cpu"]
    nearest = next((link for link in reversed(before) if link.name != "cpu"), None)
    short_of_cpu = " on a machine short of CPU" if slow else ""
    if nearest is None:
        return short_of_cpu
    return f"; {who} waited for {name_of(nearest, start)}{_shown(start, nearest)}{short_of_cpu}"


def _shown(start: StartReport, link: ChainLink) -> str:
    """When a link was over, by the check or line that shows it."""
    if link.cleared.lower is None and link.cleared.upper is None:
        which = roots()[link.name].which if link.kind == "root" else ""
        return f", {which}" if which else ""
    if link.kind == "check":
        return f" (passed {_when(link.cleared)})"
    probe = next((c for c in start.checks if c.name in roots()[link.name].probes and c.cleared == link.cleared), None)
    if probe is not None:
        over = link.cleared.upper is not None
        return f" ({probe.name} passed {_when(link.cleared)})" if over else f" ({probe.name} was failing, too)"
    return f" ({_when(link.cleared)})"


def _when(window: Window) -> str:
    narrow = window.lower is not None and window.width is not None and window.width < _STAMP_S
    if narrow and window.lower is not None:
        return f"at {wording.about(window.lower)}"
    return wording.window_words(window)


def _saved(start: StartReport, chain: BlameChain) -> str:
    """How much earlier it could have been; empty where nothing bounds that, or it is next to nothing."""
    saving = chain.root_saving_s
    link = next((link for link in chain.links if link.name == chain.root), None)
    if saving is None and chain.root == "cpu" and len(chain.last) == 1:  # nothing bounds what more CPU would have done
        link = chain.links[-1]
        saving = next((check.saving_s for check in start.checks if check.name == link.name), None)
    if saving is None or saving.max is None or saving.max < _SHORT_S or link is None:
        return ""
    goal = "the node could have been registered" if not chain.last else "ready could have been"
    return f"{_condition(start, chain, link)}, {goal} {wording.span_words(saving)} earlier."


def _condition(start: StartReport, chain: BlameChain, root: ChainLink) -> str:
    if root.kind == "check":
        return f"Had {'it' if chain.last == (root.name,) else info(root.name).short} been instant"
    name = roots()[root.name].words
    names = [link.name for link in chain.links]
    if "serving" not in names or root.name not in names:
        return f"Had {name} answered at once"
    served = names.index("serving")
    if root.name not in names[served:]:
        return f"Had {name} been ready at once"
    serving, ready = chain.links[served].cleared.lower, start.ready.upper
    saving = chain.root_saving_s.max if chain.root_saving_s is not None else None
    if serving is None or ready is None or saving is None or saving > ready - serving:
        return f"Had {name} answered at once"
    return f"Had {name} answered at once from {wording.about(serving)} on"
