"""A short run of the fuzz target with a fixed seed, and all that it ever found (``make fuzz`` runs it at length)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import fuzz_drive
from tests.fuzz.fuzz_drive import CRASHES, MEMORY, peak_memory, smaller
from tests.fuzz.fuzz_kinds import CODES, FILES, check_file, check_lines, file_name, make_lines, pool
from tests.fuzz.fuzz_mutate import mutate_line

LINES = 20  # batches
EACH = 60  # files of each kind


def guarded(check: Callable[[], object]) -> str | None:
    """As the fuzz target does, but for what the tests before this one made this process hold."""
    return fuzz_drive.guarded(check, MEMORY + peak_memory())


@pytest.mark.long
def test_mutated_lines() -> None:
    bent = 0
    for number in range(LINES):
        rows, count = make_lines(Random(f"test:lines:{number}"))
        bent += count
        assert guarded(lambda rows=rows, number=number: check_lines(rows, whole=number % 10 == 0)) is None, number
    assert bent > 3000


@pytest.mark.long
@pytest.mark.parametrize("kind", sorted(FILES))
def test_mutated_files(kind: str, tmp_path: Path) -> None:
    made = set()
    for number in range(EACH):
        rng = Random(f"test:{kind}:{number}")
        name, data = file_name(rng, kind), FILES[kind](rng)
        made.add(data)
        check_file(data, tmp_path, name, whole=number % 10 == 0)
    assert len(made) > EACH * 0.9


@pytest.mark.parametrize("path", sorted(CRASHES.iterdir()) if CRASHES.is_dir() else [], ids=lambda path: path.name)
def test_what_was_found_stays_mended(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    if path.name.startswith("lines-"):
        rows = data.split(b"\n")
        check_lines(rows)
        check_lines(rows, whole=True)
        return
    check_file(data, tmp_path, "" if path.suffix == ".pipe" else f"found{path.suffix.removesuffix('.plain')}")


def test_the_corpus_is_small_and_holds_every_kind_of_line() -> None:
    folder = Path(__file__).parent / "corpus"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 300_000
    text = b"\n".join(pool())
    for piece in (b"Polling for API server", b'{"log":', b"stderr F ", b"data: {", b"<30>1 ", b"Trace[", b'"ts":"'):
        assert piece in text, piece


def test_the_same_seed_gives_the_same_mutants() -> None:
    assert make_lines(Random("a")) == make_lines(Random("a"))
    for make in FILES.values():
        assert make(Random("b")) == make(Random("b"))


def test_mutants_are_bent_and_bounded() -> None:
    rng = Random("c")
    bent = [mutate_line(rng, line, pool()) for line in pool()]
    assert sum(a != b for a, b in zip(bent, pool(), strict=True)) > len(bent) * 0.9
    assert max(map(len, bent)) <= 4000
    assert not any(b"\n" in line for line in bent)


def test_a_find_is_made_smaller() -> None:
    assert smaller(b"aaaaXbbbbbYcc", lambda part: b"X" in part and b"Y" in part) == b"XY"
    assert smaller([b"a", b"b", b"c"], lambda rows: b"b" in rows) == [b"b"]


def test_a_find_is_told_by_type_and_place() -> None:
    def broken() -> None:
        raise KeyError("x")

    assert guarded(broken) == "KeyError in ?"
    assert guarded(lambda: None) is None
    assert {int(code) for code in CODES} == {0, 3, 4}
