"""The fast scan of large inputs: whole blocks of bytes are searched, and only lines some rule can use are decoded.

Kept are: the first lines of the input and its last ones; every line that holds one of the literals below, with the
lines just before a banner or a line of systemd (the last words of the process before); and everything that follows a
banner ``Starting k3s v…`` until some time after the process is up, so that a start is read as completely as from a
small file. Outside of that, steady-state lines are passed over and counted.

Measured design: blocks of 128 KiB read into one reused buffer, expressions that begin with a literal (the regex engine
searches those fast), line bounds cut out with ``find``. When ``ahocorasick_rs`` can be imported, its automaton does
the search; it finds the same lines and perhaps a few more.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from analyzer.sources.lines import LINE_LIMIT, RawLine, read_lines

BIG = 32 << 20  # bytes: smaller inputs are decoded line by line
BLOCK = 128 * 1024
HEAD_LINES = 200
BEFORE = 20  # lines kept before a banner or a line of systemd, and at the end of the input
WINDOW = 5000  # lines after a banner that are all kept
AFTER_READY = 400  # … and after "is up and running"
WINDOW_BUDGET = 250_000  # lines in all; a crash loop of thousands of starts is then read by its literals alone

# Words at the begin of a logrus message, of a klog message, and anywhere in a line.
LOGRUS = (
    "Starting k3s", "Starting rke2", "Acquiring lock", "Preparing data", "Polling for API", "Waiting for API",
    "Waiting for etcd", "Waiting to retrieve", "Waiting for cloud-controller", "Waiting for untainted",
    "Waiting for control-plane", "Failed to wait for", "Failed to test", "Connection to etcd", "Kube API server",
    "ETCD server is now", "Shutdown request", "Second shutdown", "Kine available", "Running kube-apiserver",
    "generated self-signed CA", "Creating k3s-supervisor", "Running containerd", "Running kubelet", "containerd is now",
    "Containerd is now", "Managed etcd cluster", "Caches are synced", "Closing database", "Slow SQL", "Error: ",
    "k3s is up", "rke2 is up", "k3s agent is up", "rke2 agent is up", "signal received",
)  # fmt: skip
KLOG = (
    "Serving securely", "Version: v", "Loaded ", "all system priority", "created PriorityClass",
    "unable to get PriorityClass", "going to retry, unable", "unable to initialize", "unable to prime",
    "unable to reconcile", "skipped reconcile-protected", "quota admission added", "Unable to perform initial",
    "Error removing old", "Found stale data", "Starting DiscoveryC", "Starting APIService", "Starting ResourceD",
    "Starting API Pri", "Starting OpenAPI", "Starting Avail", "Starting LocalA", "Starting RemoteA",
    "Starting system n",
    "Starting cluster_auth", "Starting kubernetes-service", "Starting ipallocator", "Starting legacy_tok",
    "Starting apiserver l", "Caches are synced", "initial CRD", "waiting for initial CRD", "Creating default Serv",
    "Setting default Serv", "Resetting endpoints", "PostStartHook", "Successfully registered", "Node was prev",
    "failed to initially", "Starting k3s v", "Starting k3s agent v", "Starting rke2 v", "k3s is up", "Waiting for API",
    "Polling for API", "Kube API server",
)  # fmt: skip
KLOG_QUOTED = (
    "Starting", "Kubelet version", "allocated clusterIPs", "Deleting old lease", "Caches are synced", "Unhandled Error",
    "Started kubelet", "Successfully registered", "Node was prev",
)  # fmt: skip
ANYWHERE = (
    "level=fatal", "level=panic", "panic: ", "fatal error: ", "check failed: ",
    "systemd-journald", "systemd-timesyncd",
)  # fmt: skip
IN_TEXT = ("systemd[1]", "-- Boot ", "-- Reboot", "FATA[", "PANI[")
IN_JSON = (
    '"SYSLOG_IDENTIFIER":"systemd"',
    '"SYSLOG_IDENTIFIER" : "systemd"',
    '"SYSLOG_IDENTIFIER": "systemd"',
    '"MESSAGE":[',
)
_SYSTEMD = (b"systemd[1]", b'"systemd"')
_BANNER = re.compile(rb'(?:msg=\\?"|\] |"MESSAGE" ?: ?")Starting (?:k3s|rke2) (?:(?:agent|server) )?v?\d')
_TERMINAL = re.compile(rb"(?:TRAC|DEBU|INFO|WARN|ERRO)(?:\x1b\[0m)?\[")
_READY = b"is up and running"
_BLOCK = b"check failed: "  # klog prints the failing checks as lines of their own after this one
_BLOCK_LINES = 60
_Engine = Callable[[bytearray, int, int], list[int]]


def _group(words: tuple[str, ...]) -> bytes:
    return b"|".join(re.escape(word.encode()) for word in words)


def stdlib_engine(json: bool = False, terminal: bool = True) -> _Engine:
    """The search by the standard library: expressions behind a literal, one pass each, and plain ``find`` passes."""
    expressions = [
        re.compile(rb'msg=(?:\\?")?(?:' + _group(LOGRUS) + rb")"),
        re.compile(rb"\] (?:" + _group(KLOG) + rb'|\\?"(?:' + _group(KLOG_QUOTED) + rb"))"),
        re.compile(rb"level=(?:fatal|panic)"),
    ]
    words = [b"panic: ", b"fatal error: ", b"check failed: "]
    if json:
        expressions.append(re.compile(rb'"SYSLOG_IDENTIFIER" ?: ?"systemd(?:"|-journald|-timesyncd)'))
        expressions.append(re.compile(rb'"MESSAGE" ?: ?(?:\[|"F\d{4} )'))
    else:
        expressions.append(re.compile(rb"systemd(?:\[1\]|-journald|-timesyncd)"))
        expressions.append(re.compile(rb"-- (?:Boot |Reboot)"))
        expressions.append(re.compile(rb"\]: F\d{4} "))
    if terminal:
        words += [b"FATA[", b"PANI["]

    def search(buffer: bytearray, begin: int, end: int) -> list[int]:
        starts: set[int] = set()
        for expression in expressions:
            for match in expression.finditer(buffer, begin, end):
                starts.add(buffer.rfind(b"\n", begin, match.start()) + 1 or begin)
        for word in words:
            at = buffer.find(word, begin, end)
            while at >= 0:
                starts.add(buffer.rfind(b"\n", begin, at) + 1 or begin)
                at = buffer.find(word, at + 1, end)
        return sorted(starts)

    return search


def automaton_engine(json: bool = False) -> _Engine | None:
    """The search by ``ahocorasick_rs``, ``None`` when it is not installed."""
    try:
        module: Any = import_module("ahocorasick_rs")
    except ImportError:
        return None
    words = {w.encode() for w in (*LOGRUS, *KLOG, *KLOG_QUOTED, *ANYWHERE, *(IN_JSON if json else IN_TEXT))}
    words.discard(b"Starting")
    ordered = sorted(words)
    # At most 64 literals keep the vectorised search, so two automata are faster than a single one.
    kind = module.MatchKind.LeftmostFirst
    machines = [module.BytesAhoCorasick(part, matchkind=kind) for part in (ordered[::2], ordered[1::2])]
    short = (re.compile(rb'\] \\?"Starting'), re.compile(rb'"MESSAGE" ?: ?"F\d{4} ' if json else rb"\]: F\d{4} "))

    def search(buffer: bytearray, begin: int, end: int) -> list[int]:
        starts: set[int] = set()
        with memoryview(buffer)[begin:end] as view:
            for machine in machines:
                for _, first, _last in machine.find_matches_as_indexes(view):
                    starts.add(buffer.rfind(b"\n", begin, begin + first) + 1 or begin)
        for expression in short:
            for match in expression.finditer(buffer, begin, end):
                starts.add(buffer.rfind(b"\n", begin, match.start()) + 1 or begin)
        return sorted(starts)

    return search


class EntryFilter:
    """The same choice for the entries of a large export: by message, with the window after a banner."""

    def __init__(self) -> None:
        self._words = re.compile(
            rb'msg="?(?:' + _group(LOGRUS) + rb")|\] (?:" + _group(KLOG) + rb'|"(?:' + _group(KLOG_QUOTED)
            + rb"))|\AF\d{4} |" + _group(ANYWHERE)
        )  # fmt: skip
        self._head = HEAD_LINES
        self._window = 0
        self._budget = WINDOW_BUDGET

    def wanted(self, message: bytes, *, systemd: bool) -> bool:
        """Whether an entry with this message is kept; ``systemd``: PID 1 wrote it, or journald about lost lines."""
        self._head -= 1
        inside = self._window > 0 or self._head >= 0
        if self._window > 0:
            self._window -= 1
            self._budget -= 1
        if _BANNER.search(message) is not None and self._budget > 0:
            self._window = min(WINDOW, self._budget)
        elif self._window and _READY in message:
            self._window = min(self._window, AFTER_READY)
        elif self._window < _BLOCK_LINES and self._budget > 0 and _BLOCK in message:
            self._window = _BLOCK_LINES
        return inside or systemd or self._words.search(message) is not None


def candidates(reader: io.BufferedReader, big: bool, engine: _Engine | None = None) -> Iterator[RawLine]:
    """Lines worth decoding: all of a small input, those named above of a large one.

    ``big`` says that the input is known to be large; one of unknown size becomes large after 32 MiB. Numbers of lines
    that were passed over are missing from the sequence, and the next line has ``gap`` set. When the last lines are
    passed over a ``filler`` tells the number of the last one.
    """
    size = window = 0
    line = None
    for line in read_lines(reader):
        yield line
        window -= 1
        if _BANNER.search(line.data) is not None:
            window = WINDOW
        elif window > AFTER_READY and _READY in line.data:
            window = AFTER_READY
        size += len(line.data) + 1
        if size > BIG or (big and line.number >= HEAD_LINES):
            break
    else:
        return
    json = line.data.lstrip()[:1] == b"{" and b'"MESSAGE"' in line.data
    terminal = _TERMINAL.search(line.data) is not None
    chosen = engine or automaton_engine(json) or stdlib_engine(json, terminal)
    yield from _Scan(reader, line.number + 1, chosen, max(window, 0)).lines()


class _Scan:
    """State of one scan: the buffer, the number of the next line, and how much of a start is still to be kept."""

    def __init__(self, reader: io.BufferedReader, number: int, engine: _Engine, window: int) -> None:
        self.reader = reader
        self.engine = engine
        self.number = number  # of the line at self.at
        self.at = 0
        self.gap = False
        self.window = window
        self.budget = WINDOW_BUDGET
        self.buffer = bytearray(BLOCK + LINE_LIMIT + BLOCK)

    def lines(self) -> Iterator[RawLine]:
        buffer, filled, overlap = self.buffer, 0, 0
        view = memoryview(buffer)
        while True:
            got = self.reader.readinto(view[filled : filled + BLOCK])
            filled += got
            if not got and filled > overlap and buffer[filled - 1] != 10:
                buffer[filled] = 10
                filled += 1
            end = buffer.rfind(b"\n", overlap, filled) + 1
            if not end:
                if not got:
                    yield from self._tail(overlap)
                    break
                if filled - overlap >= LINE_LIMIT:
                    yield from self._endless(overlap, filled)
                    filled = overlap = 0
                    self.at = 0
                continue
            yield from self._block(overlap, end)
            if not got:
                yield from self._tail(end)
                break
            # Keep some lines already searched in front, as context for what the next block finds.
            keep = max(self.at, buffer.rfind(b"\n", 0, max(end - 8192, 0)) + 1)
            if end - keep > BLOCK // 2:
                keep = end
            if keep > self.at:
                self._skip(keep)
            view[: filled - keep] = view[keep:filled]
            filled -= keep
            overlap = end - keep
            self.at = 0
        view.release()

    def _skip(self, to: int) -> None:
        """Pass over the lines up to offset ``to``."""
        if to > self.at:
            self.number += self.buffer.count(b"\n", self.at, to)
            self.at = to
            self.gap = True

    def _take(self) -> RawLine:
        """The line at the current offset."""
        end = self.buffer.find(b"\n", self.at)
        line = RawLine(self.number, bytes(self.buffer[self.at : end][:LINE_LIMIT]), gap=self.gap)
        self.gap = False
        self.number += 1
        self.at = end + 1
        return line

    def _block(self, begin: int, end: int) -> Iterator[RawLine]:
        buffer = self.buffer
        for start in [*self.engine(buffer, begin, end), end]:
            while self.window > 0 and self.at < start:
                self.window -= 1
                self.budget -= 1
                yield self._take()
            if start == end or start < self.at:
                continue
            stop = buffer.find(b"\n", start, end)
            banner = _BANNER.search(buffer, start, stop) is not None
            if banner or any(buffer.find(word, start, stop) >= 0 for word in _SYSTEMD):
                first = start
                for _ in range(BEFORE):
                    if first <= self.at:
                        break
                    first = buffer.rfind(b"\n", self.at, first - 1) + 1 or self.at
                self._skip(first)
                while self.at < start:
                    yield self._take()
            else:
                self._skip(start)
            if banner and self.budget > 0:
                self.window = min(WINDOW, self.budget)
            elif self.window and buffer.find(_READY, start, stop) >= 0:
                self.window = min(self.window, AFTER_READY)
            elif self.window < _BLOCK_LINES and self.budget > 0 and buffer.find(_BLOCK, start, stop) >= 0:
                self.window = _BLOCK_LINES
            yield self._take()

    def _tail(self, end: int) -> Iterator[RawLine]:
        """The last lines of the input."""
        first = end
        for _ in range(BEFORE):
            if first <= self.at:
                break
            first = self.buffer.rfind(b"\n", self.at, first - 1) + 1 or self.at
        self._skip(first)
        while self.at < end:
            yield self._take()
        if self.gap:
            yield RawLine(self.number - 1, b"", filler=True)

    def _endless(self, begin: int, filled: int) -> Iterator[RawLine]:
        """A line longer than the limit: its head is kept when it holds a literal, the rest is dropped."""
        self._skip(begin)
        data = bytes(self.buffer[begin:filled])
        self.buffer[filled] = 10
        if self.engine(self.buffer, begin, filled + 1):
            yield RawLine(self.number, data[:LINE_LIMIT], cut=True, gap=self.gap)
            self.gap = False
        else:
            self.gap = True
        self.number += 1
        while True:
            rest = self.reader.readline(LINE_LIMIT)
            if not rest or rest.endswith(b"\n"):
                return
