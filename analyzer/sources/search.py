"""Which bytes make a line worth decoding, and two engines that find them.

The words are those that begin or end a start, tell its outcome, or show that one is going on; what else belongs to a
start is kept because it stands near them (``scan``). Measured rules behind their choice: the automaton runs at 10 GB/s
with about 20 literals of at least four bytes (at 4.5 with 32 to 64), and stops less often when their first four
bytes are rare ("emd[1]: " instead of "systemd[1]: ", whose first bytes are those of "system"); the standard library's
expressions are fast when they begin with a literal, and each further pass costs about 0.25 s per GB.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

BANNERS = ("Starting k3s", "Starting rke2")
# What both engines look for: messages of k3s and RKE2 themselves …
LOGRUS = (
    *BANNERS, "Polling for API", "Waiting for API", "Kube API server is now running", "ETCD server is now running",
    "containerd is now running", "Containerd is now running", "Shutdown request", "signal received", "Signal received",
    "Second shutdown signal", "k3s is up and running", "rke2 is up and running", "k3s agent is up and running",
    "rke2 agent is up and running",
    # … of which another host logs the other side, at any time: who has one has all, so that they can be counted
    "Handling backend connection", "Connecting to proxy", "Remotedialer connected to proxy",
)  # fmt: skip
# … the same for the automaton, which looks anywhere in a line: what they have in common, rare bytes first.
_ANYWHERE = (
    *BANNERS, "g for API", "now running", "Shutdown request", "ignal received", "up and running", "fatal msg=",
    "panic msg=", "ing backend conn", "ing to proxy", "ted to proxy",
)  # fmt: skip
# … and those of klog and the Go runtime.
_OTHER = ("Serving securely", "Started kubelet", "Successfully registered", " [running]:")
# More of them, for the starts that are not kept whole because there are too many.
_THOROUGH = (
    "Waiting for etcd", "Waiting to retrieve", "Failed to wait for", "failed to wait for", "Received signal",
    "Kine available", "Connection to etcd is ready", "Running kube-apiserver", "generated self-signed CA",
    "Creating k3s-supervisor",
)  # fmt: skip
_THOROUGH_OTHER = ("fatal error: ", "PostStartHook ", "check failed: ")
_THOROUGH_ANYWHERE = (*_THOROUGH, *_THOROUGH_OTHER)
# Of systemd, where it marks itself differently in each kind of carrier.
Kind = Literal["text", "terminal", "json", "export"]
_TERMINAL = ("FATA[",)  # logrus on a terminal: FATA[0012]
_KERNEL = "nel: Linux version"  # the first line of a boot
_TEXT = (
    "emd[1]: St", "emd[1]: Fail", "emd[1]: Time", ".service: ", "emd-journald", "emd-timesyncd", "-- Boot ",
    "-- Reboot", _KERNEL, *_TERMINAL,
)  # fmt: skip
_OF_KIND: dict[Kind, tuple[str, ...]] = {
    "text": _TEXT,
    "terminal": _TEXT,
    "json": (
        '"systemd"', '"systemd-journald"', '"systemd-timesyncd"', '"MESSAGE":[', '"MESSAGE" : [', '"MESSAGE": [',
        "Linux version", *_TERMINAL,
    ),
    "export": ("GE=Linux version", "R=systemd\n", "N_DROPPED=", "emd-timesyncd", *_TERMINAL),
}  # fmt: skip

# The same for the standard library: expressions, and words.
_IN_TEXT = (rb"systemd(?:\[1\]: (?:St|Fail|Time|[^ \n]+\.service: )|-journald|-timesyncd)", rb"-- (?:Boot |Reboot)")
_EXPRESSIONS_OF_KIND: dict[Kind, tuple[bytes, ...]] = {
    "text": _IN_TEXT,
    "terminal": _IN_TEXT,
    "json": (rb'"systemd(?:"|-journald"|-timesyncd")', rb'"MESSAGE" ?: ?\['),
    "export": (rb"R=systemd(?:\n|-timesyncd\n)",),
}
_WORDS_OF_KIND: dict[Kind, tuple[str, ...]] = {
    "text": (_KERNEL,),
    "terminal": (_KERNEL, *_TERMINAL, *BANNERS, "Polling for API", "up and running"),
    "json": ("Linux version",),
    "export": ("N_DROPPED=", "GE=Linux version"),
}

Engine = Callable[[bytearray, int, int], list[int]]
"""Offsets of the begins of lines within ``buffer[begin:end]`` (whole lines) that hold one of the words, ascending."""


def _group(words: tuple[str, ...]) -> bytes:
    return b"|".join(re.escape(word.encode()) for word in words)


def _rules(kind: Kind, thorough: bool) -> tuple[list[re.Pattern[bytes]], list[bytes]]:
    """Expressions and words, of which a candidate has one."""
    messages = _group((*LOGRUS, *_THOROUGH) if thorough else LOGRUS)
    expressions = (
        rb"msg=(?:(?<=fatal msg=)|(?<=panic msg=)|(?:\\*\")?(?:" + messages + rb"))",
        rb"S(?:erving securely|tarted kubelet|uccessfully registered)",  # one pass for three
        *_EXPRESSIONS_OF_KIND[kind],
    )
    words = (" [running]:", *_WORDS_OF_KIND.get(kind, ()), *(_THOROUGH_OTHER if thorough else ()))
    return [re.compile(expression) for expression in expressions], [word.encode() for word in words]


def stdlib_engine(kind: Kind = "text", thorough: bool = False) -> Engine:
    """The search by the standard library: one pass for each expression or word."""
    patterns, words = _rules(kind, thorough)

    def search(buffer: bytearray, begin: int, end: int) -> list[int]:
        starts: set[int] = set()
        for pattern in patterns:
            for match in pattern.finditer(buffer, begin, end):
                starts.add(buffer.rfind(b"\n", begin, match.start()) + 1 or begin)
        for word in words:
            at = buffer.find(word, begin, end)
            while at >= 0:
                starts.add(buffer.rfind(b"\n", begin, at) + 1 or begin)
                at = buffer.find(word, at + 1, end)
        return sorted(starts)

    return search


def automaton_words(kind: Kind = "text", thorough: bool = False) -> list[bytes]:
    """The literals of the automaton."""
    words = (*_ANYWHERE, *_OTHER, *_OF_KIND[kind], *(_THOROUGH_ANYWHERE if thorough else ()))
    return [word.encode() for word in words]


def automaton_engine(kind: Kind = "text", thorough: bool = False) -> Engine | None:
    """The search by ``ahocorasick_rs``, ``None`` where it is not installed. Finds what the other one finds."""
    try:
        module: Any = import_module("ahocorasick_rs")
    except ImportError:
        return None
    # Only the leftmost kinds are vectorised.
    machine = module.BytesAhoCorasick(automaton_words(kind, thorough), matchkind=module.MatchKind.LeftmostFirst)
    find = machine.find_matches_as_indexes

    patterns, words = _rules(kind, thorough)

    def holds(buffer: bytearray, begin: int, end: int) -> bool:
        return any(pattern.search(buffer, begin, end) is not None for pattern in patterns) or any(
            buffer.find(word, begin, end) >= 0 for word in words
        )

    def search(buffer: bytearray, begin: int, end: int) -> list[int]:
        with memoryview(buffer)[begin:end] as view:
            found = find(view)
        starts: list[int] = []
        stop = begin  # the end of the line found last
        for first, last in [(begin + first, begin + last) for _, first, last in found]:
            if last <= stop:
                continue
            start = buffer.rfind(b"\n", begin, first) + 1 or begin
            stop = buffer.find(b"\n", first, end) + 1 or end
            if holds(buffer, start, stop):  # the words are parts of what the other engine looks for
                starts.append(start)
        return starts

    return search


def find_engine(kind: Kind, thorough: bool = False) -> Engine:
    """The faster engine that is there. ``thorough``: for lines of starts that are not kept whole."""
    if os.environ.get("K3SLOG_ENGINE") == "stdlib":  # to measure, and to compare
        return stdlib_engine(kind, thorough)
    return automaton_engine(kind, thorough) or stdlib_engine(kind, thorough)


# ------------------------------------------------------------------------------------------ what a found line is

BANNER = re.compile(rb'(?:msg=\\?"|\] |"MESSAGE" ?: ?"|\A)Starting (?:k3s|rke2) (?:(?:agent|server) )?v?\d')
SIGN = re.compile(  # a start goes on although no banner was seen, or is about to
    rb'Polling for API|Waiting for API server|(?:systemd\[1\]: |"MESSAGE" ?: ?"|\nMESSAGE=)Starting [^\n]{0,40}'
    rb"(?:k3s|rke2|ubernetes)"
)
# Of a start that goes on: nothing else of k3s, RKE2 or a component prints these.
UNDERWAY = re.compile(
    rb"Polling for API|Waiting for API server|now running|up and running|Serving securely|Started kubelet"
    rb"|Successfully registered|check failed: |(?:fatal|panic) msg="
)
READY = b"is up and running"
BLOCK = b"check failed: "  # klog prints the failing checks as lines of their own after this one
SYSTEMD = (b"systemd[1]: ", b'"systemd"', b"R=systemd\n")
# systemd's lines about a service that may be k3s: what was printed just before them are a process's last words.
SERVICE = re.compile(rb"k3s|rke2|ubernetes|process exited|Failed with result|Stopp")
# What it says about other units, sessions and jobs no rule can use; about the clock, some can.
OURS = re.compile(rb"k3s|rke2|ubernetes|[Tt]ime |[Cc]lock|jumped|Startup finished|Network is Online")
# … and those that a busy node prints by the thousand about containers, sessions and timers.
_OTHER_TYPES = rb"\.(?:mount|scope|slice|timer|socket|device|swap|path)"
OTHER_UNITS = re.compile(
    rb"systemd\[1\]: (?:Start|Stopp)[a-z]+ (?:[^ ]+" + _OTHER_TYPES + rb"\b|Session |libcontain|cri-containerd)"
    rb'|"UNIT" ?: ?"[^"]+' + _OTHER_TYPES + rb'"|\nUNIT=[^\n]+' + _OTHER_TYPES + rb"\n"
)  # fmt: skip
CRASH = b" [running]:"  # a Go panic says why a few lines above this one
REGISTERED = b"Successfully registered"  # whether the node is new, and since when it was tried, stands above it
