"""One format of one kind of thing, and how the formats of a kind are found.

A format lives in a module of its own in ``analyzer/reports/formats`` and adds itself there to the kinds it can write.
Commands, the choice by a file's suffix and the security tests all ask the kinds, so a new module is all that a new
format takes (docs/contributing/formats.md). The modules are imported when the first name is asked for; what is heavy
they name with ``later``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

from analyzer.errors import UsageError

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Options:
    """How something is rendered; a format reads of it what means something there.

    ``start`` is as in ``selection.select_starts``; ``None``: all of them (of a report for people: a summary and the
    last). ``goal``: the one that a report speaks of, ``None``: the one that the outcome of a start speaks of.
    ``limit``: at most so many rows of a table, ``None``: as many as suit the format, 0: all. ``width``: columns of
    text, ``None``: as many as suit. ``full``: a report for people in all detail, not the answer alone.
    """

    start: str | None = None
    utc: bool = False
    table: str = "starts"
    limit: int | None = None
    width: int | None = None
    color: bool = False
    ascii: bool = False
    full: bool = False
    goal: str | None = None


DEFAULT = Options()
Render = Callable[[Subject, Options], str | bytes]


@dataclass(frozen=True, slots=True)
class Format(Generic[Subject]):
    """One way to write one kind of thing. ``binary``: not for a terminal or a pipe."""

    name: str
    render: Render[Subject]
    suffixes: tuple[str, ...] = ()
    binary: bool = False


class Kind(Generic[Subject]):
    """A kind of thing, and what it can be written as."""

    def __init__(self, name: str, default: str = "text") -> None:
        self.name, self.default = name, default
        self._formats: dict[str, Format[Subject]] = {}

    def add(self, name: str, render: Render[Subject], *suffixes: str, binary: bool = False) -> None:
        """The format ``name``, also chosen by files whose name ends in a suffix."""
        self._formats[name] = Format(name, render, suffixes, binary)

    def formats(self) -> tuple[Format[Subject], ...]:
        """All of them, the default first."""
        _discover()
        return tuple(sorted(self._formats.values(), key=lambda one: (one.name != self.default, one.name)))

    def named(self, name: str) -> Format[Subject]:
        """The format of that name; raises ``UsageError``."""
        for one in self.formats():
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.formats())
        raise UsageError(f"a {self.name} is not written as {name!r}", hint=f"Formats: {known}")

    def chosen(self, name: str | None, file: str | None) -> Format[Subject]:
        """The format ``name``, else the one whose suffix ``file`` has, the longest first, else the default.

        Raises ``UsageError`` for a binary format that would go to stdout.
        """
        low = (file or "").lower()
        by_suffix = [(len(end), one.name) for one in self.formats() for end in one.suffixes if low.endswith(end)]
        found = self.named(name or max(by_suffix, default=(0, self.default))[1])
        if found.binary and file in (None, "-"):
            raise UsageError(f"{found.name} is not for a terminal or a pipe", hint="Name a file with -o")
        return found


def later(where: str) -> Render[Any]:
    """The function ``module:name``, imported when something is rendered."""

    def render(subject: Any, options: Options) -> str | bytes:
        module, _, name = where.partition(":")
        made: str | bytes = getattr(import_module(module), name)(subject, options)
        return made

    return render


@cache
def _discover() -> None:
    """Import every module of ``formats``: each registers what it holds."""
    package = import_module("analyzer.reports.formats")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
