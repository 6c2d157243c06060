"""Small logs in the shapes in which people paste them; written by hand, no line is anybody's."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable

import pytest

from analyzer.analysis import analyze_records
from analyzer.errors import NoDataError
from analyzer.records import read_log_records
from analyzer.results import LedgerCounts, Report

Told = Callable[[str], Report]


@pytest.fixture
def told() -> Told:
    """Analyses a pasted text, its common indent taken off; no starts where nothing is of k3s."""

    def tell(text: str) -> Report:
        data = textwrap.dedent(text).lstrip("\n").encode()
        log_records, errors = read_log_records(["-"], stdin=io.BytesIO(data))
        assert not errors
        try:
            return analyze_records(log_records, tool_version="0")
        except NoDataError:
            return Report("0", (), LedgerCounts(0, 0, 0, 0, 0, 0), ())

    return tell
