"""One log shown more than once in a text, texts in another order than time's, and boots without a mark."""

from __future__ import annotations

import io

import pytest

from analyzer.records import LogRecords, read_log_records

BANNER = "Starting k3s v1.33.4+k3s1 (148243c4)"


def payload(n: int) -> str:
    """Every third line is klog's."""
    if n % 3 == 2:
        return f"I0301 06:03:{10 + n:02d}.{n:03d}255    1193 a.go:{n}] words of line {n}"
    text = BANNER if n == 1 else f"line {n}"
    return f'time="2026-03-01T06:03:{10 + n:02d}Z" level=info msg="{text}"'


def cat(n: int) -> str:
    return payload(n)


def short(n: int) -> str:
    return f"Mar 01 06:03:{10 + n:02d} edge-7 k3s[1193]: {payload(n)}"


def iso(n: int) -> str:
    return f"2026-03-01T06:03:{10 + n:02d}.500000+00:00 edge-7 k3s[1193]: {payload(n)}"


def docker(n: int) -> str:
    return f"2026-03-01T06:03:{10 + n:02d}.500000000Z {payload(n)}"


def read(rows: list[str]) -> LogRecords:
    found, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return found


def messages(rows: list[str]) -> list[str]:
    return [record.message for record in read(rows).records]


ALL = range(40)
WAYS = [cat, short, iso, docker]


@pytest.mark.parametrize("write", WAYS)
def test_the_log_again_its_end_again_or_its_end_first(write: type) -> None:
    rows = [write(n) for n in ALL]
    once = messages(rows)
    assert messages([*rows, "", *rows]) == once
    assert messages([*rows, *rows[-9:]]) == once
    assert messages([*rows[-9:], *rows]) == once
    assert messages([*rows[:30], *rows[18:]]) == once


@pytest.mark.parametrize("write", WAYS)
def test_what_a_search_found_and_then_the_whole_log(write: type) -> None:
    rows = [write(n) for n in ALL]
    found = [row for row in rows if "words" in row]
    assert messages([*found, *rows]) == messages(rows)
    assert not read([*found, *rows]).steps
    assert read([*found, *rows]).ledger.reasons["given twice"] == len(found)


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_the_same_log_from_two_carriers(first: type, second: type) -> None:
    rows = [first(n) for n in ALL]
    assert sorted(messages([*rows, *(second(n) for n in ALL)])) == sorted(messages(rows))
    assert not read([*rows, *(second(n) for n in ALL)]).steps


def test_servers_of_one_cluster_that_start_together_are_no_copies() -> None:
    """Both sign the same certificates in the same second."""
    signed = [f'time="2026-03-01T06:03:20Z" level=info msg="certificate CN=part-{n} signed"' for n in range(8)]
    one = [cat(0), cat(1), *signed, *(f"I0301 06:03:21.{n:06d}    1193 a.go:{n}] line {n}" for n in range(30))]
    other = [cat(0), cat(1), *signed, *(f"I0301 06:03:21.{n + 500:06d}    1207 a.go:{n}] line {n}" for n in range(30))]
    # The lines that are stamped with whole seconds stand in a block of their own: those alone are not told apart.
    assert sum("line" in message for message in messages([*one, *other])) >= 60


def test_another_process_says_the_same_in_the_same_second() -> None:
    rows = [short(n) for n in ALL]
    other = [row.replace("k3s[1193]", "k3s[1207]") for row in rows]
    assert len(messages([*rows, *other])) == 80


@pytest.mark.parametrize("write", WAYS)
def test_lines_sorted_by_their_words_are_put_in_order_of_time(write: type) -> None:
    rows = [write(n) for n in ALL]
    assert messages(sorted(rows)) == messages(rows)
    assert messages(sorted(rows, reverse=True)) == messages(rows)


def test_lines_sorted_by_a_column_are_put_in_order_of_time() -> None:
    rows = [short(n) for n in ALL]
    found = read(sorted(rows, key=lambda row: row.split(" ", 5)[-1]))
    assert [record.raw for record in found.records] == rows
    assert not found.steps
    assert "in order" in found.notes[0][0]


def test_a_clock_that_was_set_back_stays_a_step() -> None:
    rows = [short(n) for n in range(40, 49)] + [short(n) for n in range(9, 30)]
    assert len(read([row.replace(f'msg="{BANNER}"', 'msg="other"') for row in rows]).steps) == 1


def test_monotonic_stamps_that_begin_anew_are_another_boots() -> None:
    def row(mono: float, second: int, text: str) -> str:
        at = f"2026-03-01T06:{second // 60:02d}:{second % 60:02d}Z"
        return f'[{mono:12.6f}] edge-7 k3s[1193]: time="{at}" level=info msg="{text}"'

    first = [row(60 + n, 100 + n, BANNER if n == 1 else f"line {n}") for n in range(9)]
    second = [row(9 + n, 400 + n, BANNER if n == 1 else f"line {n}") for n in range(9)]
    found = read([*first, *second])
    assert not found.steps
    stamps = [record.at.us for record in found.records if record.at is not None]
    assert stamps == sorted(stamps)
    assert stamps[9] - stamps[0] == 300_000_000


@pytest.mark.parametrize("write", WAYS)
def test_a_log_of_less_than_a_second_twice(write: type) -> None:
    rows = [write(1), *(write(2).replace("line 2", f"line {n}") for n in range(6))]
    assert messages([*rows, *rows]) == messages(rows)
