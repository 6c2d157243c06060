"""Plain words in what users read: the list below says which words to avoid and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from analyzer.cli.main import app
from analyzer.frames import SIMULATION, TABLES
from tests.kit import user_words

ROOT = Path(__file__).parents[2]
CODE = ROOT / "analyzer"
EVENTS = CODE / "events"
NOT_READ = frozenset(("testing",))  # packages whose strings are lines of logs
NOT_PROSE = frozenset(("vocabulary.md",))  # a list of the texts of programs, made by tools/source_ends.py
KINDS = frozenset(("report", "page", "data", "code", "template", "help", "frames", "schema", "docs", "notebook"))
_QUOTED = re.compile(r"`[^`\n]*`|<!--.*?-->|https?://\S+", re.DOTALL)


class Word(NamedTuple):
    """A pattern that nobody is to read, and what to write instead."""

    pattern: str
    instead: str


class Source(NamedTuple):
    """A place in which users read: its kind, and what they read there."""

    kind: str
    said: Callable[[], str]


WORDS = (
    Word(r"\b(?:the|this|your|in a) texts?\b(?! report\b| of the (?:answer|message)\b)", "log"),
    Word(r"(?<!time )(?<!-)\bstamp(?:s|ed)?\b", "timestamp(s)"),
    Word(r"\bfor ever\b", "forever, for good, without end"),
    Word(r"\b(?:is|are|was|were|be|been) told\b(?! apart)", "reported, says, is set to"),
    Word(r"\btold (?:of|that|by)\b", "reported"),
    # "there is no …" is good English; "it is no longer/more" too
    Word(
        r"(?<!there )\b(?:is|are|was|were) no (?!longer\b|more\b|later\b|earlier\b|better\b|reason\b)",
        "is not a …",
    ),
    Word(r"\b(?:its|the|whose|a|first|at) begin\b(?! to\b)|\bbegin of\b", "start, beginning"),
)


@cache
def sources() -> dict[str, Source]:
    """What users read, by the name of the place; nothing is opened before it is asked for."""
    found = {}
    for path in sorted((ROOT / "tests/reports/gold").glob("*.*")):
        if (kind := _kind(path)) is not None:
            found[path.name] = Source(kind, path.read_text)
    for path in sorted(EVENTS.rglob("*.toml")):
        found[str(path.relative_to(EVENTS))] = Source("data", partial(_joined, user_words.of_toml, path))
    for path in sorted((CODE / "reports/templates").glob("*.j2")):
        found[path.name] = Source("template", partial(_read, user_words.of_template, path))
    for place, modules in _modules().items():
        found[place] = Source("code", partial(_code, modules))
    for path in sorted(CODE.rglob("*.schema.json")):
        found[path.name] = Source("schema", partial(_read, user_words.of_schema, path))
    for name, said in user_words.of_help(app):
        found[f"{name} --help"] = Source("help", said)
    tables = (*TABLES.values(), SIMULATION)
    found["the tables"] = Source("frames", lambda: "\n".join(user_words.of_frames(tables)))
    for path in (ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))):
        if path.name not in NOT_PROSE:
            found[str(path.relative_to(ROOT))] = Source("docs", path.read_text)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        found[path.name] = Source("notebook", partial(_read, user_words.of_notebook, path))
    return found


def _kind(path: Path) -> str | None:
    if path.name.endswith(".page.txt"):
        return "page"
    return "report" if path.suffix in (".txt", ".md") and path.name != "README.md" else None


def _modules() -> dict[str, list[Path]]:
    """The modules of each package, those of the façade together."""
    found: dict[str, list[Path]] = {}
    for path in sorted(CODE.rglob("*.py")):
        inside = path.relative_to(CODE).parts[:-1]
        if not NOT_READ.intersection(inside):
            found.setdefault("analyzer/" + "/".join(inside), []).append(path)
    return found


def _joined(read: Callable[[Path], Iterable[str]], path: Path) -> str:
    return "\n".join(read(path))


def _read(read: Callable[[str], str | Iterable[str]], path: Path) -> str:
    said = read(path.read_text())
    return said if isinstance(said, str) else "\n".join(said)


def _code(modules: list[Path]) -> str:
    return "\n".join(said for path in modules for said in user_words.of_code(path.read_text()))


def _is_log_line(line: str) -> bool:
    """A quote of a log: the words are k3s' own."""
    return re.search(r'level=\w+ msg=|[IWEF]\d{4} \d\d:\d\d|"level":"', line) is not None


def wrong_words(said: str) -> list[str]:
    lines = [line for line in _QUOTED.sub("`…`", said).splitlines() if not _is_log_line(line)]
    flowing = re.sub(r"\s+", " ", " ".join(lines))  # a sentence may go over two lines
    return [
        f"…{flowing[max(0, found.start() - 30) : found.end() + 30]}…: write {word.instead!r}"
        for word in WORDS
        for found in re.finditer(word.pattern, flowing, re.IGNORECASE)
    ]


@pytest.mark.parametrize("name", list(sources()))
def test_users_read_plain_words(name: str) -> None:
    assert wrong_words(sources()[name].said()) == []


@pytest.mark.parametrize(
    "said",
    [
        "The text ends here.",
        "Nothing can be said from this text.",
        "Its stamps count seconds.",
        "It waits for\never.",
        "systemd was told of it.",
        "That is no failure.",
        "After its begin.",
        "It is the begin of the wait.",
    ],
)
def test_the_list_finds(said: str) -> None:
    assert len(wrong_words(said)) >= 1


@pytest.mark.parametrize(
    "said",
    [
        "The text report is short.",
        "There is no leader, and it is no longer up.",
        "Two hosts are told apart.",
        'Mar 01 k3s[1]: level=info msg="the text is no stamp"',
        "See `the text`.",
        "See the text of the answer.",
    ],
)
def test_the_list_spares(said: str) -> None:
    assert wrong_words(said) == []


def test_every_kind_of_source_has_words() -> None:
    said = {kind: "\n".join(source.said() for source in sources().values() if source.kind == kind) for kind in KINDS}
    assert {source.kind for source in sources().values()} == KINDS
    assert [kind for kind in KINDS if said[kind].count(" ") < 100] == []


def test_each_source_is_read_where_its_words_stand() -> None:
    """One sentence of each, copied by hand: a collector that loses them fails here."""
    for name, words in {
        "errors.toml": "A proxy in between often writes such an answer",
        "measured.toml": "on SQLite with a whole core",
        "layers/k3s_cli.toml": "It is not a bootstrap token",
        "start.html.j2": "Polls in time order; implied ones",
        "analyzer/figures": "no start in this log says anything about readiness",
        "analyzer/reports": "An agent has no API server of its own",
        "analyzer/events": "is neither a string nor a list of strings",
        "k3slog analyze --help": "Default in the text report: the start that needs attention.",
        "the tables": "missing when the log does not show it",
        "report.schema.json": "where the log does not say in which zone it is",
        "docs/rules.md": "is reported with its line",
        "investigation.ipynb": "two candidates in the log",
    }.items():
        assert words in re.sub(r"\s+", " ", sources()[name].said()), name


def test_a_planted_word_is_found_in_every_kind_of_source() -> None:
    planted = "The text says nothing."
    table = next(iter(TABLES.values()))
    worse = typer.Typer()

    @worse.command()
    def one(start: str = typer.Option("", help=planted)) -> None: ...

    @worse.command(help=planted)
    def two() -> None: ...

    for read in (
        user_words.of_table({"finding": [{"advice": planted}]}),
        user_words.of_table({"word": {"check": {"slow": [planted]}}}),
        user_words.of_code(f'"""Doc."""\nraise Error("{planted}")'),
        user_words.of_code('said = f"In {name} the " f"text says {count}."'),
        user_words.of_code('said = f\'In {name}: {"the text ends" if cut else "all of it"}.\''),
        user_words.of_code('said = ("the " "text ends",)'),
        [user_words.of_template(f"<p>{{{{ name }}}} <b>{planted}</b></p>")],
        [user_words.of_template(f'<button aria-label="{planted}">+</button>')],
        user_words.of_frames([replace(table, row="check that the text names")]),
        user_words.of_frames([replace(table, columns=(replace(table.columns[0], meaning=planted),))]),
        user_words.of_schema('{"properties": {"a": {"description": "the text says it"}}}'),
        user_words.of_notebook('{"cells": [{"cell_type": "markdown", "source": ["In the\\n", "text"]}]}'),
    ):
        assert wrong_words("\n".join(read)) != []
    found = [name for name, said in user_words.of_help(worse) if wrong_words(said())]
    assert found == ["k3slog one", "k3slog two"]


def test_words_that_nobody_reads_are_spared() -> None:
    assert [*user_words.of_table({"mark": [{"head": "the text", "example": "the text"}]})] == []
    code = '"""The text."""\ndef f():\n    """The text."""\n    return {"stamp": 1}'
    assert [*user_words.of_code(code)] == []
    assert wrong_words(user_words.of_template('<p class="the text">{{ the.text }}{# the text #}</p>')) == []
