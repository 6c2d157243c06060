"""Moments that people write for --since and --until: read in one way only, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analyzer.errors import NoDataError, UsageError
from analyzer.records.select import Selection, _moment, check, select
from tests.kit.handmade import Journal

AT_SIX = datetime(2025, 3, 1, 6, tzinfo=UTC).timestamp() * 1e6
HOUR = 3600e6


@pytest.mark.parametrize(
    ("text", "us", "utc"),
    [
        ("2025-03-01 06:00", AT_SIX, False),
        ("2025-03-01", AT_SIX - 6 * HOUR, False),
        ("2025-03-01T06:00:00.123456789", AT_SIX + 123456, False),
        ("2025-03-01T06:00:00Z", AT_SIX, True),
        ("2025-03-01 06:00 UTC", AT_SIX, True),
        ("2025-03-01 06:00+01:00", AT_SIX - HOUR, True),
        ("2025-03-01 06:00 -0030", AT_SIX + HOUR / 2, True),
        ("2025-03-01+0100", AT_SIX - 7 * HOUR, True),
        ("@1740808800", AT_SIX, True),
        # by name, with the offset that the zone has on that day
        ("2025-03-01 07:00 Europe/Berlin", AT_SIX, True),
        ("2025-07-01 08:00 Europe/Berlin", datetime(2025, 7, 1, 6, tzinfo=UTC).timestamp() * 1e6, True),
        # as date prints it, and with the month in letters
        ("Sat Mar  1 06:00:00 UTC 2025", AT_SIX, True),
        ("Sat, 01 Mar 2025 06:00:00 +0000", AT_SIX, True),
        ("1 Mar 2025 06:00", AT_SIX, False),
        ("13/02/2025", datetime(2025, 2, 13, tzinfo=UTC).timestamp() * 1e6, False),
    ],
)
def test_a_moment(text: str, us: float, utc: bool) -> None:
    assert _moment(text) == (us, utc)


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "yesterday", "-1h", "1 hour ago",
        "06:00", "Friday", "2025", "2025-03", "Mar 1", "1 06:00",  # nothing is filled in from today
        "01/02/2025", "01-02-03",  # whose day comes first?
        "2025-02-30", "2025-13-01", "2025-03-01 25:00", "9999-12-31",
        "2025-03-01 06:00 CET", "2025-03-01 06:00 EST5EDT", "2025-03-01 06:00 UTC+3", "2025-03-01 06:00 Foo/Bar",
        "2025-03-01 06:00 ../../etc/passwd", "2025-03-01 06:00 Etc/../../../etc/passwd",
        "2025-03-30 02:30 Europe/Berlin", "2025-10-26 02:30 Europe/Berlin",  # does not exist; is there twice
    ],
)  # fmt: skip
def test_no_moment(text: str) -> None:
    assert _moment(text) is None
    with pytest.raises(UsageError, match="is not a moment of a log"):
        check(Selection(since=text))


@pytest.mark.parametrize(
    "boot", ["0", "-1", "3", "0123456789abcdef0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdef"]
)
def test_a_boot_is_named_by_its_place_or_its_id(boot: str) -> None:
    check(Selection(boot=boot))


@pytest.mark.parametrize("boot", ["last", "0123456789abcdef0123456789abcdeg", "--1", ""])
def test_anything_else_is_no_boot(boot: str) -> None:
    with pytest.raises(UsageError, match="is not a boot"):
        check(Selection(boot=boot))


def hint(wanted: Selection, hosts: int = 1) -> str:
    """What is said when nothing of a log of so many hosts is left."""
    journal = Journal()
    for number in range(hosts):
        journal.say(number, "words")
        journal.rows[-1]["_HOSTNAME"] = f"host-{number}"
    with pytest.raises(NoDataError, match="leaves nothing of the log") as caught:
        select(journal.log_records(), wanted)
    return caught.value.hint or ""


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        (1, "There is host-0"),
        (5, "There is host-0, host-1, host-2, host-3, host-4"),
        (6, "There is host-0, host-1, host-2, host-3, host-4 and 1 more"),
    ],
)
def test_which_hosts_there_are(hosts: int, told: str) -> None:
    assert hint(Selection(host="elsewhere"), hosts) == told


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Selection(since="2040-01-01"), "--since leaves nothing"),
        (Selection(until="2020-01-01"), "--until leaves nothing"),
        (Selection(since="2040-01-01", until="2040-01-02"), "--since and --until leave nothing"),
    ],
)
def test_only_what_was_asked_for_is_named(wanted: Selection, said: str) -> None:
    with pytest.raises(NoDataError, match=said):
        select(Journal().say(0.0, "words").log_records(), wanted)


def test_where_a_span_or_a_unit_leaves_nothing() -> None:
    assert hint(Selection(until="2020-01-01")).startswith("It runs from 20")
    assert hint(Selection(units=("rke2-server",))) == "There is k3s.service"
    text = Journal().say(0.0, "words")
    with pytest.raises(NoDataError) as caught:
        select(text.log_records(text.short()), Selection(units=("rke2-server",)))
    assert caught.value.hint == "Leave it out", "the text names no unit"
