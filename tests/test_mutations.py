"""Recorded starts whose logs were cut, thinned, delayed, mixed or carried otherwise: what is still said is true.

A loss that nothing in the text announces cannot be seen; what rests on a poll that was *not* printed is then not judged
(``Mutated.polls``), everything else is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.kit.judge_mutations import Findings, analysed, judge, rows_of, truth_of
from tests.kit.mutations import (
    CARRIERS,
    DELAYS,
    LOSSES,
    Make,
    Mutated,
    Rows,
    begin_s,
    export,
    on_host,
    renumbered,
    stamp_us,
    travelled,
    woven,
)
from tests.kit.score_recorded import RECORDED, Truth, recordings, write_carrier

MUTATIONS: dict[str, Make] = LOSSES | DELAYS | CARRIERS
# One of every kind of story: slow, crashing, restarted, cut short, with several lists, with --debug, with an agent.
FEW = (
    "1303-fresh-25",
    "1322-tz-kolkata",
    pytest.param("1324-crashloop-slow", marks=pytest.mark.slow),
    pytest.param("1324-etcd-restart", marks=pytest.mark.slow),
    pytest.param("1324-killed-thrice", marks=pytest.mark.slow),
    pytest.param("1350-debug", marks=pytest.mark.slow),
)
PAIRS = (("1324-fresh-15", "1303-fresh-25"), ("1324-killed-thrice", "1350-debug"), ("1322-tz-kolkata", "1324-v2"))


@cache
def recorded(name: str) -> tuple[Rows, Truth]:
    """Rows and truth of a recording."""
    path = RECORDED / f"{name}.export.gz"
    return rows_of(path), truth_of(path)


def names() -> list[str]:
    return [path.name.removesuffix(".export.gz") for path in recordings()]


def wrong(name: str, mutation: str, seed: int, folder: Path) -> Iterator[str]:
    """False claims about a recording after a mutation; what was judged must not be nothing."""
    rows, truth = recorded(name)
    made = MUTATIONS[mutation](rows, random.Random(f"{name}/{mutation}/{seed}"))
    report = analysed(made.files, folder)
    if report is None:  # nothing of k3s is left, or was ever printed
        assert mutation in LOSSES or not any(t["banner"] for t in truth["starts"])
        return
    found = judge(truth, report["starts"], made)
    yield from (f"{name} {mutation} {seed}: {words}" for words in found.wrong)


@pytest.mark.long
@pytest.mark.parametrize("name", FEW)
def test_what_is_still_said_is_true(name: str, tmp_path: Path) -> None:
    found = [words for mutation in MUTATIONS for words in wrong(name, mutation, 0, tmp_path)]
    assert not found, "\n".join(found[:40])


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_what_is_still_said_is_true_in_every_recording(mutation: str, tmp_path: Path) -> None:
    found = [words for name in names() for seed in range(3) for words in wrong(name, mutation, seed, tmp_path)]
    assert not found, "\n".join(found[:40])


# --- two recordings -------------------------------------------------------------------------------------------------


def aligned(first: str, second: str, gap_s: int) -> tuple[Rows, Rows, int]:
    """Rows of both, the second moved to begin ``gap_s`` after the first begins, and by how much it was moved."""
    one, two = recorded(first)[0], recorded(second)[0]
    shift = begin_s(one) + gap_s - begin_s(two)
    # Moved by nothing, the first has its boot's clock set like the second's.
    return travelled(one, 0), renumbered(travelled(two, shift), 40_000), shift


def both_judged(first: str, second: str, made: Mutated, shift_s: int, folder: Path) -> Findings:
    """The judge's findings on the starts of both recordings in one report; every start must be there."""
    report = analysed(made.files, folder)
    assert report is not None
    one, two = recorded(first)[1], recorded(second)[1]
    mine = [s for s in report["starts"] if s["pid"] < 40_000]
    others = [{**s, "pid": s["pid"] - 40_000} for s in report["starts"] if s["pid"] >= 40_000]
    found = judge(one, mine, made)
    found.claim("starts", len(mine) == len(one["starts"]), f"{len(mine)} for {len(one['starts'])} of {first}")
    more = judge(two, others, made, shift_s)
    found.claim("starts", len(others) == len(two["starts"]), f"{len(others)} for {len(two['starts'])} of {second}")
    found.wrong += more.wrong
    found.claims += more.claims
    return found


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_machines_in_one_journal(first: str, second: str, tmp_path: Path) -> None:
    one, two, shift = aligned(first, second, 2)
    made = Mutated({"log.export": export(woven(one, on_host(two, b"edge-2")))}, whole=True)
    found = both_judged(first, second, made, shift, tmp_path)
    assert found.claims > 100 and not found.wrong, "\n".join(found.wrong)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_machines_in_one_text(first: str, second: str, tmp_path: Path) -> None:
    one, two, shift = aligned(first, second, 2)
    text = write_carrier(woven(one, on_host(two, b"edge-2")), "short")
    found = both_judged(first, second, Mutated({"log.txt": text}, 1.0, whole=True), shift, tmp_path)
    assert found.claims > 100 and not found.wrong, "\n".join(found.wrong)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_logs_of_one_machine_one_after_the_other(first: str, second: str, tmp_path: Path) -> None:
    last_s = stamp_us(recorded(first)[0][-1]) // 1_000_000 - begin_s(recorded(first)[0])
    one, two, shift = aligned(first, second, last_s + 60)
    made = Mutated({"2.export": export(two), "1.export": export(one)}, whole=True)
    found = both_judged(first, second, made, shift, tmp_path)
    assert found.claims > 100 and not found.wrong, "\n".join(found.wrong)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_processes_of_one_machine_at_a_time(first: str, second: str, tmp_path: Path) -> None:
    """A server and a second one under another unit: systemd's lines name the unit, the pids tell the rest."""
    one, two, shift = aligned(first, second, 2)
    unit = {"_SYSTEMD_UNIT": b"k3s-two.service", "UNIT": b"k3s-two.service"}
    two = [{k: unit.get(k, v) for k, v in row.items()} for row in two]
    made = Mutated({"log.export": export(woven(one, two))})
    found = both_judged(first, second, made, shift, tmp_path)
    assert found.claims > 100 and not found.wrong, "\n".join(found.wrong)
