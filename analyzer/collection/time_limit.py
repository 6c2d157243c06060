"""A limit of time for a piece of work, wherever it runs: in the main thread of a worker or in one of several threads.

When the time is over an exception is raised in the working thread. Code in C does not see it before it returns; in a
process that was started for such work alone the whole process ends some seconds later, however busy it is, and whoever
started it knows what to make of that.
"""

from __future__ import annotations

import ctypes
import faulthandler
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import IO, TypeVar

_T = TypeVar("_T")
_AGAIN_S = 0.5  # what was raised within a destructor is lost: it is raised again
_SOONEST_S = 0.1  # the watch of the interpreter takes no shorter time


class TooLongError(BaseException):
    """The time is over. Not an ``Exception``: whoever handles those of reading must not take it for one of them."""


def limited(work: Callable[[], _T], limit_s: float, grace_s: float) -> _T:
    """What ``work`` gives. Raises ``TooLongError`` when it takes more than ``limit_s`` seconds.

    When it goes on ``grace_s`` seconds later nevertheless, the process ends, if it is a worker's.
    """
    watch = _Watch(limit_s)
    hard = _DEADLINES if multiprocessing.parent_process() is not None else None
    try:
        if hard is not None:
            hard.add(watch, limit_s + grace_s)
        try:
            watch.start()
            return work()
        finally:
            watch.stop()
    except TooLongError:
        watch.stop()  # it may have come in the middle of the first one
        raise
    finally:
        if hard is not None:
            hard.remove(watch)


class _Watch:
    """Raises ``TooLongError`` in the thread that made it, from the limit on until it is stopped.

    Whatever it does in that thread can be interrupted by that exception at any place: no locks of Python here.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._worker = threading.get_ident()
        self._over: SimpleQueue[None] = SimpleQueue()
        self._ended = self._raised = False
        self._thread = threading.Thread(target=self._watch, name="k3slog time limit", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Nothing is raised any more once this returns; may be called again."""
        while True:
            try:
                self._over.put(None)
                while self._thread.ident is not None and not self._ended:
                    time.sleep(0)
                break
            except TooLongError:
                continue
        if self._raised:
            self._meet()

    def _meet(self) -> None:
        """One may still be under way: it is replaced by one that is met here.

        Taken back (by raising nothing) it would leave the interpreter looking for it at every turn, for ever.
        """
        self._raised = False
        try:
            _raise_in(self._worker, TooLongError)
            while True:
                time.sleep(0)
        except TooLongError:
            return

    def _watch(self) -> None:
        wait_s = self._limit_s
        while True:
            try:
                self._over.get(timeout=wait_s)
                break
            except Empty:
                self._raised = _raise_in(self._worker, TooLongError)
                wait_s = _AGAIN_S
        self._ended = True


def _raise_in(thread: int, error: type[BaseException]) -> bool:
    """Raise ``error`` in a thread at its next instruction of Python; whether this interpreter can."""
    api = getattr(ctypes, "pythonapi", None)  # PyPy has none
    if api is None:
        return False
    return bool(api.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error)))


class _Deadlines:
    """When this process ends; the interpreter's own watch, which needs no lock of it, knows one moment at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: dict[_Watch, float] = {}
        self._nowhere: IO[str] | None = None

    def add(self, watch: _Watch, after_s: float) -> None:
        with self._lock:
            self._at[watch] = time.monotonic() + after_s
            self._set()

    def remove(self, watch: _Watch) -> None:
        with self._lock:
            self._at.pop(watch, None)
            self._set()

    def _set(self) -> None:
        if not self._at:
            faulthandler.cancel_dump_traceback_later()
            return
        if self._nowhere is None:
            self._nowhere = open(os.devnull, "w")  # noqa: SIM115 (as long as the process lives)
        left_s = min(self._at.values()) - time.monotonic()
        faulthandler.dump_traceback_later(max(_SOONEST_S, left_s), file=self._nowhere, exit=True)


_DEADLINES = _Deadlines()
