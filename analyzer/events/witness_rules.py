"""Witness rules: lines that prove a bound of a check by the order of statements in the program that prints them.

The rules and their proofs are in ``witnesses.toml``. Here they are compiled and looked up by the file that prints the
line; the conditions that need the rest of the start (datastore, release, earlier lines) are judged per start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from analyzer.events.event import WitnessRule
from analyzer.events.vocabulary import load, read_as
from analyzer.records.grouping import grouped
from analyzer.records.log_record import NO_FIELDS

K3S = "k3s"  # ``source_file`` of logrus lines

# Fields that the logrus envelope adds and klog's own text does not have.
_ENVELOPE = frozenset({"logger", "time", "level", "msg", "func", "file"})
_NONE: tuple[WitnessRule, ...] = ()


@cache
def rules() -> tuple[WitnessRule, ...]:
    """All rules in file order; one that names no last release holds up to the newest one that was looked at."""
    last = {"until": load("versions.toml")["newest"]}
    return tuple(read_as(WitnessRule, {**last, **raw}) for raw in load("witnesses.toml")["witness"])


@cache
def _by_file() -> dict[str, tuple[WitnessRule, ...]]:
    return grouped((rule.source_file, rule) for rule in rules())


@cache
def _enveloped() -> tuple[WitnessRule, ...]:
    """klog rules whose text no other component prints, so that it may also be trusted without a file name."""
    return tuple(rule for rule in rules() if rule.source_file != K3S and not rule.ambiguous)


@cache
def _enveloped_prefilter() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{rule.match.pattern})" for rule in _enveloped()))


def candidates(
    message: str, file: str, is_logrus: bool, fields: Mapping[str, str] = NO_FIELDS
) -> tuple[WitnessRule, ...]:
    """The rules whose text is this line's.

    ``message`` is the text after the payload's header, ``file`` klog's file name, ``fields`` logrus' keys. Releases of
    2026 send some Kubernetes messages through logrus (field ``logger=k3s…``); those match a klog rule only where no
    other component prints the same text. A line without file name and without that field matches nothing of klog's.
    """
    if not is_logrus:
        return tuple(rule for rule in _by_file().get(file, _NONE) if rule.match.search(message)) if file else _NONE
    found = tuple(rule for rule in _by_file()[K3S] if rule.match.search(message))
    if found or not fields.get("logger", "").startswith(("k3s", "rke2")):
        return found
    # The envelope took klog's structured message apart: `"msg" key="value"` became msg= and sorted fields.
    pairs = (f'"{message}" {key}="{value}"' for key, value in fields.items() if key not in _ENVELOPE)
    likely = [text for text in (message, *pairs, f'"{message}"') if _enveloped_prefilter().search(text)]
    hits = {rule.id: rule for text in likely for rule in _enveloped() if rule.match.search(text)}
    return tuple(hits.values())
