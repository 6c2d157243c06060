"""What the words mean with which a process ended: by the catalogue, by the layers of the message, by its last error.

The innermost known words decide: a problem of the catalogue that stands further inside than every known layer is the
cause, else the innermost layer is; the class of the error at the bottom says how it failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from analyzer.events import chain, exit_codes
from analyzer.events.catalogue import Rule, causes_in, info
from analyzer.events.chain import Chain, ErrorClass, Layer
from analyzer.events.finding_info import about, reported_as
from analyzer.events.products import Filled, advise, advise_on
from analyzer.events.redaction import mask_secrets
from analyzer.site import Site

STEP = "failed_step"  # an end whose words are known by their layers alone
END = "process_failed"  # the same where they say that something else was late or away
UNNAMED = "what the message names"  # in place of a target


@dataclass(frozen=True, slots=True)
class Cause:
    """``finding`` is its id in a report; ``title`` and ``advice`` are empty where those of the finding hold.

    ``rule`` is the problem of the catalogue with the groups of its expression, where there is one. ``target`` is what
    title and advice put in for ``{target}``. Not ``sure``: only outer words are known, what they wrap is not.
    """

    finding: str
    title: str = ""
    means: str = ""
    advice: str = ""
    rule: Rule | None = None
    groups: Mapping[str, str] | None = None
    target: str = ""
    sure: bool = True


def cause_of(text: str, product: str = "unknown", *, ended: bool = False) -> Cause | None:
    """The cause that the words of an end name; ``None`` where nothing in them is known.

    ``ended``: more than the words say that the process ended with them. Nobody is told then that it passes by itself.
    """
    exited = exit_codes.meaning(text)
    if exited is not None:
        return Cause(exited.finding, exited.title, exited.means, exited.advice)
    read = chain.read(text, product)
    ended = ended or (read.outermost is not None and read.outermost.ends == "process")
    error = read.error if read.error is not None and not read.error.symptom else None
    found = causes_in(text)
    named = next((one for one in found if one[0].id not in _of_classes()), None)
    layer = read.innermost if read.innermost is not None and (read.innermost.title or read.innermost.problem) else None
    if named is not None and not _deeper(read, layer, error, named[0], text):
        return _of_rule(*named, layer if _beside(read, named[0], text) else None, ended=ended)
    if layer is None:
        return _of_error(error, read) if error is not None else None
    rule_of = problem(layer.problem)
    if rule_of is not None and not (error is not None and (rule_of.outer or error.decides)):
        groups = next((said for rule, said in found if rule.id == rule_of.id), {})
        return replace(_of_rule(rule_of, groups, layer, ended=ended), sure=read.whole)
    by_rule = named is not None and not (error is not None and error.problem)
    finding = layer.finding or (reported_as(named[0].id) if by_rule and named is not None else _id(read))
    advice = read.advice_where(ended=ended)
    return Cause(finding, _title(read), read.means, advice, _rule(error), {}, read.target, read.whole)


def problem(name: str) -> Rule | None:
    """The problem of the catalogue of that id."""
    found = info(name) if name else None
    return found if found is not None and found.kind == "problem" else None


def _of_rule(rule: Rule, groups: Mapping[str, str], layer: Layer | None, *, ended: bool) -> Cause:
    """A problem of the catalogue, with what a layer knows of the very message."""
    if layer is None or not layer.title:
        return Cause(reported_as(rule.id), rule.title, "", rule.advice, rule, groups)
    if layer.problem and layer.problem != rule.id:  # what it means is another matter
        return Cause(reported_as(rule.id), rule.title, "", rule.advice, rule, groups)
    title = layer.title if rule.outer or layer.problem == rule.id else rule.title
    return Cause(reported_as(rule.id), title, layer.means, layer.advice_where(ended=ended) or rule.advice, rule, groups)


def _beside(read: Chain, rule: Rule, text: str) -> bool:
    """Whether the problem's words are those of the innermost layer."""
    link = read.links[-1] if read.links else None
    return link is not None and link.begin <= place_of(rule, text) <= link.end


def _deeper(read: Chain, layer: Layer | None, error: ErrorClass | None, rule: Rule, text: str) -> bool:
    """Whether the layers or the error at the bottom say more than this problem of the catalogue."""
    if rule.outer and error is not None and error.decides:
        return True
    place = place_of(rule, text)
    if error is not None and _decides(error) and place < _place_of_error(error, read):
        return True
    if layer is not None and layer.problem == rule.id and not (rule.outer and error is not None):
        return False
    telling = layer is not None and (
        rule.outer or error is not None or bool(layer.problem or layer.advice or layer.patience)
    )
    if telling and place < read.links[-1].begin:
        return True
    return rule.outer and error is not None and place < len(text) - len(read.inner)


def _decides(error: ErrorClass) -> bool:
    """Whether the error is the cause whatever step wraps it: a full disk, a name without an address."""
    return error.decides and bool(error.problem)


def _place_of_error(error: ErrorClass, read: Chain) -> int:
    """Where in the text the words of the class begin."""
    inner = len(read.text) - len(read.inner)
    return min((inner + at for words in error.any if (at := read.inner.find(words)) >= 0), default=inner)


def _title(read: Chain) -> str:
    """The innermost layer's, else that of the problem it names, with the class of the error behind it."""
    layer = read.innermost
    named = problem(layer.problem) if layer is not None and not layer.title else None
    if named is None:
        return read.title
    return f"{named.title}: {read.error.short}" if read.error is not None else named.title


def _id(read: Chain) -> str:
    if read.error is not None and read.error.problem:
        return reported_as(read.error.problem)
    return END if read.error is not None and read.error.symptom else STEP


def _rule(error: ErrorClass | None) -> Rule | None:
    return problem(error.problem) if error is not None else None


def _of_error(error: ErrorClass, read: Chain) -> Cause:
    """No layer is known: the error alone, as the catalogue tells it where it does."""
    rule = _rule(error)
    own = rule is None or bool(error.alone)  # more than the problem's, which stands for several classes
    title = rule.title if rule is not None and not own else error.titled("{target}" if read.target else "")
    return Cause(_id(read), title, error.means, error.advice, rule, {}, read.target)


@cache
def _of_classes() -> frozenset[str]:
    return frozenset(one.problem for one in chain.classes() if one.problem)


def agrees(problem_id: str, text: str) -> bool:
    """Whether a problem that stands for a class of errors is of the class that the text's last error has."""
    error, _ = chain.classify(text)
    return error is None or problem_id not in _of_classes() or problem_id == error.problem


def place_of(rule: Rule, text: str) -> int:
    """Where in the text the problem's words stand: the innermost place."""
    places = [text.rfind(words) for words in (*rule.head, *rule.any)]
    if rule.match is not None and (found := rule.match.search(text)) is not None:
        places.append(found.start())
    return max(places, default=0)


def advice_for(cause: Cause, site: Site) -> str:
    """What to do about it, in the words of where it ran; what the finding advises where the words say nothing more."""
    known = cause.advice or about(cause.finding).advice
    port = (cause.groups or {}).get("address", "").rpartition(":")[2]
    filled = advise(known, site)
    advice = filled.replace("<port>", port) if port.isdigit() else filled
    return Filled(advice.replace("{target}", mask_secrets(site.behind(cause.target)) or UNNAMED))


def title_for(cause: Cause, site: Site) -> str:
    """What went wrong, in the words of where it ran; empty where the title of the finding holds."""
    return advise_on(cause.title, mask_secrets(site.behind(cause.target)) or UNNAMED, site)
