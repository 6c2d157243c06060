"""Hands inputs out to an executor and takes their results back, in one order whatever the order of their completion.

Inputs go out in chunks by size, a bounded number at a time. A worker that dies loses what was under way and nothing
else: that is tried again alone, so that the one which kills its worker is known, and becomes a row with its error.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field

from analyzer.collection.executors import Inline as Inline, dask as dask, processes as processes, stop_now
from analyzer.collection.model import InputSpec
from analyzer.collection.work import InputResult, WorkOptions, chunk as chunk_of_inputs, failed, shown
from analyzer.errors import UsageError

Work = Callable[[Sequence[InputSpec], WorkOptions], list[InputResult]]

_CHUNK_BYTES = 2 << 20
_CHUNK_INPUTS = 64
_UNKNOWN_BYTES = 128 << 10  # an input of which nobody knows the size
_ROUNDS = 4  # so many chunks each worker gets at least, so that none is idle at the end
_AHEAD = 1  # chunks that wait for a worker, besides one for each worker
_WAITING = 8  # chunks for each worker that may be out or wait for their turn
_SLACK_S = 30.0  # a worker's own limits come first


def run(
    specs: Sequence[InputSpec],
    options: WorkOptions,
    make_executor: Callable[[], Executor],
    jobs: int = 0,
    *,
    work: Work = chunk_of_inputs,
) -> Generator[InputResult]:
    """The results of all ``specs``, in their order; every spec has one, whatever becomes of it.

    ``jobs`` is how many chunks are worked on at a time (0: as many as the executor says that it has workers). ``work``
    must be found by its name in a worker. Whoever stops taking results, or is interrupted, ends the workers.
    """
    if not specs:
        return
    running = _Run(options, make_executor, work)
    try:
        for result in running.results(specs, jobs):
            yield shown(result, options)
    except BaseException:
        running.stop_now()
        raise
    running.close()


@dataclass(frozen=True, slots=True)
class _Chunk:
    number: int
    specs: tuple[InputSpec, ...]


def chunks(specs: Sequence[InputSpec], jobs: int) -> list[tuple[InputSpec, ...]]:
    """Inputs in their order, small ones together and large ones alone."""
    sizes = [spec.size or _UNKNOWN_BYTES for spec in specs]
    most = min(_CHUNK_BYTES, max(1, sum(sizes) // (jobs * _ROUNDS)))
    made: list[tuple[InputSpec, ...]] = []
    held: list[InputSpec] = []
    taken = 0
    for spec, size in zip(specs, sizes, strict=True):
        if held and (taken + size > most or len(held) >= _CHUNK_INPUTS):
            made.append(tuple(held))
            held, taken = [], 0
        held.append(spec)
        taken += size
    return [*made, tuple(held)] if held else made


class _LostError(Exception):
    """The worker of some inputs died, or does not answer."""


@dataclass
class _Run:
    options: WorkOptions
    make_executor: Callable[[], Executor]
    work: Work
    executor: Executor | None = None  # of all
    alone: Executor | None = None  # of those that are tried one by one
    out: dict[Future[list[InputResult]], _Chunk] = field(default_factory=dict)
    done: dict[int, list[InputResult]] = field(default_factory=dict)
    handed: dict[int, float] = field(default_factory=dict)  # when a chunk was handed out
    since: float = 0.0  # when one was last handed out or came back

    def results(self, specs: Sequence[InputSpec], jobs: int) -> Iterator[InputResult]:
        jobs = jobs or getattr(self._executor(), "jobs", 1)
        made = [_Chunk(number, part) for number, part in enumerate(chunks(specs, jobs))]
        todo = deque(made)
        for chunk in made:
            while chunk.number not in self.done:
                while todo and len(self.out) < jobs + _AHEAD and todo[0].number < chunk.number + _WAITING * jobs:
                    if not self._hand_out(todo[0]):
                        break
                    todo.popleft()
                self._take_back()
            self.handed.pop(chunk.number, None)
            yield from self.done.pop(chunk.number)

    def close(self) -> None:
        """Nothing is under way any more."""
        for executor in (self.executor, self.alone):
            if executor is not None:
                executor.shutdown(wait=True)

    def stop_now(self) -> None:
        for executor in (self.executor, self.alone):
            if executor is not None:
                stop_now(executor)
        self.executor = self.alone = None

    # --- all at once

    def _executor(self) -> Executor:
        if self.executor is None:
            self.executor = self.make_executor()
        return self.executor

    def _hand_out(self, chunk: _Chunk) -> bool:
        """Whether it could be handed out; if not, a worker has just died."""
        executor = self._executor()
        try:
            future = executor.submit(self.work, chunk.specs, self.options)
        except BrokenExecutor:
            if not self.out:  # a worker died that had nothing to do
                stop_now(executor)
                self.executor = None
            return False
        self.out[future] = chunk
        self.since = self.handed[chunk.number] = time.monotonic()
        return True

    def _take_back(self) -> None:
        """Waits for some chunk; where workers died, for all that were out."""
        patience_s = 2 * (self.options.limit_s + self.options.grace_s) + _SLACK_S
        left_s = max(0.0, self.since + patience_s - time.monotonic())
        finished = wait(self.out, timeout=left_s, return_when=FIRST_COMPLETED).done
        lost: list[_Chunk] = []
        for future in finished:
            chunk = self.out.pop(future)
            try:
                self.done[chunk.number] = _checked(future, chunk.specs)
            except _LostError:
                lost.append(chunk)
            except Exception as error:
                self.done[chunk.number] = self._one_by_one(chunk.specs, error)
        self.since = time.monotonic()
        if lost or not finished:
            self._recover(lost)

    def _recover(self, lost: list[_Chunk]) -> None:
        """The executor is given up; what was out is tried again, one chunk at a time."""
        now, suspects = time.monotonic(), [*lost]
        for future, chunk in self.out.items():
            try:
                if not future.done():
                    raise _LostError
                self.done[chunk.number] = _checked(future, chunk.specs)
            except Exception:
                suspects.append(chunk)
        self.out.clear()
        if self.executor is not None:
            stop_now(self.executor)
            self.executor = None
        for chunk in sorted(suspects, key=lambda chunk: chunk.number):
            slow = now - self.handed[chunk.number] >= self.options.limit_s
            self.done[chunk.number] = self._again(chunk.specs, slow=slow)

    # --- one by one

    def _again(self, specs: Sequence[InputSpec], *, slow: bool) -> list[InputResult]:
        """Results of a chunk whose worker died: together, for most of them did nothing; then input by input.

        Of one that took ``slow``ly some input may well use up its time once more: at once input by input.
        """
        if len(specs) > 1 and not slow:
            try:
                return self._in_its_own(specs)
            except _LostError:
                pass
            except Exception as error:
                return self._one_by_one(specs, error)
        return self._one_by_one(specs)

    def _one_by_one(self, specs: Sequence[InputSpec], error: Exception | None = None) -> list[InputResult]:
        """``error`` is what the work raised on all of them."""
        if error is not None and len(specs) == 1:
            return [_broken(specs[0], error)]
        return [self._single(spec) for spec in specs]

    def _single(self, spec: InputSpec) -> InputResult:
        self._ready()  # what a worker takes to begin is not the input's
        tries, began = getattr(self.alone, "tries", 1), time.monotonic()
        try:
            return self._in_its_own((spec,))[0]
        except _LostError:
            if time.monotonic() - began >= self.options.limit_s * tries:
                return failed(spec, "too_long", f"not read to its end within {self.options.limit_s:g} s, and stopped")
            return failed(spec, "killed", "reading it ended its worker (out of memory, or a fault of a library)")
        except Exception as error:
            return _broken(spec, error)

    def _ready(self) -> None:
        """A worker of its own is there and waits. Raises ``UsageError`` when none can be had."""
        for again in (True, False):  # one that died while it was idle is replaced
            try:
                self._in_its_own(())
                return
            except _LostError:
                if not again:
                    raise _no_workers() from None

    def _in_its_own(self, specs: Sequence[InputSpec]) -> list[InputResult]:
        """Results of inputs with which nothing else is under way.

        Raises ``_LostError``, after which that executor is gone, or what the work raised.
        """
        if self.alone is None:
            self.alone = self.make_executor()
        limit_s = (self.options.limit_s + self.options.grace_s) * getattr(self.alone, "tries", 1) + _SLACK_S
        try:
            future = self.alone.submit(self.work, tuple(specs), self.options)
            if not wait((future,), timeout=limit_s).done:
                raise _LostError
            return _checked(future, specs)
        except (_LostError, BrokenExecutor):
            stop_now(self.alone)
            self.alone = None
            raise _LostError from None


def _checked(future: Future[list[InputResult]], specs: Sequence[InputSpec]) -> list[InputResult]:
    """The results of ``specs``. Raises ``_LostError`` when their worker died, else what the work raised."""
    try:
        results = future.result(timeout=0)
    except (BrokenExecutor, CancelledError):
        raise _LostError from None
    except Exception as error:
        if type(error).__name__ in _DASK_LOST:  # whose package may not be there
            raise _LostError from None
        raise
    if [result.spec.name for result in results] != [spec.name for spec in specs]:
        raise TypeError("a worker gave results of other inputs")
    return results


_DASK_LOST = frozenset(("KilledWorker", "FutureCancelledError", "FuturesCancelledError", "CommClosedError"))


def _broken(spec: InputSpec, error: Exception) -> InputResult:
    """What a worker raised although it raises nothing: memory, or a fault of this program."""
    if isinstance(error, MemoryError):
        return failed(spec, "memory", "it needs more memory than a worker may have")
    return failed(spec, "unreadable", f"it cannot be analysed ({type(error).__name__}: {error})")


def _no_workers() -> UsageError:
    return UsageError(
        "workers cannot be started, or end at once", hint="Give them more memory, or ask for fewer of them (--jobs)"
    )
