"""All words that the vocabulary knows, quoted by lines about something else: they prove nothing and end nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache

import pytest

from analyzer.analysis import analyze_records
from analyzer.events import catalogue
from analyzer.events.vocabulary import load
from analyzer.records import read_log_records
from analyzer.results import StartReport

BANNER = 'time="2026-06-07T05:04:03Z" level=info msg="Starting k3s v1.34.1+k3s1 (c1d2e3f4)"\n'
LINE = 'time="2026-06-07T05:04:04Z" level={} msg="{}"\n'
NOTES = ("Event of pod web [{}]", 'Adding label why="{}"', "Handled pod web: {}")
HEADER = re.compile(r"^(?:\S+\[\d+\]: |[IEFW]\d{4}[^\]]*\] )")


def _words() -> Iterator[str]:
    """Messages of the catalogue's examples, and the words of the order of the start-up."""
    for rule in catalogue.rules():
        for line in rule.example:
            message = re.search(r'msg="(.*?)(?<!\\)"', line)
            yield message[1].replace('\\"', '"') if message is not None else HEADER.sub("", line)
    for entry in (*load("sequence.toml")["line"], *load("sequence.toml")["wrapper"]):
        yield from (*entry.get("head", ()), *entry.get("any", ()))


@cache
def _report(level: str, note: str) -> StartReport:
    messages = [note.format(words) for words in dict.fromkeys(_words())]
    assert len(messages) > 500
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for text in messages)
    data = BANNER + "".join(LINE.format(level, text) for text in escaped)
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(data.encode()))
    assert not errors
    [start] = analyze_records(log_records, tool_version="0").starts
    return start


@pytest.mark.parametrize("note", NOTES)
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_no_quoted_word_decides_what_became_of_a_start(level: str, note: str) -> None:
    start = _report(level, note)
    assert (start.outcome, start.end.kind) == ("incomplete", "running")


@pytest.mark.parametrize("note", NOTES)
@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_note_that_quotes_is_critical(level: str, note: str) -> None:
    assert [finding.id for finding in _report(level, note).findings if finding.severity == "critical"] == []
