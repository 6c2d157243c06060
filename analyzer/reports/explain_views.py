"""What ``explain`` found, as text, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.events.check_info import HOOK
from analyzer.reports.explain import KINDS, Names
from analyzer.reports.explain_entry import Entry
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import dumps, plain
from analyzer.reports.md import Md, code, document, markup, verbatim as as_it_is
from analyzer.reports.terminal import Page

SCHEMA = "k3slog.explain"
SCHEMA_VERSION = 1
_NAMES = frozenset(("May only follow from", "Brings with it", "Findings about it", "Shows in checks", "Waits for it"))
_VERBATIM = frozenset(("The line", "Example", "Texts", "Lines behind it", "Lines that prove it", "Its lines"))
_ONE = {
    "check": "check of /readyz", "error": "answer to a poll", "milestone": "milestone", "phase": "phase",
    "finding": "finding", "pattern": "message of trouble", "noise": "normal message", "witness": "witness line",
    "message": "message",
}  # fmt: skip


def text(entries: Sequence[Entry], options: Options = DEFAULT) -> str:
    """For a terminal."""
    page = Page(options)
    for entry in entries:
        page.line(f"{entry.name} ({_ONE[entry.kind]})", hang=2)
        page.line(entry.summary, indent=2)
        for section in entry.sections:
            page.blank()
            page.line(section.title)
            shown = (", ".join(section.lines),) if section.title in _NAMES else section.lines
            for line in shown:
                page.line(f"· {line}" if len(shown) > 1 else line, indent=2, hang=2 if len(shown) > 1 else 0)
        page.blank()
    return page.text()


def listing(names: Names, options: Options = DEFAULT) -> str:
    """Every name, by kind."""
    page = Page(options)
    for kind, known in names.items():
        page.line(f"{kind}: {KINDS[kind]}")
        page.line(", ".join(name.removeprefix(HOOK) for name in sorted(known)), indent=2)
        page.blank()
    return page.text()


def markdown(entries: Sequence[Entry], _options: Options = DEFAULT) -> str:
    """For an issue or a wiki."""
    lines: list[Md] = []
    for entry in entries:
        lines += [markup("## {}: {}", code(entry.name), Md(_ONE[entry.kind])), Md(), Md(entry.summary), Md()]
        for section in entry.sections:
            verbatim = section.title in _VERBATIM | _NAMES
            shown = (as_it_is(line) if verbatim else Md(line) for line in section.lines)
            lines += [markup("### {}", Md(section.title)), Md(), *(markup("- {}", line) for line in shown), Md()]
    return document(lines)


def markdown_listing(names: Names, _options: Options = DEFAULT) -> str:
    """Every name, by kind."""
    lines: list[Md] = []
    for kind, known in names.items():
        lines += [markup("## {}", Md(KINDS[kind].capitalize())), Md()]
        lines += [*(markup("- {}", code(name)) for name in sorted(known)), Md()]
    return document(lines)


def json_text(entries: Sequence[Entry], _options: Options = DEFAULT) -> str:
    """One JSON object; ``sections`` keep their order."""
    return dumps({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "entries": plain(list(entries))})


def json_listing(names: Names, _options: Options = DEFAULT) -> str:
    """Every name, by kind."""
    known = {kind: sorted(entries) for kind, entries in names.items()}
    return dumps({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "names": known})
