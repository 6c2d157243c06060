"""Month names of every language of glibc; names that languages disagree about are decided by the text."""

from __future__ import annotations

import io
import json
from importlib import resources

import pytest

from analyzer.records import LogRecords, read_log_records
from analyzer.records.carriers.journalctl_short import short
from analyzer.records.months import month_choices, month_number

TABLE: dict[str, int] = json.loads(resources.files("analyzer.records").joinpath("months.json").read_text("utf-8"))


def log_records(*rows: str) -> LogRecords:
    found, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return found


def months(found: LogRecords) -> list[int]:
    """Months of the records; dated by the log itself or not."""
    from datetime import UTC, datetime

    return [datetime.fromtimestamp(r.at.us / 1e6, UTC).month for r in found.records if r.at is not None]


def test_every_name_is_the_month_of_its_language() -> None:
    assert len(TABLE) == 1551
    english = {"jan": 1, "may": 5, "mar": 3}
    odd = {name for name in TABLE if "\n" in name}  # two Arabic names that glibc's own source breaks
    wrong = []
    for name, number in TABLE.items():
        wanted = english.get(name.lower(), number)
        alternatives = {month for month, _ in month_choices(name)} | {wanted}
        envelope = short(f"{name} 07 06:03:30 attic k3s[5]: x")
        if name not in odd and (envelope is None or month_number(name) not in alternatives):
            wrong.append((name, number, month_number(name)))
    assert wrong == []


CROATIAN, CZECH, POLISH = ("srp", 7), ("srp", 8), ("lis", 11)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["lip", "srp"], [6, 7]),  # Croatian: both names mean another month in Polish and Czech
        (["čec", "srp"], [7, 8]),  # Czech
        (["srp"], [8]),  # alone: the more usual one
        (["paź", "lis"], [10, 11]),  # Polish
        (["ruj", "lis"], [9, 10]),  # Croatian
        (["set", "out"], [9, 10]),  # Portuguese
        (["jiy", "out"], [7, 8]),  # Haitian
        (["avr", "maj"], [4, 5]),
    ],
)
def test_the_other_months_of_the_text_decide(names: list[str], expected: list[int]) -> None:
    rows = [f"{name} {1 + number:02d} 06:03:30 attic k3s[5]: x" for number, name in enumerate(names)]
    assert months(log_records(*rows)) == expected


@pytest.mark.parametrize(
    ("inner", "month"),
    [
        ("I0715 06:03:30.100000       5 a.go:1] x", 7),
        ("I0815 06:03:30.100000       5 a.go:1] x", 8),
        ('time="2025-07-15T04:03:30Z" level=info msg="x"', 7),
    ],
)
def test_the_stamp_inside_the_line_decides(inner: str, month: int) -> None:
    assert months(log_records(f"srp 15 06:03:30 attic k3s[5]: {inner}")) == [month]


def test_english_wins() -> None:
    assert months(log_records("Jan 15 06:03:30 attic k3s[5]: x")) == [1]
    assert month_choices("Jan") == ()
