"""What ``explain`` says of one name or one message: an entry of sections, still without layout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from analyzer.events.products import advise
from analyzer.site import Site


@dataclass(frozen=True, slots=True)
class Section:
    """One heading with its sentences; none of them is empty."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one name. ``summary`` says what it is, in one sentence."""

    kind: str
    name: str
    summary: str
    sections: tuple[Section, ...]


_AS_PRINTED = frozenset(("The line", "Example", "Texts", "Lines behind it", "Lines that prove it", "Its lines"))


def headed(*pairs: tuple[str, str | Iterable[str]]) -> tuple[Section, ...]:
    """Sections; only the ones that hold something."""
    listed = ((title, [content] if isinstance(content, str) else content) for title, content in pairs)
    found = (Section(title, tuple(line for line in lines if line)) for title, lines in listed)
    return tuple(section for section in found if section.lines)


def sentence(text: str) -> str:
    """With a full stop, unless it ends in another sign."""
    text = text.strip()
    return text if not text or text[-1] in ".?!:" else f"{text}."


def filled(entry: Entry, site: Site) -> Entry:
    """The entry with the words in braces as they are called at ``site``; lines of logs stay as they are."""
    sections = tuple(
        one if one.title in _AS_PRINTED else replace(one, lines=tuple(_advised(line, site) for line in one.lines))
        for one in entry.sections
    )
    return replace(entry, summary=_advised(entry.summary, site), sections=sections)


def _advised(text: str, site: Site) -> str:
    """Words in braces may be whole sentences, with a full stop of their own."""
    said = advise(text, site)
    return said[:-1] if said.endswith("..") and not text.endswith("..") else said
