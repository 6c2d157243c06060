"""What ``explain`` found, as text, Markdown or JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from analyzer.events.check_info import HOOK
from analyzer.reports.explain import KINDS, Entry, names
from analyzer.reports.json_report import dumps
from analyzer.reports.markdown import code, escape
from analyzer.reports.output import printable

SCHEMA = "k3slog.explain"
SCHEMA_VERSION = 1
_WIDTH = 80
_NAMES = frozenset(("May only follow from", "Brings with it", "Findings about it", "Shows in checks", "Waits for it"))
_VERBATIM = frozenset(("The line", "Example", "Texts", "Lines behind it", "Lines that prove it"))


def text(entries: Sequence[Entry], *, width: int = _WIDTH) -> str:
    """For a terminal."""
    return "\n".join(_entry_text(entry, width) for entry in entries)


def _entry_text(entry: Entry, width: int) -> str:
    title = f"{entry.name} ({_ONE[entry.kind]})"
    lines = [title] if len(title) <= width else [entry.name, f"  ({_ONE[entry.kind]})"]
    lines += _wrapped(entry.summary, width, "  ")
    for section in entry.sections:
        lines.append("")
        lines.append(section.title)
        shown = (", ".join(section.lines),) if section.title in _NAMES else section.lines
        several = len(shown) > 1
        for line in shown:
            lines += _wrapped(line, width, "  · " if several else "  ", "    " if several else "  ")
    return "\n".join(lines) + "\n"


_ONE = {
    "check": "check of /readyz", "error": "answer to a poll", "milestone": "milestone", "phase": "phase",
    "finding": "finding", "pattern": "message of trouble", "noise": "normal message", "witness": "witness line",
}  # fmt: skip


def _wrapped(line: str, width: int, first: str, later: str | None = None) -> list[str]:
    return textwrap.wrap(
        printable(line), width, initial_indent=first, subsequent_indent=first if later is None else later,
        break_on_hyphens=False,
    )  # fmt: skip


def listing(*, width: int = _WIDTH) -> str:
    """Every name, by kind."""
    lines = []
    for kind, known in names().items():
        lines += [f"{kind}: {KINDS[kind]}"]
        lines += _wrapped(", ".join(name.removeprefix(HOOK) for name in sorted(known)), width, "  ")
        lines.append("")
    return "\n".join(lines)


def markdown(entries: Sequence[Entry]) -> str:
    """For an issue or a wiki."""
    lines: list[str] = []
    for entry in entries:
        lines += [f"## {code(entry.name)}: {_ONE[entry.kind]}", "", escape(entry.summary), ""]
        for section in entry.sections:
            lines += [f"### {section.title}", ""]
            verbatim = section.title in _VERBATIM | _NAMES
            lines += [f"- {code(line) if verbatim else escape(line)}" for line in section.lines]
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def markdown_listing() -> str:
    """Every name, by kind."""
    lines: list[str] = []
    for kind, known in names().items():
        lines += [f"## {KINDS[kind].capitalize()}", "", *(f"- {code(name)}" for name in sorted(known)), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def json_text(entries: Sequence[Entry]) -> str:
    """One JSON object; ``sections`` keep their order."""
    made = [
        {
            "kind": e.kind,
            "name": e.name,
            "summary": e.summary,
            "sections": [{"title": s.title, "lines": list(s.lines)} for s in e.sections],
        }
        for e in entries
    ]
    return dumps({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "entries": made})


def json_listing() -> str:
    """Every name, by kind."""
    known = {kind: sorted(entries) for kind, entries in names().items()}
    return dumps({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "names": known})
