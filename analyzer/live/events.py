"""A wait as JSON lines on stdout (schema ``k3slog.event``): one for each change, the last one says how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TextIO

from analyzer.live.clock import Stopwatch
from analyzer.live.ending import ending_of
from analyzer.live.observed_polls import GoalSeen, ObservedPoll, ObservedWait, iso
from analyzer.live.readiness import Seen, ready_window, suspects
from analyzer.policies.protocol import ERRORS, AskAt, Decision, Observation

SCHEMA = "k3slog.event"
SCHEMA_VERSION = 1
_SEVERITIES = dict(ERRORS)


class JsonLines:
    """Writes an event for each change. A reader who left surfaces as ``BrokenPipeError``."""

    def __init__(self, stream: TextIO, policy: str, until: str) -> None:
        self._stream = stream
        self._start: dict[str, Any] | None = {"policy": policy, "until": until}
        self._last: Mapping[str, Any] | None = None
        self._goals: dict[str, object] = {}
        self.watch: Stopwatch | None = None

    def polled(self, poll: ObservedPoll, seen: Observation, before: str, decision: Decision) -> None:
        """Tell an answer that is another one than before."""
        told = {
            "error": poll.error,
            "severity": None if poll.error is None else _SEVERITIES.get(poll.error, "suspect"),
            "http_status": poll.status,
            "failing": list(poll.failing),
            "text": poll.text,
            "state": decision.state if isinstance(decision, AskAt) else decision.kind,
        }
        if told != self._last:
            self._last = told
            self._tell("poll", poll.answered_s, {"departed_s": round(poll.departed_s, 6), **told})

    def looked(self, goal: GoalSeen, at_s: float) -> None:
        """Tell a look at a goal that showed something new."""
        told = (goal.upper_s is not None, goal.text)
        if self._goals.get(goal.id) != told:
            self._goals[goal.id] = told
            self._tell("goal", at_s, {"reached": goal.upper_s is not None, **_goal(goal)})

    def said(self, line: str) -> None:
        """Tell what is going on beside the answers."""
        self._tell("waiting" if line.startswith("waiting for ") else "note", self._now_s(), {"text": line})

    def ended(self, wait: ObservedWait, exit_code: int) -> None:
        """The last event: the verdict, the windows and what they rest on."""
        seen = Seen.of(wait)
        window = ready_window(seen)
        end = None if seen.success is not None else ending_of(wait)
        last = seen.last_list
        names = suspects(seen, list(dict.fromkeys((*last.failing, *last.ok))))[0] if last is not None else []
        told = {
            "end": wait.verdict,
            "exit_code": exit_code,
            "server": wait.server,
            "ready": {"lower": window.lower, "upper": window.upper},
            "last_checks": names if seen.success is not None else [],
            "goals": [_goal(goal) for goal in wait.goals],
            "polls": len(wait.polls),
            "reason": wait.reason if end is None or wait.verdict == "fatal" else end.sentence,
            "advice": wait.advice if end is None else end.advice_of(wait),
        }
        self._tell("end", wait.end_s or 0.0, told)

    def _now_s(self) -> float:
        return self.watch.now_s() if self.watch is not None else 0.0

    def _tell(self, event: str, at_s: float, told: Mapping[str, Any]) -> None:
        if self._start is not None and self.watch is not None:
            begun, self._start = self._start, None
            self._write("start", 0.0, begun)
        self._write(event, at_s, told)

    def _write(self, event: str, at_s: float, told: Mapping[str, Any]) -> None:
        head = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "at": iso(self.watch.stamp(at_s)) if self.watch is not None else None,
            "at_s": round(at_s, 6),
            "start": 1,
            "event": event,
        }
        self._stream.write(json.dumps({**head, **told}, separators=(",", ":")) + "\n")
        self._stream.flush()


def _goal(goal: GoalSeen) -> dict[str, Any]:
    return {"id": goal.id, "window": {"lower": goal.lower_s, "upper": goal.upper_s}, "text": goal.text}
