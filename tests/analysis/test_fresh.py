"""Whether a start made its cluster: told only where its log proves it."""

from __future__ import annotations

import gzip
from pathlib import Path

import analyzer

PAIR = Path(__file__).parents[2] / "sample_logs" / "ab" / "ab-1.32.4-90-0.export.gz"


def fresh(log: bytes, tmp_path: Path) -> list[bool | None]:
    file = tmp_path / "k3s.export"
    file.write_bytes(log)
    return [start.fresh for start in analyzer.analyze(file).report.starts]


def test_a_first_start_and_a_restart(tmp_path: Path) -> None:
    assert fresh(gzip.decompress(PAIR.read_bytes()), tmp_path) == [True, False]


def test_a_first_start_with_a_ca_that_it_did_not_make_is_no_restart(tmp_path: Path) -> None:
    """A CA of the user's own, or of the cluster that it joins: the other certificates are signed all the same."""
    entries = gzip.decompress(PAIR.read_bytes()).split(b"\n\n")
    log = b"\n\n".join(entry for entry in entries if b"generated self-signed CA" not in entry)
    assert fresh(log, tmp_path) == [None, False]


def test_a_log_that_begins_behind_the_certificates_does_not_tell(tmp_path: Path) -> None:
    entries = gzip.decompress(PAIR.read_bytes()).split(b"\n\n")
    asked = next(n for n, entry in enumerate(entries) if b"Running kube-apiserver" in entry)
    assert fresh(b"\n\n".join(entries[asked:]), tmp_path)[0] is None
