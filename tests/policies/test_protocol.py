"""The table of error classes that a wait carries, against the vocabulary of logs."""

from __future__ import annotations

from analyzer.events.poll_errors import severities, statuses
from analyzer.policies import protocol


def test_the_error_classes_are_those_of_the_vocabulary() -> None:
    assert (("", "ok"), *severities().items()) == protocol.ERRORS
    assert {"": 200, **statuses()} == protocol.STATUS_OF
