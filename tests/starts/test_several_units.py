"""Several units on one host: whose lines stay apart."""

from __future__ import annotations

import pytest

from analyzer.records.log_record import LogRecord
from analyzer.starts.several_units import units_apart
from tests.kit.handmade import Journal


def of(*units: tuple[str, str], ident: str = "k3s") -> list[LogRecord]:
    """A line of each (host, unit)."""
    journal = Journal()
    for number, (host, unit) in enumerate(units):
        journal.say(number, "words")
        journal.rows[-1] |= {"_HOSTNAME": host, "_SYSTEMD_UNIT": unit, "SYSLOG_IDENTIFIER": ident}
    return journal.log_records().records


BOTH = {("a", "k3s.service"), ("a", "k3s-agent.service")}


@pytest.mark.parametrize(
    ("units", "apart"),
    [
        ([("a", "k3s.service"), ("a", "k3s-agent.service")], BOTH),
        ([("a", "k3s.service"), ("a", "k3s.service")], set()),
        ([("a", "k3s.service"), ("b", "k3s-agent.service")], set()),
        ([("a", "k3s.service"), ("a", "rke2-server.service")], set()),
        ([("a", "k3s.service"), ("a", "k3s-agent.service"), ("a", "cron.service"), ("b", "k3s.service")], BOTH),
    ],
)
def test_more_than_one_unit_of_a_product_on_a_host(units: list[tuple[str, str]], apart: set[tuple[str, str]]) -> None:
    assert units_apart(of(*units)) == apart


def test_what_systemd_says_of_a_unit_is_no_line_of_it() -> None:
    journal = Journal().say(1.0, "words").systemd(2.0, "Starting k3s-agent.service - Lightweight Kubernetes...")
    journal.rows[-1]["UNIT"] = "k3s-agent.service"
    assert units_apart(journal.log_records().records) == frozenset()
