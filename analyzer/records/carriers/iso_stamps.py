"""Everything that begins with an ISO date: short-iso, rsyslog's default, CRI, docker -t, GitHub, GitLab, logcli.

They stand in one module because only what follows the stamp, and the number of its digits, tells them apart.
"""

from __future__ import annotations

import re

from analyzer.records.carriers.carrier import Carrier, Envelope, with_tail
from analyzer.records.draft import Outer
from analyzer.timebase import parse_iso

_ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)([ \t])(.*)", re.DOTALL)
_CRI = re.compile(r"(stdout|stderr) ([FP]\S*) ?(.*)", re.DOTALL)
_GITLAB = re.compile(r"\d\d[OE][+ ] ?(.*)", re.DOTALL)
_LOGCLI = re.compile(r"\{([^{}]*)\} (.*)", re.DOTALL)
_UNIT = re.compile(r'\bunit="([^"]+)"')
_HOST = re.compile(r'\b(?:nodename|hostname|host|instance)="([^"]+)"')
_OLD_ETCD = re.compile(r"[A-Z] \| \w")  # level and package of etcd before 3.5, behind its own stamp
PIECE = 16384  # characters at which docker cuts a line; `docker logs -t` puts a stamp before each piece
_DOCKER_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")


def _peel(text: str) -> Envelope | None:
    match = _ISO.match(text)
    instant = parse_iso(match.group(1)) if match is not None else None
    if match is None or instant is None:
        return None
    stamp, _, rest = match.groups()
    envelope = Envelope(rest).stamped(instant)
    digits = len(stamp.partition(".")[2].rstrip("Z")) if stamp.endswith("Z") else 0
    cri = _CRI.match(rest)
    if cri is not None:
        envelope.stream, flag, envelope.rest = cri.groups()
        envelope.partial, envelope.carrier = flag[0] == "P", "cri"
        return envelope
    gitlab = _GITLAB.match(rest)
    if gitlab is not None or digits == 7:  # a CI system's time of printing, not of the event
        envelope.rest = gitlab.group(1) if gitlab is not None else rest
        envelope.outer = Outer.NONE
    elif (labels := _LOGCLI.match(rest)) is not None and "=" in labels.group(1):
        envelope.rest, envelope.newest_first = labels.group(2), True
        unit, host = _UNIT.search(labels.group(1)), _HOST.search(labels.group(1))
        envelope.unit = unit.group(1) if unit else None
        envelope.host = host.group(1) if host else None
    elif digits != 9 and not _starts_payload(rest):
        with_tail(envelope, rest)
    if len(envelope.rest) > PIECE:
        envelope.rest = _without_stamps(envelope.rest)
    return envelope


def _starts_payload(text: str) -> bool:
    return text.startswith(("time=", "level=", "{", "[-]", "[+]")) or _OLD_ETCD.match(text) is not None


def _without_stamps(text: str) -> str:
    """A long line of ``docker logs -t`` without the stamps of its further pieces."""
    at = PIECE
    while (stamp := _DOCKER_STAMP.match(text, at)) is not None:
        text = text[:at] + text[stamp.end() :]
        at += PIECE
    return text


ISO = Carrier(
    "short-iso",
    Outer.UTC,
    ("short-iso", "short-iso-precise", "rsyslog-iso", "docker-t", "kubectl-timestamps", "gitlab", "logcli"),
    peel=_peel,
)
CRI = Carrier("cri", Outer.UTC, ("cri",))  # its layer is peeled by the former
