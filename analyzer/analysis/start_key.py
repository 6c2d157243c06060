"""The key of a start: the same for the same start in every input, whatever else is read beside it.

It names the host, then what is told apart best there: systemd's invocation; else when the start began and as which
process; else, where the log begins later, boot and process. Where the log names no host or no date, a digest of its
first named lines stands in for that: two machines that began in the same second are two starts.
"""

from __future__ import annotations

from datetime import UTC
from hashlib import blake2b

from analyzer.results import StartReport

_DIGITS = 12  # of an id
_COUNTED = "0" * 8  # systemd draws its ids; one that was counted, as in an anonymized log, is met in other logs again
_CHARACTERS = 60  # of a message; long ones are cut elsewhere once names in them are replaced
_STONES = 10  # milestones in the digest: an export that ends earlier has the first ones as well


def start_key(start: StartReport) -> str:
    """``node-a/9f2c41d07b3e`` with an invocation, ``node-a/2026-03-01T06:03:22Z/1234`` without."""
    if start.told is not None and start.told.key:
        return start.told.key
    boot, invocation = _unique(start.boot_id), _unique(start.invocation_id)
    where = start.host or (boot and f"boot-{boot}")
    if invocation is not None:
        return f"{where or '?'}/{invocation}"
    if boot is not None and start.pid is not None and not start.begin_seen:
        return f"{where}/{boot}/{start.pid}"
    parts = [where or "?", _second(start), None if start.pid is None else str(start.pid)]
    if where is None or start.began_at is None:
        parts.append(_digest(start))
    return "/".join(part for part in parts if part is not None)


def _unique(id: str | None) -> str | None:
    """The first digits of an id that no other log has."""
    bare = (id or "").replace("-", "").lower()
    return None if not bare or bare.startswith(_COUNTED) else bare[:_DIGITS]


def _second(start: StartReport) -> str:
    """Whole seconds: a syslog line and a journal entry of one moment have these in common."""
    return "undated" if start.began_at is None else f"{start.began_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _digest(start: StartReport) -> str:
    began = None if start.began_at is None else start.began_at.timestamp()
    said: list[object] = [(stone.id, stone.at_s, stone.text[:_CHARACTERS]) for stone in start.milestones[:_STONES]]
    if not said:  # a piece of a log: whatever else tells it from other pieces
        said = [*((poll.at_s, poll.text) for poll in start.polls), start.outcome_reason, start.cut_at_s]
    told = (began, start.began_local, start.version, said, start.links.names[:1])
    return blake2b(repr(told).encode("utf-8", "replace"), digest_size=4).hexdigest()
