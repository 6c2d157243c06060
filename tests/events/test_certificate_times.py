from __future__ import annotations

import pytest

from analyzer.events.certificate_times import missed_by

BEGIN = "x509: certificate has expired or is not yet valid: current time "


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ("2026-05-04T08:00:01Z is before 2026-05-04T11:20:30Z", "begins 3 h 20 min after"),
        ("2026-05-04T08:00:01Z is before 2026-05-04T08:00:30Z", "begins 29 s after"),
        ("2026-05-04T10:00:00+02:00 is before 2026-05-04T08:01:00Z", "begins 1 min after"),
        ("2027-03-01T10:20:30Z is after 2027-02-03T10:20:31Z", "ended 25 days before"),
        ("2027-03-01T10:20:30Z is after 2027-03-01T08:20:31Z", "ended 119 min before"),
        ("2027-03-01T10:20:30Z is after 2027-03-01T08:20:30Z", "ended 2 h 0 min before"),
    ],
)
def test_the_time_between_a_certificate_and_the_clock(times: str, said: str) -> None:
    assert said in missed_by(BEGIN + times)


@pytest.mark.parametrize("text", ["", BEGIN, BEGIN + "2026-02-30T08:00:01Z is after 2026-01-01T00:00:00Z"])
def test_nothing_is_said_without_both_moments(text: str) -> None:
    assert missed_by(text) == ""
