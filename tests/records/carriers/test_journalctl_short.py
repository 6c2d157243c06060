"""Stamps and writers of journalctl's short family."""

from __future__ import annotations

import pytest

from analyzer.records.carriers.journalctl_short import short
from analyzer.records.draft import Outer
from analyzer.timebase import SECOND, pack_partial
from tests.kit.effort import calls

SIX = pack_partial(3, 1, 6 * 3600 * SECOND)


@pytest.mark.parametrize(
    ("stamp", "value", "precision"),
    [
        ("Mar 01 06:00:00", SIX, SECOND),
        ("Mar  1 06:00:00", SIX, SECOND),
        ("Mar 01 06:00:00.000001", SIX + 1, 1),
        ("Mar 01 06:00:00.999999", SIX + 999_999, 1),
        ("Mar 01 06:00:00.25", SIX + 250_000, 10_000),
    ],
)
def test_the_fraction_of_a_second(stamp: str, value: int, precision: int) -> None:
    found = short(f"{stamp} node-a k3s[812]: words")
    assert found is not None
    assert (found.outer, found.value, found.precision) == (Outer.PARTIAL, value, precision)
    assert (found.host, found.ident, found.pid, found.rest) == ("node-a", "k3s", 812, "words")


@pytest.mark.parametrize("stamp", ["Mar 01 06:00:00.0000001", "Mar 01 24:00:00", "Feb 30 06:00:00", "Mar 01 06:60:00"])
def test_what_is_no_stamp(stamp: str) -> None:
    assert short(f"{stamp} node-a k3s[812]: words") is None


@pytest.mark.parametrize("length", [380, 420])
def test_a_host_of_any_length_is_read(length: int) -> None:
    found = short(f"Mar 01 06:00:00 {'h' * length} k3s[812]: words")
    assert found is not None and found.host == "h" * length and found.rest == "words"


@pytest.mark.parametrize(("name", "month"), [("Mar", ""), ("mars", "mars"), ("Mär", "mär"), ("märts", "märts")])
def test_a_month_that_is_not_english_may_mean_another_one(name: str, month: str) -> None:
    """Also where the general way is taken, as for a fraction of two digits."""
    found = short(f"{name} 01 06:00:00.25 node-a k3s[812]: words")
    assert found is not None
    assert (found.month or "", found.value) == (month, SIX + 250_000)


@pytest.mark.parametrize(
    ("date", "octal"), [("Mar  1", True), ("Mar 01", False), ("Mar 11", False), ("mars 01", False), ("3月 01", False)]
)
@pytest.mark.parametrize("fraction", ["", ".25"])
def test_a_blank_before_a_single_digit_is_of_syslog_which_writes_control_characters_as_octal(
    date: str, octal: bool, fraction: str
) -> None:
    found = short(f"{date} 06:00:00{fraction} node-a k3s[812]: words")
    assert found is not None and found.octal is octal


@pytest.mark.parametrize("stamp", ["Mar 01 06:00:00", "Mar 01 06:00:00.000001"])
def test_a_usual_line_takes_the_quick_way(stamp: str) -> None:
    def read(host: str) -> int:
        line = f"{stamp} {host} k3s[812]: words"
        short(line)  # neighbouring lines share the second and the writer
        return calls(lambda: short(line))

    assert read("node-a") < read("h" * 420)
