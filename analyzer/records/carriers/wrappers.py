"""Prefixes without a time of their own around another carrier, and the output of the process with nothing around it."""

from __future__ import annotations

import re

from analyzer.records.carriers.carrier import Carrier, Envelope, with_tail
from analyzer.records.draft import Outer

_COMPOSE = re.compile(r"([A-Za-z0-9][\w.\-]{0,63}) +\| (.*)", re.DOTALL)
_PREFIX = re.compile(r"\[pod/([^\]\s/]++)[^\]\s]*+\] (.*)", re.DOTALL)
_GH_VIEW = re.compile(r"[^\t]{1,200}\t[^\t]{1,200}\t\ufeff?(\d{4}-\d\d-\d\dT.*)", re.DOTALL)
_TERRAFORM = re.compile(r"[\w.\-\[\]\"]{1,200} \((?:remote|local)-exec\): (.*)", re.DOTALL)
_QUOTE_MARKS = re.compile(r"(?:> |`|\s*\* )(.*)", re.DOTALL)
# A prompt or a few characters of another tool.
_JUNK = re.compile(
    r"[^\"={}\[\]]{1,24}?(?=time=\"\d{4}-\d\d-\d\dT)|"
    r"[^\"={}\[\]]{1,48}? (?=(?:INFO|WARN|ERRO|FATA|DEBU)\[\d{4}(?:\]|-\d\d-\d\dT))"
)


# A stamp of a form that is not known, before who wrote the line; not a known one of a day that no calendar has.
_STAMP = re.compile(
    r"(?!\w{3} [ \d]\d \d\d:\d\d:\d\d |\d{4}-\d\d-\d\dT)(?=.{0,9}\d)"
    r"[^\"={}]{6,48}? (?=[\w.-]{1,64} (?:k3s|rke2|systemd)\[\d{1,10}\]: )"
)


def _wrapped(text: str) -> Envelope | None:
    """Compose, kubectl --prefix, gh run view, terraform, quoting marks."""
    for pattern in (_PREFIX, _GH_VIEW, _COMPOSE, _TERRAFORM):
        match = pattern.match(text)
        if match is not None:
            # A container's name stands for the machine: services that are shown together stay apart.
            named = match.groups()[0] if pattern in (_PREFIX, _COMPOSE) else None
            return Envelope(match.groups()[-1], host=named)
    match = _QUOTE_MARKS.match(text)
    return Envelope(match.group(1)) if match is not None else None


def _junk(text: str) -> Envelope | None:
    """A few characters of some other tool, or of another record, right before a line of k3s; an unknown stamp."""
    match = _JUNK.match(text)
    if match is not None:
        return Envelope(text[match.end() :])
    stamp = _STAMP.match(text)
    if stamp is None:
        return None
    envelope = Envelope(text[stamp.end() :])
    return envelope if with_tail(envelope, envelope.rest) else None


WRAPPED = Carrier(
    "wrapped",
    Outer.NONE,
    ("terraform", "compose", "compose-t", "kubectl-prefix", "gh-run-view", "nested", "quoted"),
    peel=_wrapped,
)
JUNK = Carrier("junk", Outer.NONE, peel=_junk, last_resort=True)
CAT = Carrier("cat", Outer.NONE, ("cat", "unit-cat", "docker-tty", "console-dates", "rancher"))
