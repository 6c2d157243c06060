"""Short answers in a terminal: a label, what it says on at most so many lines, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.reports.fleet_words import counted
from analyzer.reports.terminal import Page, broken

LABEL = 9  # columns before what a line says, as in the report of one start
ITEM = 2  # lines of an item; of a long one the rest is cut


def section(
    page: Page, name: str, items: Sequence[str], most: int, more: str, lines: int = ITEM, width: int = LABEL
) -> None:
    """At most so many items under a label; ``more``: what those are that are left out."""
    for at, one in enumerate(items[:most]):
        label(page, name if at == 0 else "", one, lines, width)
    if more and len(items) > most:
        label(page, "", f"and {counted(len(items) - most, more)}", width=width)


def label(page: Page, name: str, text: str, most: int = ITEM, width: int = LABEL) -> None:
    """One item."""
    item(page, name.ljust(width), text, most)


def item(page: Page, name: str, text: str, most: int, style: str = "") -> None:
    """A label as it stands there and what it says, on at most so many lines; nothing where there is nothing to say."""
    if not text:
        return
    room = page.width - len(name)
    page.labelled((name, style or "bold"), (cut(text, room, most), style), page.width)


def cut(text: str, room: int, most: int) -> str:
    """As much of a text as fits on so many lines, on the last a mark where there is more."""
    lines = broken(" ".join(text.split()), room)
    if len(lines) <= most:
        return "".join(lines)
    kept = "".join(lines[:most]).rstrip()
    while len(broken(f"{kept} …", room)) > most:
        kept = kept[:-1].rstrip()
    return f"{kept} …"
