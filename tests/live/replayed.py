"""A server that is a recording: what a real k3s answered, at the moments at which it did, in real time or faster.

One thread with an event loop and real TLS. ``at_s`` of everything is seconds of the recording since the process was
executed; the moments inside the watcher's windows (``after``, ``by``) are taken from their middle, so that the truth of
what this server answers is known exactly.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from analyzer.simulator.recorded import RecordedStart
from tests.live.double import PING, Pki

Reply = tuple[int, str, str]  # status, body, content type
TEXT, JSON = "text/plain; charset=utf-8", "application/json"


def status_body(code: int, message: str) -> Reply:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}
    return code, json.dumps(body), JSON


@dataclass(frozen=True)
class Timeline:
    """``listens``: from when to when the port is open. ``answers``: what a path gets at a moment; ``None``: cut off."""

    listens: tuple[tuple[float, float], ...]
    answers: Callable[[str, float], Reply | None]
    ready_s: float  # the truth; inf: never
    checks: Mapping[str, float] = field(default_factory=dict)  # when each clears


def readyz(checks: Mapping[str, float], at_s: float) -> Reply:
    failing = {name for name, clears in checks.items() if at_s < clears}
    lines = [f"[+]{name} ok" for name in PING]
    lines += [f"[-]{name} failed: reason withheld" if name in failing else f"[+]{name} ok" for name in checks]
    lines.append("readyz check failed" if failing else "readyz check passed")
    return (500 if failing else 200), "\n".join(lines) + "\n", TEXT


def recorded(start: RecordedStart) -> Timeline:
    """As a cluster admin saw it: refused, 503 of the supervisor, lists, ready."""
    answered, ready = (sum(window) / 2 for window in (start.answered, start.ready))
    checks = {name: min(sum(window) / 2, ready) for name, window in start.checks.items()}
    last = max(checks, key=lambda name: checks[name], default="poststarthook/rbac/bootstrap-roles")
    checks[last] = ready
    opens = min(start.first_poll if start.first_poll is not None else answered, answered)

    def answers(path: str, at_s: float) -> Reply:
        if not path.startswith("/readyz"):
            return status_body(404, "the server could not find the requested resource")
        if at_s < answered:
            return status_body(503, "apiserver not ready")
        return readyz(checks, at_s)

    return Timeline(((opens, float("inf")),), answers, ready, checks)


@dataclass
class Request:
    """One request as the server saw it, in seconds of the recording."""

    at_s: float
    path: str


class Replayed:
    """The server. ``begin()`` is the moment of execution; ``speed`` 10: ten seconds of the recording in one.

    ``first_at``: the port is open, and the first request comes at that second of the recording, whenever it comes: for
    clients that are processes on a busy machine.
    """

    def __init__(self, pki: Pki, timeline: Timeline, speed: float = 1.0, *, first_at: float | None = None) -> None:
        self.timeline, self.speed, self._first_at = timeline, speed, first_at
        self.requests: list[Request] = []
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._pki = pki
        self._zero = time.monotonic()
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def begin(self, in_s: float = 0.0) -> None:
        """Now, or in so many seconds, is the moment of execution."""
        self._zero = time.monotonic() + in_s

    def moment(self, monotonic: float) -> float:
        """A moment of this machine in seconds of the recording."""
        if self._first_at is not None:
            return self._first_at
        return (monotonic - self._zero) * self.speed

    def now_s(self) -> float:
        return self.moment(time.monotonic())

    def wall_of(self, at_s: float) -> float:
        """Seconds since 1970 of a moment of the recording."""
        return time.time() - time.monotonic() + self._zero + at_s / self.speed

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(10.0)
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    # --- the thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.create_task(self._live())
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _live(self) -> None:
        context = self._tls()
        # Bound for good, so that nobody else takes the port; listening only while the recording does.
        import socket

        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        own.bind(("127.0.0.1", 0))
        self.port = own.getsockname()[1]
        self._up.set()
        for opens, closes in self.timeline.listens:
            while self.now_s() < opens:
                await asyncio.sleep(min(0.02, max(0.0005, (opens - self.now_s()) / self.speed)))
            server = await asyncio.start_server(
                self._serve, "127.0.0.1", self.port, ssl=context, reuse_port=True, reuse_address=True
            )
            while self.now_s() < closes:
                await asyncio.sleep(min(0.02, max(0.0005, (closes - self.now_s()) / self.speed)))
            server.close()
            for writer in tuple(self._writers):  # what a process leaves behind when it ends
                writer.transport.abort()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            cert, key = Path(folder, "c"), Path(folder, "k")
            for file, text in zip((cert, key), self._pki.server(), strict=True):
                file.write_text(text)
            context.load_cert_chain(cert, key)
        context.load_verify_locations(cadata=self._pki.ca_pem)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode("latin-1")
                if self._first_at is not None:
                    self._zero, self._first_at = time.monotonic() - self._first_at / self.speed, None
                now = self.now_s()
                self.requests.append(Request(now, path))
                reply = self.timeline.answers(path, now)
                if reply is None:
                    return
                status, body, mime = reply
                date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
                told = f"HTTP/1.1 {status} X\r\nContent-Type: {mime}\r\nDate: {date}\r\n"
                close = b"connection: close" in head.lower()
                told += (
                    f"Content-Length: {len(body.encode())}\r\n" + ("Connection: close\r\n" if close else "") + "\r\n"
                )
                writer.write(told.encode() + body.encode())
                await writer.drain()
                if close:
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError, asyncio.CancelledError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()


# --- whole recordings, with every run of the process in them


@dataclass(frozen=True)
class _Life:
    """One run of the process: seconds since the first run was executed. ``flips`` of each check in time order."""

    opens: float
    answered: float
    ends: float
    flips: Mapping[str, tuple[tuple[float, bool], ...]]

    def states(self, at_s: float) -> dict[str, bool]:
        """Which checks pass."""
        found = {}
        for name, flips in self.flips.items():
            before = [ok for when, ok in flips if when <= at_s]
            found[name] = before[-1] if before else flips[0][1]
        return found


def _life(start: Mapping[str, Any], zero: int) -> _Life:
    def seconds(rt: float) -> float:
        return (rt - zero) / 1e6

    began, ends = seconds(start["exec_rt"]), seconds(start["end_rt"])
    flips = {
        name: tuple(((seconds(m["after"]) + seconds(m["by"])) / 2, m["to"] == "ok") for m in moves)
        for name, moves in start["checks"].items()
    }
    answered = seconds(sum(start["answered"]) / 2) if start["answered"] else float("inf")
    return _Life(began + 0.4 * (min(answered, ends) - began), answered, ends, flips)


def whole(truth: Path) -> tuple[Timeline, tuple[float, ...]]:
    """A recording with all its starts and ends, and the moments at which what it answers turned ready."""
    starts = json.loads(truth.read_text())["starts"]
    lives = [_life(start, starts[0]["exec_rt"]) for start in starts]
    turned = [
        moment
        for life in lives
        for moment in sorted({life.answered, *(when for flips in life.flips.values() for when, _ in flips)})
        if life.answered <= moment < life.ends
        and all(life.states(moment).values())
        and (moment == life.answered or not all(life.states(moment - 1e-6).values()))
    ]

    def answers(path: str, at_s: float) -> Reply | None:
        life = next((life for life in lives if life.opens <= at_s < life.ends), None)
        if life is None:
            return None
        if at_s < life.answered or not life.flips:
            return status_body(503, "apiserver not ready")
        states = life.states(at_s)
        lines = [f"[+]{name} ok" if ok else f"[-]{name} failed: reason withheld" for name, ok in states.items()]
        good = all(states.values())
        lines.append("readyz check passed" if good else "readyz check failed")
        return (200 if good else 500), "\n".join(lines) + "\n", TEXT

    listens = tuple((life.opens, life.ends) for life in lives)
    return Timeline(listens, answers, min(turned, default=float("inf"))), tuple(turned)
