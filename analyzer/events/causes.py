"""What the words mean with which a process ended: by the catalogue, by the layers of the message, by its last error.

The innermost known words decide: a problem of the catalogue that stands further inside than every known layer is the
cause, else the innermost layer is; the class of the error at the bottom says how it failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from analyzer.events import chain
from analyzer.events.catalogue import Rule, causes_in, info
from analyzer.events.chain import Chain, Layer
from analyzer.events.finding_info import reported_as

STEP = "failed_step"  # an end whose words are known by their layers alone
END = "process_failed"  # the same where they say that something else was late or away


@dataclass(frozen=True, slots=True)
class Cause:
    """``finding`` is its id in a report; ``title`` and ``advice`` are empty where those of the finding hold.

    ``rule`` is the problem of the catalogue with the groups of its expression, where there is one.
    """

    finding: str
    title: str = ""
    means: str = ""
    advice: str = ""
    rule: Rule | None = None
    groups: Mapping[str, str] | None = None


def cause_of(text: str, product: str = "unknown") -> Cause | None:
    """The cause that the words of an end name; ``None`` where nothing in them is known."""
    read = chain.read(text, product)
    found = causes_in(text)
    if found and not _says_more(read, found[0][0], text):
        rule, groups = found[0]
        return Cause(reported_as(rule.id), rule.title, "", rule.advice, rule, groups)
    layer = read.innermost
    if layer is None or not read.telling:
        return _of_class(read)
    named = info(layer.problem) if layer.problem else None
    if named is not None and (read.error is None or not read.error.problem):
        return Cause(reported_as(named.id), named.title, "", named.advice, named, {})
    return Cause(_id(read), read.title, read.means, read.advice, info(read.error.problem) if read.error else None, {})


def _id(read: Chain) -> str:
    if read.error is not None and read.error.problem:
        return reported_as(read.error.problem)
    return END if read.error is not None and read.error.symptom else STEP


def _of_class(read: Chain) -> Cause | None:
    """No layer is known, or none that says something: the error alone."""
    if read.error is None or read.error.symptom:
        return None
    title = read.error.short[:1].upper() + read.error.short[1:]
    return Cause(_id(read), title, read.error.means, read.advice)


def _says_more(read: Chain, rule: Rule, text: str) -> bool:
    """Whether the layers tell more than this problem: it is the mere class of an error, or stands further out."""
    layer = read.innermost
    if rule.id in _of_classes():
        return (layer is not None and read.telling) or (read.error is not None and read.error.problem != rule.id)
    if layer is None or not read.telling or layer.problem == rule.id:
        return False
    return place_of(rule, text) < read.links[-1].begin


@cache
def _of_classes() -> frozenset[str]:
    return frozenset(one.problem for one in chain.classes() if one.problem)


def place_of(rule: Rule, text: str) -> int:
    """Where in the text the problem's words stand: the innermost place."""
    places = [text.rfind(words) for words in (*rule.head, *rule.any)]
    if rule.match is not None and (found := rule.match.search(text)) is not None:
        places.append(found.start())
    return max(places, default=0)


def known_layers(text: str) -> tuple[Layer, ...]:
    """The layers of a message, from the outside in."""
    return tuple(link.layer for link in chain.read(text).links)
