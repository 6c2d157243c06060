"""Ctrl-C and the wish to end, kept waiting while rows are being put where they belong."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import TypeAlias

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_Handler: TypeAlias = Callable[[int, FrameType | None], object]


class Interrupts:
    """As a context manager, in the main thread: signals that a function handles reach it, but not within ``held``.

    Blocking them for the thread would not do: the system hands them to any thread, and Python raises in this one.
    In other threads, which no signal interrupts, it does nothing.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, _Handler] = {}
        self._came: int | None = None
        self._held = False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """What comes meanwhile is handled at the end, once, however often it came."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            number, self._came = self._came, None
            if number is not None:
                self._handlers[number](number, None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._held:
            self._came = number
        else:
            self._handlers[number](number, frame)

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for name in _NAMES:
                number = getattr(signal, name, None)
                handler = None if number is None else signal.getsignal(number)
                if number is not None and callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
