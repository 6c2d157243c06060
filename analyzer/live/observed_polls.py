"""The polls of one wait, and the file that keeps them (schema ``k3slog.polls``, JSON lines).

Line 1 is the header, then one object per poll, then one end record (left out when the wait was killed)::

    {"schema": "k3slog.polls", "schema_version": 1, "tool": "0.1.0", "server": "https://127.0.0.1:6443",
     "policy": "adaptive", "began_at": "2025-03-01T06:03:22.000000+00:00"}
    {"departed": ISO, "answered": ISO, "status": 500, "error": "readyz_failing", "text": "readyz check failed",
     "failing": [...], "ok": [...], "message": null, "retry_after_s": null, "cut": false, "loop": 0}
    {"end": "ready", "at": ISO, "reason": ""}

Stamps are absolute, to the microsecond, taken from monotonic time (see ``clock``). ``error`` is ``null`` for the answer
that said *ready*. ``message``, ``retry_after_s``, ``cut`` and ``loop`` may be missing; the header of a wait without
credentials has ``"anonymous": true``. The end record of a wait for more than readiness has ``goals``, each with ``id``,
``after``, ``by`` (moments or ``null``) and ``text``. Unknown fields are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from typing import Any, Literal

from analyzer.errors import BadInputError
from analyzer.policies.protocol import CODE_OF

SCHEMA = "k3slog.polls"
SCHEMA_VERSION = 1
#: A line holds one check list; more is not one of these files.
LINE_LIMIT = 256 * 1024
#: Text of a poll that was in flight when the wait was over: it says nothing of the server.
CUT_OFF = "cut off by the end of the wait"

GoalId = Literal["api", "node", "node_ready", "system"]
#: The goals of each value of ``--until``, in the order in which they come.
UNTIL: dict[str, tuple[GoalId, ...]] = {
    "api": ("api",),
    "ready": ("api",),
    "node": ("api", "node"),
    "node_ready": ("api", "node", "node_ready"),
    "system": ("api", "system"),
    "all": ("api", "node", "node_ready", "system"),
}
Verdict = Literal["ready", "fatal", "timed_out", "interrupted"]
_VERDICTS: tuple[Verdict, ...] = ("ready", "fatal", "timed_out", "interrupted")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one poll brought. ``error`` is a class of the contract, ``None`` for a server that says it is ready.

    ``message`` is the ``message`` of a Kubernetes ``Status`` body; ``cut`` says that the body was longer than was read.
    """

    error: str | None
    status: int | None = None
    text: str = ""
    failing: tuple[str, ...] = ()
    ok: tuple[str, ...] = ()
    retry_after_s: float | None = None
    message: str | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedPoll(Answer):
    """One poll: when the request left, when its answer was read (or given up), and what it was.

    ``departed_s`` and ``answered_s`` are seconds since the wait's ``began_at``. ``loop`` is the index of the policy's
    loop that asked (0 but for ``legacy-4x1s``). ``line`` is the 1-based line in the file.
    """

    departed_s: float
    answered_s: float
    loop: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class GoalSeen:
    """A goal of ``--until``: reached after the departure of the last question that said no (``lower_s``; ``None``: none
    did) and by the first answer that said yes (``upper_s``; ``None``: none did). ``text``: what the last look showed.
    """

    id: str  # a GoalId, or one of a later release
    lower_s: float | None = None
    upper_s: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ObservedWait:
    """Everything one wait saw, in the order in which answers were read. ``end_s`` is ``None`` when it was killed.

    ``goals`` is empty where nothing but readiness was waited for. ``waited_for``: what was missing before anything
    could be asked, where that was so to the end.
    """

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
    goals: tuple[GoalSeen, ...] = ()
    waited_for: str = ""

    @property
    def locked_out(self) -> bool:
        """Whether it ended because the API answers, but not to a client without credentials."""
        last = next((p.error for p in reversed(self.polls)), None)
        return self.verdict == "fatal" and self.anonymous and last == "unauthorized"

    @property
    def success(self) -> ObservedPoll | None:
        """The poll that saw the server ready, where that ended the wait for it; ``None`` otherwise."""
        good = [p for p in self.polls if p.error is None]
        reached = any(goal.id == "api" and goal.upper_s is not None for goal in self.goals)
        return good[-1] if good and (self.verdict == "ready" or reached) else None


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds, always the same width."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def dump(wait: ObservedWait) -> str:
    """The file's text; the same wait gives the same bytes."""
    return "".join(f"{json.dumps(record, separators=(',', ':'))}\n" for record in _records(wait))


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
        yield {
            "end": wait.verdict,
            "at": at(wait.end_s),
            "reason": wait.reason,
            "advice": wait.advice,
            **({"waited_for": wait.waited_for} if wait.waited_for else {}),
            **({"goals": [_goal_record(goal, at) for goal in wait.goals]} if wait.goals else {}),
        }


def _goal_record(goal: GoalSeen, at: Callable[[float], str]) -> dict[str, str | None]:
    after, by = (None if moment is None else at(moment) for moment in (goal.lower_s, goal.upper_s))
    return {"id": goal.id, "after": after, "by": by, "text": goal.text}


def looks_like(first_line: str) -> bool:
    """Whether a file that begins with ``first_line`` is one of these; cheap, for format detection."""
    return first_line.lstrip("\ufeff \t").startswith("{") and f'"{SCHEMA}"' in first_line[:400]


def parse(lines: Iterable[str], name: str = "input") -> ObservedWait:
    """Read a file back. A last line that was cut off is passed over; anything else wrong is a ``BadInputError``.

    ``name`` and the 1-based line are named in errors.
    """
    records = _records_of(lines, name)
    head = next(records, None)
    if head is None:
        raise BadInputError(f"{name} is empty")
    if head.get("schema") != SCHEMA:
        raise BadInputError(f"{name} is not a file of polls: its first line lacks schema {SCHEMA!r}")
    if head.get("schema_version") != SCHEMA_VERSION:
        raise BadInputError(f"{name} has schema_version {head.get('schema_version')!r}, this program reads 1")
    began_at = head.moment("began_at")
    polls: list[ObservedPoll] = []
    end: dict[str, Any] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # thousands of polls show the same few lists
    for record in records:
        if end:
            raise record.bad("a record after the end record")
        if "end" not in record:
            polls.append(record.poll(began_at, shared))
        elif record["end"] in _VERDICTS:
            end = {"verdict": record["end"], "end_s": (record.moment("at") - began_at).total_seconds()}
            end |= {key: str(record.get(key) or "") for key in ("reason", "advice", "waited_for")}
            end["goals"] = record.goals(began_at)
        else:
            raise record.bad(f"unknown end {record['end']!r}")
    return ObservedWait(
        server=head.text("server"),
        policy=head.text("policy"),
        began_at=began_at,
        polls=tuple(polls),
        tool=str(head.get("tool") or ""),
        anonymous=head.get("anonymous") is True,
        **end,
    )


def _records_of(lines: Iterable[str], name: str) -> Iterator[_Record]:
    """The objects of the lines; a last one that was cut off is left out, unless it is the only one."""
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    alone = True
    for (number, line), following in pairwise(chain(numbered, [(0, "")])):
        try:
            yield _Record.of(line, name, number)
        except BadInputError:
            if alone or following[1] or line.rstrip().endswith("}"):
                raise
        alone = False


class _Record(dict[str, Any]):
    """One line of the file; ``bad`` names it."""

    name: str
    number: int

    @classmethod
    def of(cls, line: str, name: str, number: int) -> _Record:
        if len(line) > LINE_LIMIT:
            raise BadInputError(f"{name} line {number} is too long for a poll")
        try:
            found = json.loads(line.lstrip("\ufeff"))
        except (ValueError, RecursionError):
            raise BadInputError(f"{name} line {number} is not JSON") from None
        if not isinstance(found, dict):
            raise BadInputError(f"{name} line {number} is not a JSON object")
        record = cls(found)
        record.name, record.number = name, number
        return record

    def bad(self, what: str) -> BadInputError:
        return BadInputError(f"{self.name} line {self.number}: {what}")

    def moment(self, key: str) -> datetime:
        try:
            moment = datetime.fromisoformat(self[key])
        except (KeyError, TypeError, ValueError):
            raise self.bad(f"{key} is not an ISO 8601 moment") from None
        if moment.tzinfo is None:
            raise self.bad(f"{key} has no offset from UTC")
        if not 1000 <= moment.year < 9000:  # as of logs: beyond, shifting it to another zone may leave the calendar
            raise self.bad(f"{key} is of the year {moment.year}")
        return moment

    def text(self, key: str) -> str:
        if not isinstance(self.get(key), str):
            raise self.bad(f"{key} is not text")
        return str(self[key])

    def names(self, key: str) -> tuple[str, ...]:
        value = self.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.bad(f"{key} is not a list of names")
        return tuple(value)

    def number_or(self, key: str, default: Any, kinds: type | tuple[type, ...] = int) -> Any:
        """The number under ``key``, ``default`` where there is none."""
        value = self.get(key)
        return value if isinstance(value, kinds) and not isinstance(value, bool) else default

    def goals(self, began_at: datetime) -> tuple[GoalSeen, ...]:
        """The goals of the end record; a file of an older release has none."""
        given = self.get("goals") or []
        if not isinstance(given, list):
            raise self.bad("goals is not a list")
        return tuple(self._goal(each, began_at) for each in given)

    def _goal(self, given: Any, began_at: datetime) -> GoalSeen:
        if not isinstance(given, dict) or not isinstance(given.get("id"), str):
            raise self.bad("a goal has no id")
        one = _Record(given)
        one.name, one.number = self.name, self.number
        lower, upper = (
            None if one.get(key) is None else (one.moment(key) - began_at).total_seconds() for key in ("after", "by")
        )
        if lower is not None and upper is not None and upper < lower:
            raise self.bad("a goal was reached before it was not")
        return GoalSeen(given["id"], lower, upper, str(one.get("text") or ""))

    def poll(self, began_at: datetime, shared: dict[tuple[str, ...], tuple[str, ...]]) -> ObservedPoll:
        departed, answered = ((self.moment(key) - began_at).total_seconds() for key in ("departed", "answered"))
        if answered < departed:
            raise self.bad("answered before it departed")
        error = self.get("error", "")
        if error is not None and not (isinstance(error, str) and error and error in CODE_OF):
            raise self.bad(f"unknown error class {error!r}")
        status = self.number_or("status", None)
        if status is None and self.get("status") is not None:
            raise self.bad("status is not a number")
        failing, ok = (shared.setdefault(names, names) for names in (self.names("failing"), self.names("ok")))
        retry_s = self.number_or("retry_after_s", None, (int, float))
        return ObservedPoll(
            departed_s=departed,
            answered_s=answered,
            error=error,
            status=status,
            text=str(self.get("text") or ""),
            failing=failing,
            ok=ok,
            message=self["message"] if isinstance(self.get("message"), str) else None,
            retry_after_s=None if retry_s is None else float(retry_s),
            cut=self.get("cut") is True,
            loop=self.number_or("loop", 0),
            line=self.number,
        )
