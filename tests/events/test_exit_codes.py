"""How a process ended, as systemd and systemctl say it, and what that means."""

from __future__ import annotations

import pytest

from analyzer.events.causes import cause_of
from analyzer.events.exit_codes import exit_code, meaning, meanings
from analyzer.events.finding_info import about


@pytest.mark.parametrize(
    ("line", "words", "failed"),
    [
        ("k3s.service: Main process exited, code=killed, status=4/ILL", "killed by signal 4 (ILL)", True),
        ("Main PID: 4310 (code=killed, signal=ILL)", "killed by signal ILL", True),
        ("Main PID: 4310 (code=dumped, signal=SEGV)", "killed by signal SEGV", True),
        ("Main PID: 4310 (code=exited, status=0/SUCCESS)", "exited with status 0 (SUCCESS)", False),
        ("Main PID: 4310 (code=exited, status=203/EXEC)", "exited with status 203 (EXEC)", True),
        ("Main process exited, code=exited, status=7", "exited with status 7", True),
    ],
)
def test_words(line: str, words: str, failed: bool) -> None:
    assert exit_code(line) == (failed, words)
    assert meaning(line) == meaning(words)


def test_every_entry_is_found_by_its_own_words() -> None:
    for one in meanings():
        line = f"code=killed, signal={one.signal}" if one.signal else f"code=exited, status=222/{one.status}"
        line = f"Active: failed (Result: {one.result}) since then" if one.result else f"Main PID: 1 ({line})"
        assert meaning(line) == one
        cause = cause_of(line)
        assert cause is not None and cause.finding == one.finding == about(one.finding).id
        assert one.result or (one.title and one.means and one.advice)


@pytest.mark.parametrize(
    "text",
    ["exited with status 1 (FAILURE)", "killed by signal 9 (KILL)", "Active: active (running)", "EXEC", "",
     "its container exited with code 203", "containerd: exit status 203", "said: killed by signal ILL"],
)  # fmt: skip
def test_no_more_than_it_says(text: str) -> None:
    assert meaning(text) is None
