"""Plain words in what users read: the list below says which words to avoid and what to write instead."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.main import get_command

from analyzer.cli.main import app

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "analyzer" / "events"
TABLES = ("findings", "terms", "phases", "goals", "errors", "milestones")
READ = frozenset(
    ("title", "title_over", "meaning", "advice", "late_advice", "short", "words", "not_words", "description")
)
ALL = frozenset(("report", "page", "data", "help", "docs"))
NOT_THE_PAGE = ALL - {"page"}  # the page still has sentences of its own (html_view.py) with the old words
_QUOTED = re.compile(r"`[^`\n]*`|<!--.*?-->|https?://\S+", re.DOTALL)


class Word(NamedTuple):
    """A pattern that nobody is to read, what to write instead, and the sources it is asked of."""

    pattern: str
    instead: str
    sources: frozenset[str] = ALL


WORDS = (
    Word(r"\bthe text\b(?! report\b| of the (?:answer|message)\b)", "the log", NOT_THE_PAGE),
    Word(r"(?<!time )\bstamp(?:s|ed)?\b", "timestamp(s)", NOT_THE_PAGE),
    Word(r"\bfor ever\b", "forever, for good"),
    Word(r"\b(?:is|are|was|were|be|been) told\b(?! apart)", "reported, says"),
    Word(r"\btold (?:of|that|by)\b", "reported"),
    # "there is no …" is good English; "it is no longer/more" too
    Word(r"(?<!there )\b(?:is|was) no (?!longer\b|more\b|later\b|earlier\b|better\b|reason\b)", "is not a …"),
    Word(r"\b(?:its|the|whose) begin\b", "start, beginning"),
)


@cache
def sources() -> dict[str, tuple[str, str]]:
    """Name of each source → what kind it is, what a user reads in it."""
    found = {path.name: (_kind(path), path.read_text()) for path in sorted((ROOT / "tests/reports/gold").glob("*.*"))}
    found = {name: entry for name, entry in found.items() if entry[0] in ALL}
    for name in TABLES:
        table = tomllib.loads((EVENTS / f"{name}.toml").read_text())
        found[f"{name}.toml"] = ("data", "\n".join(_read(table)))
    found |= {f"--help of {name}": ("help", said) for name, said in _helps()}
    for name in ("README.md", "docs/cli.md"):
        found[name] = ("docs", (ROOT / name).read_text())
    return found


def _kind(path: Path) -> str:
    if path.name.endswith(".page.txt"):
        return "page"
    return "report" if path.suffix in (".txt", ".md") and path.name != "README.md" else "other"


def _read(table: object, key: str = "") -> Iterator[str]:
    """The texts of a table that reach a reader; ``words`` may be a table of them."""
    if isinstance(table, dict):
        for name, value in table.items():
            yield from _read(value, key if key in READ else name)
    elif isinstance(table, list):
        for value in table:
            yield from _read(value, key)
    elif isinstance(table, str) and key in READ:
        yield table


def _helps() -> Iterator[tuple[str, str]]:
    group = get_command(app)
    for name, command in {"k3slog": group, **getattr(group, "commands", {})}.items():
        options = [str(getattr(option, "help", "") or "") for option in command.params]
        yield name, "\n".join([command.help or "", command.epilog or "", *options])


def _is_log_line(line: str) -> bool:
    """A quote of a log: the words are k3s' own."""
    return re.search(r'level=\w+ msg=|[IWEF]\d{4} \d\d:\d\d|"level":"', line) is not None


def wrong_words(kind: str, said: str) -> list[str]:
    lines = [line for line in _QUOTED.sub("`…`", said).splitlines() if not _is_log_line(line)]
    flowing = re.sub(r"\s+", " ", " ".join(lines))  # a sentence may go over two lines
    return [
        f"…{flowing[max(0, found.start() - 30) : found.end() + 30]}…: write {word.instead!r}"
        for word in WORDS
        if kind in word.sources
        for found in re.finditer(word.pattern, flowing, re.IGNORECASE)
    ]


@pytest.mark.parametrize("name", list(sources()))
def test_users_read_plain_words(name: str) -> None:
    kind, said = sources()[name]
    assert wrong_words(kind, said) == []


@pytest.mark.parametrize(
    "said",
    [
        "The text ends here.",
        "Its stamps count seconds.",
        "It waits for\never.",
        "systemd was told of it.",
        "That is no failure.",
        "After its begin.",
    ],
)
def test_the_list_finds(said: str) -> None:
    assert len(wrong_words("report", said)) >= 1


@pytest.mark.parametrize(
    "said",
    [
        "The text report is short.",
        "There is no leader, and it is no longer up.",
        "Two hosts are told apart.",
        'Mar 01 k3s[1]: level=info msg="the text is no stamp"',
        "See `the text`.",
    ],
)
def test_the_list_spares(said: str) -> None:
    assert wrong_words("report", said) == []


def test_every_source_has_words() -> None:
    assert {kind for kind, _ in sources().values()} == ALL
    assert all(said.strip() for _, said in sources().values())
