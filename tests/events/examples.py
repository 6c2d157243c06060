"""The example lines of the vocabulary, decoded as a journal's."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from analyzer.events.catalogue import Rule, rules
from analyzer.records import read_log_records
from analyzer.records.log_record import LogRecord

_WRITER = re.compile(r"(?:systemd(?:-\w+)?|setroubleshoot)\[\d+\]: |kernel: ")


def journal(lines: Sequence[str]) -> list[LogRecord]:
    """Lines of k3s, or of the writer whose name and number stand before them, as ``journalctl`` shows them."""
    # A second each: the same line at the same moment is one line, delivered twice.
    text = "".join(
        f"Feb 03 1{n // 3600}:{n // 60 % 60:02}:{n % 60:02} node-a "
        f"{line if _WRITER.match(line) else 'k3s[1193]: ' + line}\n"
        for n, line in enumerate(lines)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "examples.txt"
        path.write_text(text, encoding="utf-8")
        log_records, errors = read_log_records([str(path)])
    assert not errors
    found = sorted(log_records.records, key=lambda record: record.line)
    assert [record.line for record in found] == list(range(1, len(lines) + 1))
    return found


@cache
def examples() -> Mapping[str, tuple[tuple[Rule, LogRecord], ...]]:
    """Every rule's examples, by its id."""
    pairs = [(rule, line) for rule in rules() for line in rule.example]
    found: dict[str, list[tuple[Rule, LogRecord]]] = {}
    for (rule, _), record in zip(pairs, journal([line for _, line in pairs]), strict=True):
        found.setdefault(rule.id, []).append((rule, record))
    return {name: tuple(some) for name, some in found.items()}
