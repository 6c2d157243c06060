"""The polls of one wait, and the file that keeps them (schema ``k3slog.polls``, JSON lines).

Line 1 is the header, then one object per poll, then one end record (left out when the wait was killed)::

    {"schema": "k3slog.polls", "schema_version": 1, "tool": "0.1.0", "server": "https://127.0.0.1:6443",
     "policy": "adaptive", "began_at": "2025-03-01T06:03:22.000000+00:00"}
    {"departed": ISO, "answered": ISO, "status": 500, "error": "readyz_failing", "text": "readyz check failed",
     "failing": [...], "ok": [...], "message": null, "retry_after_s": null, "cut": false, "loop": 0}
    {"end": "ready", "at": ISO, "reason": ""}

Stamps are absolute, to the microsecond, taken from monotonic time (see ``clock``). ``error`` is ``null`` for the answer
that said *ready*. ``message``, ``retry_after_s``, ``cut`` and ``loop`` may be missing; the header of a wait without
credentials has ``"anonymous": true``. Unknown fields are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from analyzer.errors import BadInputError
from analyzer.policies.protocol import CODE_OF

SCHEMA = "k3slog.polls"
SCHEMA_VERSION = 1
#: A line holds one check list; more is not one of these files.
LINE_LIMIT = 256 * 1024

Verdict = Literal["ready", "fatal", "timed_out", "interrupted"]
_VERDICTS: tuple[Verdict, ...] = ("ready", "fatal", "timed_out", "interrupted")


@dataclass(frozen=True, slots=True)
class ObservedPoll:
    """One poll: when the request left, when its answer was read (or given up), and what it was.

    ``departed_s`` and ``answered_s`` are seconds since the wait's ``began_at``. ``loop`` is the index of the policy's
    loop that asked (0 but for ``legacy-4x1s``). ``line`` is the 1-based line in the file.
    """

    departed_s: float
    answered_s: float
    error: str | None
    status: int | None = None
    text: str = ""
    failing: tuple[str, ...] = ()
    ok: tuple[str, ...] = ()
    message: str | None = None
    retry_after_s: float | None = None
    cut: bool = False
    loop: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class ObservedWait:
    """Everything one wait saw, in the order in which answers were read. ``end_s`` is ``None`` when it was killed."""

    server: str
    policy: str
    began_at: datetime
    polls: tuple[ObservedPoll, ...] = ()
    verdict: Verdict | None = None
    end_s: float | None = None
    reason: str = ""
    advice: str = ""
    tool: str = ""
    anonymous: bool = False

    @property
    def locked_out(self) -> bool:
        """Whether it ended because the API answers, but not to a client without credentials."""
        last = next((p.error for p in reversed(self.polls)), None)
        return self.verdict == "fatal" and self.anonymous and last == "unauthorized"

    @property
    def success(self) -> ObservedPoll | None:
        """The poll that ended a wait with ``ready``; ``None`` otherwise."""
        good = [p for p in self.polls if p.error is None]
        return good[-1] if self.verdict == "ready" and good else None


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds, always the same width."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def dump(wait: ObservedWait) -> str:
    """The file's text; the same wait gives the same bytes."""
    return "".join(f"{_compact(record)}\n" for record in _records(wait))


def _records(wait: ObservedWait) -> Iterator[dict[str, Any]]:
    def at(seconds: float) -> str:
        return iso(wait.began_at + timedelta(microseconds=round(seconds * 1e6)))

    yield {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "tool": wait.tool,
        "server": wait.server,
        "policy": wait.policy,
        "began_at": iso(wait.began_at),
        **({"anonymous": True} if wait.anonymous else {}),
    }
    for poll in wait.polls:
        yield {
            "departed": at(poll.departed_s),
            "answered": at(poll.answered_s),
            "status": poll.status,
            "error": poll.error,
            "text": poll.text,
            "failing": list(poll.failing),
            "ok": list(poll.ok),
            "message": poll.message,
            "retry_after_s": poll.retry_after_s,
            "cut": poll.cut,
            "loop": poll.loop,
        }
    if wait.verdict is not None and wait.end_s is not None:
        yield {"end": wait.verdict, "at": at(wait.end_s), "reason": wait.reason, "advice": wait.advice}


def _compact(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=True, separators=(",", ":"))


def looks_like(first_line: str) -> bool:
    """Whether a file that begins with ``first_line`` is one of these; cheap, for format detection."""
    return first_line.lstrip("\ufeff \t").startswith("{") and f'"{SCHEMA}"' in first_line[:400]


def parse(lines: Iterable[str], name: str = "input") -> ObservedWait:
    """Read a file back. A last line that was cut off is passed over; anything else wrong is a ``BadInputError``.

    ``name`` and the 1-based line are named in errors.
    """
    numbered = enumerate(lines, start=1)
    header = next(((n, line) for n, line in numbered if line.strip()), None)
    if header is None:
        raise BadInputError(f"{name} is empty")
    head = _object(header[1], name, header[0])
    if head.get("schema") != SCHEMA:
        raise BadInputError(f"{name} is not a file of polls: its first line lacks schema {SCHEMA!r}")
    if head.get("schema_version") != SCHEMA_VERSION:
        raise BadInputError(f"{name} has schema_version {head.get('schema_version')!r}, this program reads 1")
    began_at = _moment(head, "began_at", name, header[0])
    polls: list[ObservedPoll] = []
    end: Mapping[str, Any] = {}
    end_s: float | None = None
    pending: tuple[int, str] | None = None  # one line behind, so that the last one may be cut off
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    for number, line in numbered:
        if not line.strip():
            continue
        if pending is not None:
            end, end_s = _take(pending, began_at, polls, shared, name, end, end_s)
        pending = (number, line)
    if pending is not None:
        complete = pending[1].rstrip().endswith("}")
        try:
            end, end_s = _take(pending, began_at, polls, shared, name, end, end_s)
        except BadInputError:
            if complete:
                raise
    return ObservedWait(
        server=_text(head, "server", name, header[0]),
        policy=_text(head, "policy", name, header[0]),
        began_at=began_at,
        polls=tuple(polls),
        verdict=cast("Verdict | None", end.get("end")),
        end_s=end_s,
        reason=str(end.get("reason") or ""),
        advice=str(end.get("advice") or ""),
        tool=str(head.get("tool") or ""),
        anonymous=head.get("anonymous") is True,
    )


def _take(
    pending: tuple[int, str],
    began_at: datetime,
    polls: list[ObservedPoll],
    shared: dict[tuple[str, ...], tuple[str, ...]],
    name: str,
    end: Mapping[str, Any],
    end_s: float | None,
) -> tuple[Mapping[str, Any], float | None]:
    number, line = pending
    record = _object(line, name, number)
    if end:
        raise BadInputError(f"{name} line {number}: a record after the end record")
    if "end" in record:
        if record["end"] not in _VERDICTS:
            raise BadInputError(f"{name} line {number}: unknown end {record['end']!r}")
        return record, (_moment(record, "at", name, number) - began_at).total_seconds()
    polls.append(_poll(record, began_at, name, number, shared))
    return end, end_s


def _poll(
    record: Mapping[str, Any],
    began_at: datetime,
    name: str,
    number: int,
    shared: dict[tuple[str, ...], tuple[str, ...]],
) -> ObservedPoll:
    departed = (_moment(record, "departed", name, number) - began_at).total_seconds()
    answered = (_moment(record, "answered", name, number) - began_at).total_seconds()
    if answered < departed:
        raise BadInputError(f"{name} line {number}: answered before it departed")
    error = record.get("error", "")
    if error == "" or (error is not None and error not in CODE_OF):
        raise BadInputError(f"{name} line {number}: unknown error class {error!r}")
    status = record.get("status")
    if status is not None and (not isinstance(status, int) or isinstance(status, bool)):
        raise BadInputError(f"{name} line {number}: status is not a number")
    retry = record.get("retry_after_s")
    message = record.get("message")
    loop = record.get("loop", 0)
    return ObservedPoll(
        departed_s=departed,
        answered_s=answered,
        error=error,
        status=status,
        text=str(record.get("text") or ""),
        failing=_names(record, "failing", name, number, shared),
        ok=_names(record, "ok", name, number, shared),
        message=message if isinstance(message, str) else None,
        retry_after_s=float(retry) if isinstance(retry, int | float) and not isinstance(retry, bool) else None,
        cut=record.get("cut") is True,
        loop=loop if isinstance(loop, int) and not isinstance(loop, bool) else 0,
        line=number,
    )


def _object(line: str, name: str, number: int) -> Mapping[str, Any]:
    if len(line) > LINE_LIMIT:
        raise BadInputError(f"{name} line {number} is too long for a poll")
    try:
        record = json.loads(line.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        raise BadInputError(f"{name} line {number} is not JSON") from None
    if not isinstance(record, dict):
        raise BadInputError(f"{name} line {number} is not a JSON object")
    return record


def _moment(record: Mapping[str, Any], key: str, name: str, number: int) -> datetime:
    try:
        moment = datetime.fromisoformat(record[key])
    except (KeyError, TypeError, ValueError):
        raise BadInputError(f"{name} line {number}: {key} is not an ISO 8601 moment") from None
    if moment.tzinfo is None:
        raise BadInputError(f"{name} line {number}: {key} has no offset from UTC")
    if not 1000 <= moment.year < 9000:  # as of logs: beyond, shifting it to another zone may leave the calendar
        raise BadInputError(f"{name} line {number}: {key} is of the year {moment.year}")
    return moment


def _text(record: Mapping[str, Any], key: str, name: str, number: int) -> str:
    value = record.get(key)
    if not isinstance(value, str):
        raise BadInputError(f"{name} line {number}: {key} is not text")
    return value


def _names(
    record: Mapping[str, Any],
    key: str,
    name: str,
    number: int,
    shared: dict[tuple[str, ...], tuple[str, ...]],
) -> tuple[str, ...]:
    value = record.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadInputError(f"{name} line {number}: {key} is not a list of names")
    names = tuple(value)
    return shared.setdefault(names, names)  # thousands of polls show the same few lists
