"""The event viewer's hours and dates."""

from __future__ import annotations

import pytest

from analyzer.records.carriers.windows import WINDOWS
from analyzer.timebase import parse_iso


@pytest.mark.parametrize(
    ("stamp", "iso"),
    [
        ("3/1/2026 6:03:22 AM", "2026-03-01T06:03:22"),
        ("3/1/2026 6:03:22 PM", "2026-03-01T18:03:22"),
        ("3/1/2026 12:03:22 AM", "2026-03-01T00:03:22"),
        ("3/1/2026 12:03:22 PM", "2026-03-01T12:03:22"),
        ("12/1/2026 6:03:22 AM", "2026-12-01T06:03:22"),  # month first where both are possible
        ("13/1/2026 6:03:22 AM", "2026-01-13T06:03:22"),
        ("3/1/2026 0:03:22 AM", None),
        ("3/1/2026 13:03:22 PM", None),
        ("2/30/2026 6:03:22 AM", None),
    ],
)
def test_hours_of_half_a_day(stamp: str, iso: str | None) -> None:
    assert WINDOWS.peel is not None
    found = WINDOWS.peel(f"{stamp}   {{words}}")
    instant = parse_iso(iso) if iso is not None else None
    assert (found.value if found is not None else None) == (instant.us if instant is not None else None)
    assert found is None or found.rest == "words"
