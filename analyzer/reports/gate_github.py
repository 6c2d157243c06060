"""The verdict of limits for a workflow of GitHub: annotations, and the summary of the step.

A runner reads commands in whatever a step prints: a line that begins with ``::`` (blanks before it do not count), and,
in an older form, ``##[`` anywhere in a line. So annotations are escaped as GitHub's toolkit does it, and everything
else that is printed beside them goes through ``harmless``.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping

from analyzer.errors import printable
from analyzer.gate.model import GateReport, LimitResult, Result
from analyzer.reports import gate_markdown, gate_words as words
from analyzer.reports.gate_junit import as_judged

SUMMARY_LIMIT = 1 << 20  # bytes that GitHub takes of one step
SUMMARY = "GITHUB_STEP_SUMMARY"
_COMMANDS: dict[Result, str] = {"fail": "error", "undecided": "warning", "pass": "notice"}
_LONGEST = 4000  # characters of one annotation
_AT_LINE_BEGIN = re.compile(r"(?m)^(\W*?)::")  # also behind what no letter or digit is
_OLD = "##["


def commands(report: GateReport) -> str:
    """One command a limit, each on a line, what is not kept first."""
    shown = words.masked(report)
    return "".join(f"{_command(one, strict=shown.strict)}\n" for one in words.ranked(shown))


def _command(one: LimitResult, *, strict: bool) -> str:
    """No ``file=``: the log is not in the repository."""
    kind = _COMMANDS[as_judged(one.result, strict=strict)]
    said = words.plain(one)[:_LONGEST]
    return f"::{kind} title={_escaped(words.title(one.limit)[:_LONGEST], ':,')}::{_escaped(said)}"


def _escaped(text: str, also: str = "") -> str:
    """As the toolkit escapes data, and properties with ``also``; the older form cannot begin in it either."""
    made = printable(text).replace("%", "%25")
    for sign in ("\r", "\n", *also):
        made = made.replace(sign, f"%{ord(sign):02X}")
    return made.replace(_OLD, "# #[")


# --- what is printed beside


def harmless(text: str, form: str = "text") -> str:
    """``text`` such that a runner finds no command in it; JSON and XML still say the same."""
    old = _REPLACED.get(form, "# #[")
    return _AT_LINE_BEGIN.sub(r"\1: :", text.replace(_OLD, old))


_REPLACED: Mapping[str, str] = {"json": "\\u0023#[", "junit": "&#35;#["}


# --- the summary


def add_summary(report: GateReport, environ: Mapping[str, str], told: Callable[[str], object]) -> None:
    """Append the Markdown to the file that the runner names, if it names one; what is wrong with it is one line."""
    name = environ.get(SUMMARY)
    if not name:
        return
    text = gate_markdown.render(report)
    try:
        _append(name, text.encode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        told(f"the summary of the step cannot be written: {said}")


def _append(name: str, data: bytes) -> None:
    # Neither a pipe that nobody reads nor a device is waited for.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    with open(os.open(name, flags, 0o666), "ab", buffering=0) as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(0, f"{SUMMARY} names no file")
        data = b"\n" + data if about.st_size else data
        if about.st_size + len(data) > SUMMARY_LIMIT:
            raise OSError(0, "it would be larger than 1 MiB")
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
