"""How k3s, klog, etcd and the poller put things: one function per shape, rendered at a given moment.

Shapes follow recordings of real servers (``tests/data/recorded``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

BODY_LIMIT = 2048  # bytes of an answer that client-go keeps
READYZ = "/readyz?timeout=15s&verbose="

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/@^+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def go_quote(text: str) -> str:
    """``text`` as Go's ``%q`` writes it."""
    return '"' + "".join(_ESCAPES.get(c, c) for c in text) + '"'


@dataclass(frozen=True, slots=True)
class Wall:
    """Renders moments (µs, UTC) as the process's local time."""

    offset_min: int = 0

    def at(self, us: int) -> datetime:
        """Local time of ``us``."""
        zone = timezone(timedelta(minutes=self.offset_min))
        return datetime.fromtimestamp(us // 1_000_000, zone).replace(microsecond=us % 1_000_000)

    def rfc3339(self, us: int) -> str:
        """``2026-03-01T06:03:22Z`` or with the offset, as logrus stamps."""
        text = self.at(us).strftime("%Y-%m-%dT%H:%M:%S")
        return text + ("Z" if self.offset_min == 0 else self.colon())

    def colon(self) -> str:
        """``+05:30``."""
        sign = "-" if self.offset_min < 0 else "+"
        return f"{sign}{abs(self.offset_min) // 60:02d}:{abs(self.offset_min) % 60:02d}"

    def compact(self) -> str:
        """``+0530``."""
        return self.colon().replace(":", "")


def logrus(wall: Wall, us: int, level: str, msg: str, fields: Mapping[str, str] | None = None) -> str:
    """A line of k3s itself."""
    shown = msg if msg and set(msg) <= _PLAIN else go_quote(msg)
    tail = "".join(f" {k}={v if set(v) <= _PLAIN and v else go_quote(v)}" for k, v in sorted((fields or {}).items()))
    return f'time="{wall.rfc3339(us)}" level={level} msg={shown}{tail}'


def klog(wall: Wall, us: int, severity: str, where: str, pid: int, text: str) -> str:
    """A line of a Kubernetes component; ``where`` is ``file.go:123``."""
    return f"{severity}{wall.at(us):%m%d %H:%M:%S.%f} {pid:>7} {where}] {text}"


def zap(wall: Wall, us: int, level: str, caller: str, msg: str, fields: Mapping[str, object] | None = None) -> str:
    """A line of etcd."""
    stamp = f"{wall.at(us):%Y-%m-%dT%H:%M:%S.%f}" + ("Z" if wall.offset_min == 0 else wall.compact())
    head: dict[str, object] = {"level": level, "ts": stamp, "caller": caller, "msg": msg}
    return json.dumps(head | dict(fields or {}), separators=(",", ":"), ensure_ascii=False)


def readyz_body(checks: Sequence[str], failing: Sequence[str]) -> tuple[str, bool]:
    """``(body, cut)``: the verbose answer with some failing checks, as much of it as the client keeps."""
    bad = frozenset(failing)
    rows = [f"[-]{name} failed: reason withheld" if name in bad else f"[+]{name} ok" for name in checks]
    body = "\n".join([*rows, "readyz check failed"])
    return (body[:BODY_LIMIT], True) if len(body) + 1 > BODY_LIMIT else (body, False)


def shown_failing(body: str) -> tuple[str, ...]:
    """The failing checks that a (possibly cut) body names whole."""
    return tuple(
        row[3:].removesuffix(" failed: reason withheld")
        for row in body.split("\n")
        if row.startswith("[-]") and row.endswith(" failed: reason withheld")
    )


def server_error(body: str) -> str:
    """The text of an answer 500."""
    return f"an error on the server ({go_quote(body)}) has prevented the request from succeeding"


UNAVAILABLE = "the server is currently unable to handle the request"
FORBIDDEN = "unknown"  # the poller does not decode the body of a 403


def refused(port: int) -> str:
    """Nobody listens."""
    return f'Get "https://127.0.0.1:{port}{READYZ}": dial tcp 127.0.0.1:{port}: connect: connection refused'


def closed(port: int) -> str:
    """The connection was closed: a load balancer without a server behind it."""
    return f'Get "https://127.0.0.1:{port}{READYZ}": EOF'


def reset(port: int, own_port: int) -> str:
    """The connection was reset; the text holds the port of this attempt."""
    where = f"127.0.0.1:{own_port}->127.0.0.1:{port}"
    return f'Get "https://127.0.0.1:{port}{READYZ}": read tcp {where}: read: connection reset by peer'


def no_answer(port: int) -> str:
    """No answer within the request's 15 s."""
    return f'Get "https://127.0.0.1:{port}{READYZ}": context deadline exceeded'


def canceled(port: int) -> str:
    """The process is going down."""
    return f'Get "https://127.0.0.1:{port}{READYZ}": context canceled'
