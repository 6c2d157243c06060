"""Both engines find the same lines, in every kind of carrier and whatever stands in them."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings, strategies as st

from analyzer.sources import search
from analyzer.testing import generate, named
from tests.kit.carrier_files import RECORDED, as_cat, as_export, as_json, as_short, export_rows

KINDS = get_args(search.Kind)
SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ahocorasick_rs") is None, reason="ahocorasick_rs is not installed"
)

# All words of both engines, whole and in pieces, with what may stand around them.
WHOLE = sorted({w.decode() for k in KINDS for t in (False, True) for w in search.automaton_words(k, t)})
AROUND = [
    "msg=\"", "msg=\\\"", "msg=\\\\\\\"", "msg=", "fatal ", "panic ", "systemd[1]: ", "systemd[1]: k3s", "systemd",
    "\"MESSAGE\"", " : ", ":[", "SYSLOG_IDENTIFIER=systemd", "\n", "\n\n", " ", "\0", "\r", "x", "k3s is ",
    "Polling for API", "ö", "-- ", "N_DROPPED=3", "timesyncd",
]  # fmt: skip
PIECES = st.one_of(st.sampled_from(WHOLE), st.sampled_from(AROUND), st.sampled_from(WHOLE).map(lambda w: w[1:]))
TEXTS = st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode() + b"\n")


def same(data: bytes, kind: search.Kind) -> None:
    for thorough in (False, True):
        machine = search.automaton_engine(kind, thorough)
        assert machine is not None
        plain = search.stdlib_engine(kind, thorough)
        buffer = bytearray(data)
        assert machine(buffer, 0, len(data)) == plain(buffer, 0, len(data))
        middle = data.find(b"\n", len(data) // 2) + 1  # within a buffer, as the scan calls them
        assert machine(buffer, middle, len(data)) == plain(buffer, middle, len(data))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=300, deadline=None)
@given(data=TEXTS)
def test_on_words_and_their_pieces(kind: search.Kind, data: bytes) -> None:
    same(data, kind)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=2000))
def test_on_any_bytes(kind: search.Kind, data: bytes) -> None:
    same(data + b"\n", kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["1322-etcd-fresh", "1322-tz-kolkata"])
def test_on_recorded_journals(name: str, kind: search.Kind) -> None:
    rows = export_rows(RECORDED / f"{name}.export.gz")
    for write in (as_short, as_cat, as_json, as_export):
        same(write(rows), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("carrier", ["short", "short-iso-precise", "json", "export", "cat", "cri", "docker-json"])
@pytest.mark.parametrize("scenario", ["killed-twice", "debug"])
def test_on_generated_journals(scenario: str, carrier: str, kind: search.Kind) -> None:
    same(generate(named(scenario), seed=2).render(carrier), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_on_the_sample_logs(kind: search.Kind) -> None:
    files = [path for path in SAMPLES.rglob("*") if path.is_file() and path.suffix in (".txt", ".log", ".json", ".gz")]
    assert len(files) > 5
    for path in files:
        data = path.read_bytes()
        same((gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data) + b"\n", kind)
