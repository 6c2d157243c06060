"""Ctrl-C and the wish to end: they come between two results, never within one."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from analyzer.collection.interrupts import Interrupts


@pytest.fixture(autouse=True)
def usual_handlers():  # type: ignore[no-untyped-def]
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_interrupt_waits_until_what_is_held_is_done() -> None:
    done = []

    def held() -> None:
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            done.append("whole")
        done.append("never here")

    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            held()
        with interrupts.held():
            done.append("once")
    assert done == ["whole", "once"]


def test_elsewhere_it_comes_at_once_and_handlers_are_put_back() -> None:
    with Interrupts(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_wish_to_end_goes_to_whoever_handles_it() -> None:
    def ends(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, ends)
    with Interrupts() as interrupts, pytest.raises(SystemExit) as end, interrupts.held():
        os.kill(os.getpid(), signal.SIGTERM)
    assert end.value.code == 143
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN  # whoever ignores it still does


def test_in_another_thread_it_does_nothing() -> None:
    seen: list[object] = []

    def work() -> None:
        with Interrupts() as interrupts, interrupts.held():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
