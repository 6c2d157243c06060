from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import BadInputError, NoDataError
from analyzer.ledger import Ledger
from analyzer.records.log_record import SourceInfo
from analyzer.records.log_records import LogRecords
from analyzer.results import Report, StartReport
from tests.kit.made_reports import ready_start, report_of


@pytest.fixture
def run() -> Callable[..., Any]:
    """Runs the command in this process: ``run("analyze", path, input=b"…")``; exit_code, stdout, stderr come back."""
    from typer.testing import CliRunner

    from analyzer.cli.main import app

    def call(*args: object, input: bytes | None = None) -> Any:
        return CliRunner().invoke(app, [str(a) for a in args], input=input)

    return call


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a made report in place of the real analysis; existing files are "read", others are bad input."""
    import analyzer.analysis
    import analyzer.records

    def install(*starts: StartReport, error: Exception | None = None) -> None:
        def read_log_records(
            paths: Any, *, stdin: Any = None, observer: Any = None
        ) -> tuple[LogRecords, list[BadInputError]]:
            assert ("-" in paths) == (stdin is not None)
            found = [SourceInfo(p, "short", 1, 1) for p in paths if p == "-" or Path(p).exists()]
            names = {s.path for s in found}
            bad = [BadInputError(f"{p}: no such file", hint="Check it") for p in paths if p not in names]
            return LogRecords([], found, Ledger()), bad

        def analyze_records(
            log_records: LogRecords, *, tool_version: str, user: Any = None, evidence: bool = True
        ) -> Report:
            if error is not None:
                raise error
            if not starts:
                raise NoDataError("nothing of a k3s or RKE2 run", hint="Give the journal of k3s")
            return report_of(*starts)

        monkeypatch.setattr(analyzer.records, "read_log_records", read_log_records, raising=False)
        monkeypatch.setattr(analyzer.analysis, "analyze_records", analyze_records, raising=False)

    install(ready_start())
    return install
