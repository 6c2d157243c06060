"""A collection read from the beginning to the end, and what is kept when it is interrupted on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from analyzer.collection import gather as gathering
from analyzer.collection.gather import Gathering, check_saving, gather
from analyzer.collection.manifest import is_saved
from analyzer.collection.model import InputSpec
from analyzer.collection.read_saved import read_saved
from analyzer.collection.store import Store
from analyzer.collection.work import InputResult
from analyzer.errors import UsageError
from tests.kit.saved_rows import collected, same, some_results

LABELS = ("ring", "site")
RESULTS = some_results(8)


@pytest.fixture(autouse=True)
def no_reading(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Results without logs; which inputs were read, ``ended`` behind them when no more was asked for."""
    read: list[str] = []

    def results(specs: Sequence[InputSpec], how: Gathering, *, saving: bool) -> Generator[InputResult]:
        known = {result.spec.name: result for result in RESULTS}
        try:
            for spec in specs:
                read.append(spec.name)
                yield known[spec.name]
        finally:
            read.append("ended")

    monkeypatch.setattr(gathering, "_results", results)
    monkeypatch.setattr(gathering.inputs, "specs", lambda paths, labels: iter([one.spec for one in RESULTS]))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield read  # type: ignore[misc]
    signal.signal(signal.SIGINT, before)


class Interrupted(Store):
    """Ctrl-C comes while a row is put into a table: the worst moment."""

    at = 3

    def append(self, result: InputResult) -> None:
        if result is RESULTS[self.at]:
            parts, add = self._parts, self._parts.add

            def interrupted(table: str, stream: bytes) -> None:
                os.kill(os.getpid(), signal.SIGINT)
                add(table, stream)

            parts.add = interrupted  # type: ignore[method-assign]
        super().append(result)


def with_tables(first: int) -> int:
    """The first result from ``first`` on with rows to save."""
    return next(n for n, result in enumerate(RESULTS) if n >= first and result.tables)


def test_an_interrupted_run_keeps_whole_inputs_and_goes_on(tmp_path: Path, no_reading: list[str]) -> None:
    out, Interrupted.at = tmp_path / "out", with_tables(3)
    kept = RESULTS[: Interrupted.at + 1]
    with pytest.raises(KeyboardInterrupt) as caught, Interrupted(out, labels=LABELS) as store:
        gather(["logs"], Gathering(), store)
    assert no_reading[-1] == "ended"  # and so did the workers
    assert caught.value.__notes__ == [f"{len(kept)} inputs are kept in {out}. Add --resume to go on"]
    assert same(read_saved(out), collected(kept))
    no_reading.clear()
    with Store(out, labels=LABELS, resume=True) as store:
        whole = gather(["logs"], Gathering(), store)
    good = {result.spec.name for result in kept if not result.row.error}
    assert no_reading == [*(one.spec.name for one in RESULTS if one.spec.name not in good), "ended"]
    assert same(whole, collected(RESULTS)) and same(read_saved(out), collected(RESULTS))


@pytest.mark.parametrize("old", [True, False])
def test_an_interrupt_neither_replaces_nor_leaves_what_cannot_go_on(tmp_path: Path, old: bool) -> None:
    out, Interrupted.at = tmp_path / "out", with_tables(3)
    if old:
        with Store(out, labels=LABELS) as store:
            gather(["logs"], Gathering(), store)
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        Interrupted(out, labels=LABELS, force=True, anonymized=not old) as store,
    ):
        gather(["logs"], Gathering(), store)
    assert caught.value.__notes__ == [f"{out} is as it was before" if old else "nothing is kept"]
    assert is_saved(out) is old and [path.name for path in tmp_path.iterdir()] == ["out"][: int(old)]
    assert not old or same(read_saved(out), collected(RESULTS))


def test_what_was_discarded_is_not_committed(tmp_path: Path) -> None:
    store = Store(tmp_path / "out", labels=LABELS)
    store.discard()
    with pytest.raises(ValueError, match="discarded"):
        store.commit()
    assert not list(tmp_path.iterdir())


def test_files_may_be_refused_before_one_is_read(no_reading: list[str]) -> None:
    def refuse(files: Sequence[str]) -> None:
        assert list(files) == [file for one in RESULTS for file in one.spec.files]
        raise UsageError("no")

    with pytest.raises(UsageError, match=r"^no$"):
        gather(["logs"], Gathering(check=refuse))
    assert not no_reading


def test_only_what_is_read_anew_is_saved(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Store(out, labels=LABELS) as store:
        gather(["logs"], Gathering(), store)
    check_saving([str(out), "logs"], str(out), resume=True)  # it goes on in its place
    check_saving(["logs"], str(out), resume=False)
    for folder, resume in ((out, False), (tmp_path / "new", True), (tmp_path / "new", False)):
        with pytest.raises(UsageError, match=r"does not take over what .*out holds"):
            check_saving(["logs", str(out)], str(folder), resume=resume)
