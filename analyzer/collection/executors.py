"""Where the work is done: processes of this machine, a Dask cluster, or (for tests) right here.

A worker process begins from nothing: a new interpreter that knows neither the files, threads and locks of the one that
asked for it nor its main program, and never looks for modules in the folder at hand, which may be one of logs that
somebody sent.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from importlib import import_module
from multiprocessing import connection
from typing import Any, ParamSpec, TypeVar

from analyzer.collection.work import WorkOptions
from analyzer.errors import UsageError
from analyzer.events.redaction import mask_secrets

_P = ParamSpec("_P")
_T = TypeVar("_T")
_SAFE_PATH = "PYTHONSAFEPATH"
_CONNECT_S = 15.0
_DASK_PORT = 8786
_ORPHANED = 1
_DASK_TRIES = 4  # workers that an input may end before the scheduler gives it up (allowed-failures, 3 by default)


def processes(jobs: int, options: WorkOptions) -> Executor:
    """As many worker processes as ``jobs``, each with the limit of memory of ``options``; ``stop_now`` kills them."""
    return _Workers(jobs, options)


def dask(address: str) -> Executor:
    """The workers of the Dask scheduler at ``address``; its ``jobs`` are their threads at this moment.

    Raises ``UsageError`` without the package, the scheduler or a worker.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise UsageError(
            "a Dask cluster needs the package distributed, which is not installed",
            hint="pip install 'k3slog[dask]'",
        ) from None
    shown = mask_secrets(address)
    try:
        _knock(address)
        client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(
            f"there is no Dask scheduler at {shown} ({type(error).__name__})",
            hint="Start one with: dask scheduler; its address is in its first lines",
        ) from None
    try:
        client.wait_for_workers(1, timeout=_CONNECT_S)
    except TimeoutError:
        client.close()
        raise UsageError(
            f"the Dask scheduler at {shown} has no worker", hint=f"Start one with: dask worker {shown}"
        ) from None
    return _DaskWorkers(client)


def _knock(address: str) -> None:
    """Raises ``OSError`` or ``ValueError`` where nobody answers: a Dask client tries for long, and ends with noise."""
    addressing: Any = import_module("distributed.comm.addressing")
    scheme, place = addressing.parse_address(address)
    import_module("distributed.comm.registry").get_backend(scheme)
    if scheme in ("tcp", "tls"):
        socket.create_connection(addressing.parse_host_port(place, _DASK_PORT), _CONNECT_S).close()


class Inline(Executor):
    """Does everything at once and right here, for tests; nothing protects from what it does."""

    jobs = 1

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        future: Future[_T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def stop_now(executor: Executor) -> None:
    """Ends the work of an executor without waiting for it; what was under way is lost."""
    now: Callable[[], None] | None = getattr(executor, "stop_now", None)
    if now is not None:
        now()
    else:
        executor.shutdown(wait=False, cancel_futures=True)


class _Workers(ProcessPoolExecutor):
    """Processes of this machine. They are made when work is handed out."""

    def __init__(self, jobs: int, options: WorkOptions) -> None:
        self.jobs = jobs
        with _clean_start():
            super().__init__(
                jobs,
                multiprocessing.get_context("spawn"),
                initializer=_prepare,
                initargs=(options.memory_bytes,),
            )

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        with _clean_start():
            return super().submit(fn, *args, **kwargs)

    def stop_now(self) -> None:
        running = list((getattr(self, "_processes", None) or {}).values())
        self.shutdown(wait=False, cancel_futures=True)
        for process in running:
            with contextlib.suppress(OSError, ValueError, AttributeError):  # it has ended
                process.kill()


_STARTING = threading.RLock()


@contextlib.contextmanager
def _clean_start() -> Iterator[None]:
    """Processes that are started meanwhile know neither the main program nor the folder at hand, and ignore Ctrl-C.

    Else each would run the user's script again (which may have no ``if __name__ == "__main__"``) or import the whole
    command line; and Python puts the folder at hand in front of the standard library in ``python -c``, by which it
    starts them.
    """
    with _STARTING:
        main = sys.modules["__main__"]
        known = {name: vars(main)[name] for name in ("__spec__", "__file__") if name in vars(main)}
        path = os.environ.get(_SAFE_PATH)
        blocked = _block_interrupt()
        try:
            for name in known:
                setattr(main, name, None)
            os.environ[_SAFE_PATH] = "1"
            yield
        finally:
            for name, value in known.items():
                setattr(main, name, value)
            if path is None:
                os.environ.pop(_SAFE_PATH, None)
            else:
                os.environ[_SAFE_PATH] = path
            if blocked is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _block_interrupt() -> set[Any] | None:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        return None
    return signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _prepare(memory_bytes: int | None) -> None:
    """The first thing that a worker process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), name="k3slog parent", daemon=True).start()
    if memory_bytes is not None:
        _limit_memory(memory_bytes)
    # What is read of a log is let go by itself as a whole; looking for circles in it as often as usual takes a tenth.
    gc.set_threshold(50_000, 20, 50)


def _end_with(sentinel: int) -> None:
    """A parent that was killed cannot end its workers, which would wait for work for ever."""
    connection.wait([sentinel])
    os._exit(_ORPHANED)


def _limit_memory(limit: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has none
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    with contextlib.suppress(OSError, ValueError):  # a system that does not know it
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


class _DaskWorkers(Executor):
    """The executor of a Dask client, which goes with it."""

    tries = _DASK_TRIES

    def __init__(self, client: Any) -> None:
        self.jobs = max(1, sum(client.ncores().values()))
        self._client = client
        # Not pure: an input that is read again is read again, whatever became of it before.
        self._executor = client.get_executor(pure=False, retries=0)

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        future: Future[_T] = self._executor.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close()

    def stop_now(self) -> None:
        self.shutdown(wait=False, cancel_futures=True)
