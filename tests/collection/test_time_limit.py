from __future__ import annotations

import contextlib
import threading
import time

import pytest

from analyzer.collection.time_limit import TooLongError, limited


def test_what_is_done_in_time_is_handed_back_and_nothing_is_left_behind() -> None:
    threads = threading.active_count()
    assert [limited(lambda n=n: n, 5.0, 1.0) for n in range(50)] == list(range(50))  # type: ignore[misc]
    time.sleep(0.05)
    assert threading.active_count() <= threads


def spin(swallow: type[BaseException]) -> None:
    while True:
        try:
            time.sleep(0.001)
        except swallow:
            continue


@pytest.mark.parametrize("swallow", [ZeroDivisionError, Exception])
def test_what_takes_too_long_is_interrupted_whatever_it_catches(swallow: type[BaseException]) -> None:
    began = time.monotonic()
    with pytest.raises(TooLongError):
        limited(lambda: spin(swallow), 0.1, 60.0)
    assert time.monotonic() - began < 3
    end = time.monotonic() + 0.7  # nothing comes later
    while time.monotonic() < end:
        time.sleep(0.001)


def test_it_works_in_any_thread_and_in_several_at_once() -> None:
    ended: list[str] = []

    def worker(name: str, limit_s: float) -> None:
        try:
            ended.append(f"{name} {limited(lambda: time.sleep(0.4), limit_s, 60.0)}")
        except TooLongError:
            ended.append(f"{name} late")

    def looping(name: str) -> None:
        try:
            limited(lambda: spin(ZeroDivisionError), 0.1, 60.0)
        except TooLongError:
            ended.append(f"{name} late")

    threads = [threading.Thread(target=looping, args=("a",)), threading.Thread(target=worker, args=("b", 30.0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(ended) == ["a late", "b None"]


def test_an_error_of_the_work_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        limited(lambda: 1 / 0, 5.0, 1.0)
    with pytest.raises(KeyboardInterrupt):
        limited(_interrupt, 5.0, 1.0)


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_a_limit_that_is_over_at_once_leaves_nothing_behind() -> None:
    for _ in range(30):
        with contextlib.suppress(TooLongError):
            limited(lambda: sum(range(20000)), 0.0002, 60.0)
    for _ in range(1000):
        time.sleep(0.0001)
