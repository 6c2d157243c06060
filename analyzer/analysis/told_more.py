"""What the rest of the text says of a finding: the role, the release, an errno, lines that are no log at all.

``refined.toml`` and ``flags.toml`` hold what is known; here it is looked up in the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain as joined

from analyzer.analysis.rule_context import RuleContext
from analyzer.events import flags
from analyzer.events.products import Filled, advise, words
from analyzer.events.redaction import mask_secrets
from analyzer.events.refined import Refined, refined
from analyzer.events.versions import parse_version
from analyzer.events.vocabulary import Minor
from analyzer.records.log_record import LogRecord

_AROUND = 100  # lines before a start and behind it in which what was pasted beside it is looked for
_OF_A_FLAG = "unknown_flag"


@dataclass(frozen=True, slots=True)
class More:
    """In place of a finding's own words; empty: those hold. ``beside``: the line that shows it."""

    title: str = ""
    means: str = ""
    advice: str = ""
    beside: LogRecord | None = None


def told_more(context: RuleContext, finding: str, text: str, groups: Mapping[str, str] | None = None) -> More | None:
    """What this text says more exactly of a finding whose line holds ``text``; ``None``: nothing."""
    if finding == _OF_A_FLAG and (more := _of_flag(context, groups or {})) is not None:
        return more
    release = _release(context)
    product = context.report.product
    known = (one for one in refined() if one.product in ("", product) and (not one.of or finding in one.of))
    fitting = (one for one in known if one.in_release(release))
    return next(filter(None, (_tried(context, one, text) for one in fitting)), None)


def _release(context: RuleContext) -> Minor | None:
    version = parse_version(context.studied.start.version)
    return version.kubernetes_minor if version is not None else None


def _of_flag(context: RuleContext, groups: Mapping[str, str]) -> More | None:
    """A flag of k3s' or RKE2's own command line; of a component's nothing is known."""
    option = groups.get("option", "")
    if len(option.lstrip("-")) < 2:
        return None
    report = context.report
    product = "rke2" if report.product == "rke2" else "k3s"
    if groups.get("value"):
        guess: flags.Guess | None = flags.with_its_value(option, groups["value"])
    else:
        guess = flags.guess(option, report.role, product, _release(context))
    if guess is None:
        return None
    told = (guess.title, guess.means, guess.advice)
    title, means, advice = (Filled(advise(mask_secrets(text), context.site)) for text in told)
    return More(title, means, advice)


def _tried(context: RuleContext, one: Refined, text: str) -> More | None:
    said: dict[str, str] = {}
    if one.words is not None:
        if (found := one.words.search(text)) is None:
            return None
        said |= {name: value for name, value in found.groupdict().items() if value}
    record = None
    if one.beside is not None:
        seen = _said_by_itself(context, one) if one.own else _beside(context, one)
        if seen is None:
            return None
        record, more = seen
        said |= more
    title, means, advice = (_filled(context, told, said) for told in (one.title, one.means, one.advice))
    return More(title, means, advice, record)


def _filled(context: RuleContext, told: str, said: Mapping[str, str]) -> str:
    if not told:
        return ""
    filled = str(advise(told, context.site))
    for name, value in said.items():
        filled = filled.replace("{" + name + "}", mask_secrets(value))
    return Filled(filled)


def _beside(context: RuleContext, one: Refined) -> tuple[LogRecord, dict[str, str]] | None:
    """A line of the same machine, or of none, around the start that shows it."""
    assert one.beside is not None
    for record in _around(context):
        if (found := one.beside.search(record.raw.strip())) is None:
            continue
        groups = {name: value for name, value in found.groupdict().items() if value}
        if one.holds_data and not _holds_data(context, groups.get("mount") or groups.get("on") or ""):
            continue
        return record, groups
    return None


def _said_by_itself(context: RuleContext, one: Refined) -> tuple[LogRecord, dict[str, str]] | None:
    """The line of the process that shows it: the last one, with what it names or with what all of them name."""
    assert one.beside is not None
    lines = ((record, one.beside.search(record.message)) for record in context.studied.start.process)
    found = [(record, hit) for record, hit in lines if hit is not None]
    if not found:
        return None
    record, last = found[-1]
    if one.own == "last":
        return record, {name: value for name, value in last.groupdict().items() if value}
    named = {name: dict.fromkeys(hit[name] for _, hit in found if hit[name]) for name in last.groupdict()}
    return record, {name: ", ".join(values) for name, values in named.items() if values}


def _around(context: RuleContext) -> Iterator[LogRecord]:
    start, every = context.studied.start, context.log_records.records
    first, last = start.records[0].seq, start.records[-1].seq
    before, after = every[max(0, first - _AROUND) : first], every[last + 1 : last + 1 + _AROUND]
    lines = joined(before, after, start.process[-_AROUND:])
    return (record for record in lines if record.host in (None, start.host))


def _holds_data(context: RuleContext, mount: str) -> bool:
    """Whether the data directory lies on what is mounted there; a container's own root is no proof of it."""
    data = words(context.site)["data"]
    return len(mount) > 1 and (data == mount or data.startswith(mount.rstrip("/") + "/"))
