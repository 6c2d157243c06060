"""Lines as syslog sends them."""

from __future__ import annotations

import io

import pytest

from analyzer.records import read_log_records


@pytest.mark.parametrize(
    ("names", "host", "ident", "pid"),
    [("node-a k3s 5", "node-a", "k3s", 5), ("- k3s 5", None, "k3s", 5), ("node-a - -", "node-a", None, None)],
)
def test_a_dash_names_nobody(names: str, host: str | None, ident: str | None, pid: int | None) -> None:
    line = f'<30>1 2026-03-01T12:00:00.5Z {names} - - time="2026-03-01T12:00:00Z" level=info msg="words"'
    found, errors = read_log_records(["-"], stdin=io.BytesIO(f"{line}\n".encode()))
    assert not errors
    [record] = found.records
    assert (record.host, record.ident, record.pid, record.message) == (host, ident, pid, "words")
