"""Binary journals that are so long that only the lines some rule can use are decoded."""

from __future__ import annotations

import io
import struct

import pytest

from analyzer.records.carriers import binary_journal
from analyzer.records.draft import Draft, Tally
from tests.kit.journal_writer import from_fields, write_journal


def journal(*messages: str) -> bytearray:
    rows = [
        {
            "__REALTIME_TIMESTAMP": str(1_772_344_800_000_000 + number),
            "__MONOTONIC_TIMESTAMP": str(5_000_000 + number),
            "MESSAGE": message,
            "SYSLOG_IDENTIFIER": "k3s",
            "_PID": "700",
            "_SYSTEMD_UNIT": "k3s.service",
        }
        for number, message in enumerate(messages)
    ]
    return bytearray(write_journal([from_fields(row) for row in rows]))


def read(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[Tally, list[Draft]]:
    """With the fast scan from the third entry on."""
    monkeypatch.setattr(binary_journal, "BIG", 1000)
    tally = Tally("x.journal", 0)
    return tally, list(binary_journal.read_journal(io.BytesIO(data), tally))


_LONG = [f"{number} " * 20_000 for number in range(14)]
USED = 'time="2026-03-01T06:00:00Z" level=fatal msg="{}"'


def test_a_message_of_several_lines_keeps_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    _, drafts = read(journal("first", "second", USED.format("third"), "Error: fourth\nError: fifth"), monkeypatch)
    assert [(draft.line, draft.message) for draft in drafts] == [
        (1, "first"), (2, "second"), (3, "third"), (4, "Error: fourth"), (4, "Error: fifth"),
    ]  # fmt: skip


def test_behind_an_entry_that_cannot_be_read_there_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    data = journal("first", "second", *(USED.format(f"line {number}") for number in range(6)))
    array = struct.unpack_from("<Q", data, 176)[0]
    data[struct.unpack_from("<I", data, array + 24 + 16)[0]] = 9  # the type of the fifth entry's object
    _, drafts = read(data, monkeypatch)
    assert ["line 3" in draft.message for draft in drafts if draft.gap_before] == [True]


def test_journals_that_differ_in_a_late_message_are_no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = read(journal("first", "second", USED.format("one"), "last"), monkeypatch)
    other, _ = read(journal("first", "second", USED.format("two"), "last"), monkeypatch)
    again, _ = read(journal("first", "second", USED.format("one"), "last"), monkeypatch)
    assert one.digest == again.digest != other.digest


@pytest.mark.parametrize("first", [True, False])
def test_a_banner_anywhere_in_the_file_is_found(first: bool) -> None:
    """Of a program with a name of its own."""
    words = ['time="2026-03-01T06:00:00Z" level=info msg="Starting k3s v1.32.1+k3s1 (6a322f12)"', *_LONG]
    rows = [
        {
            "__REALTIME_TIMESTAMP": str(1_772_344_800_000_000 + number),
            "__MONOTONIC_TIMESTAMP": str(5_000_000 + number),
            "MESSAGE": message,
            "SYSLOG_IDENTIFIER": "thing",
            "_SYSTEMD_UNIT": "thing.service",
        }
        for number, message in enumerate(words if first else words[::-1])
    ]
    data = write_journal([from_fields(row) for row in rows])
    assert len(data) > 1 << 19
    drafts = list(binary_journal.read_journal(io.BytesIO(data), Tally("x.journal", 0)))
    assert len(drafts) == len(rows)


@pytest.mark.parametrize(
    ("reasons", "noted"),
    [((), False), (("other",), False), (("zstd not available",), True), (("other", "zstd not available"), True)],
)
def test_where_any_text_was_packed_with_zstd_that_is_missing_a_note_says_so(
    reasons: tuple[str, ...], noted: bool
) -> None:
    tally = Tally("x.journal", 0)
    tally.reasons.update(reasons)
    assert list(binary_journal.read_journal(io.BytesIO(journal("first")), tally))
    assert any("zstd" in note for note in tally.notes) is noted
