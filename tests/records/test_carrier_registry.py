"""The list of carriers: each one is written or sampled by something, and read as itself where it comes first."""

from __future__ import annotations

import io
import lzma
from functools import cache
from pathlib import Path

import pytest

from analyzer.records import read_log_records
from analyzer.records.carriers import CARRIERS, prints_newest_first
from analyzer.records.carriers.carrier import Carrier
from analyzer.testing import CARRIERS as RENDERED, generate, named

DATA = Path(__file__).parents[1] / "data"
NAMED = {carrier.name: carrier for carrier in CARRIERS}


def format_of(data: bytes) -> str:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(data))
    assert not errors
    return log_records.sources[0].format


@cache
def sampled() -> frozenset[str]:
    """The formats as which the samples are read."""
    files = [path.read_bytes() for path in sorted((DATA / "carriers" / "other").iterdir())]
    files.append(lzma.decompress((DATA / "journals" / "leap-plain.journal.xz").read_bytes()))
    return frozenset(map(format_of, files))


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier.name)
def test_each_has_a_renderer_or_a_sample(carrier: Carrier) -> None:
    assert set(carrier.rendered_as) <= set(RENDERED)
    assert carrier.rendered_as or carrier.name in sampled()


def test_each_renderer_is_of_one_carrier() -> None:
    claimed = [name for carrier in CARRIERS for name in carrier.rendered_as]
    assert sorted(claimed) == sorted(RENDERED)


@pytest.mark.parametrize("carrier", [c for c in CARRIERS if c.rendered_as], ids=lambda carrier: carrier.rendered_as[0])
def test_each_is_read_as_itself(carrier: Carrier) -> None:
    """The plainest rendering goes to its own carrier, and to none that stands before it in the list."""
    assert format_of(generate(named("healthy-sqlite"), seed=1).render(carrier.rendered_as[0])) == carrier.name


def test_the_order_of_the_list() -> None:
    kinds = [
        0 if c.begins is not None else 1 if c.parse or c.unwrap else 3 if c.peel is None and c.name == "cat" else 2
        for c in CARRIERS
    ]
    assert kinds == sorted(kinds), "files, then objects, then layers, then nothing"
    names = [c.name for c in CARRIERS]
    for before, after in [
        ("export", "csv"),  # a field may look like a head of columns
        ("json", "filebeat"),  # Elastic's fields stand beside the journal's
        ("docker-json", "filebeat"),
        ("syslog", "short"),  # <30> stands before a traditional line
        ("grafana", "short-unix"),
        ("short-unix", "short"),
        ("short", "undated"),  # what is left of it when its date was cut off
        ("wrapped", "undated"),
    ]:
        assert names.index(before) < names.index(after), (before, after)
    assert [c.name for c in CARRIERS if c.last_resort] == ["junk"] == [[c for c in CARRIERS if c.peel][-1].name]


def test_who_prints_newest_first() -> None:
    first = {name for name in NAMED if prints_newest_first(name)}
    assert first == {"csv", "logcli", "loki", "grafana", "windows"}
    assert not prints_newest_first("no such carrier")


def test_a_whole_file_has_a_reader() -> None:
    for carrier in CARRIERS:
        assert (carrier.begins is None) is (carrier.read is None), carrier.name
