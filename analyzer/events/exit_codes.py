"""How systemd and systemctl say that a process ended: the words in a report, and what signal, status or result mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from analyzer.events.vocabulary import load, read_as

# The journal: code=killed, status=4/ILL; systemctl status: code=killed, signal=ILL, code=exited, status=203/EXEC.
_CODE = re.compile(
    r"\bcode=(?P<code>exited|killed|dumped), "
    r"(?:status=(?P<number>\d{1,3})(?:/(?P<name>[\w-]+))?|signal=(?P<signal>\w+))"
)
_SAID = re.compile(
    r"(?P<how>killed by signal|exited with status) (?:\d{1,3} \((?P<name>[\w-]+)\)|(?P<alone>[A-Z]\w*))$"
)
_RESULT = re.compile(r"^Active: [a-z-]{1,20} (?:\([\w-]{1,40}\) )?\(Result: (?P<result>[\w-]+)\)")


@dataclass(frozen=True, slots=True)
class ExitMeaning:
    """One of them; the keys are explained in ``exit_codes.toml``. Without a title, that of the finding holds."""

    finding: str
    signal: str = ""
    status: str = ""
    result: str = ""
    title: str = ""
    means: str = ""
    advice: str = ""


class ExitCode(NamedTuple):
    """How a process ended: whether it counts as failed, and the words for a report."""

    failed: bool
    words: str


@cache
def meanings() -> tuple[ExitMeaning, ...]:
    """All entries, in file order."""
    return tuple(read_as(ExitMeaning, raw) for raw in load("exit_codes.toml")["exit"])


def exit_code(text: str) -> ExitCode | None:
    """What systemd or systemctl say in a line; ``None``: nothing of a code."""
    told = _CODE.search(text)
    if told is None:
        return None
    failed = told["code"] != "exited" or told["number"] != "0"
    what = "exited with status" if told["code"] == "exited" else "killed by signal"
    name = f" ({told['name']})" if told["name"] else ""
    return ExitCode(failed, f"{what} {told['signal'] or told['number'] + name}")


def are_exit_words(text: str) -> bool:
    """Whether words are only those that this module makes of an exit: no message of the process."""
    return _SAID.fullmatch(text) is not None


def meaning(text: str) -> ExitMeaning | None:
    """What a signal, a status of systemd's own or its result mean; ``None``: it names none, or says no more than that.

    ``text`` is a line of systemd or systemctl, or the words of ``exit_code``.
    """
    result = _RESULT.match(text)
    if result is not None:
        return next((one for one in meanings() if one.result == result["result"]), None)
    code = exit_code(text)
    said = _SAID.match(code.words if code is not None else text)
    if said is None:
        return None
    kind = "signal" if said["how"].startswith("killed") else "status"
    name = said["name"] or said["alone"]
    return next((one for one in meanings() if getattr(one, kind) == name), None)
