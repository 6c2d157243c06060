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


def test_lines_that_are_cut_before_they_say_so_do_not_tell(tmp_path: Path) -> None:
    """A pager's right edge: the certificates' lines end in front of the name."""
    words = [
        "Starting k3s v1.33.4+k3s1 (148243c4)",
        "generated self-signed CA certificate CN=k3s-client-ca@1: notBefore=x notAfter=y",
        "certificate CN=system:admin,O=system:masters signed by CN=k3s-client-ca@1: notBefore=x",
        "Running kube-apiserver --advertise-port=6443 --allow-privileged=true --anonymous-auth=false",
    ]
    plain = [f'time="2026-03-01T06:00:0{n}Z" level=info msg="{text}"' for n, text in enumerate(words)]
    rows = [f"Mar 01 06:00:0{n} node-a k3s[7]: {row}" for n, row in enumerate(plain)]
    assert fresh("\n".join(rows).encode(), tmp_path) == [True]
    cut = [row[:96] + ">" if len(row) > 97 else row for row in rows]
    assert fresh("\n".join(cut).encode(), tmp_path) == [None]
