from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from analyzer.collection import engine
from analyzer.collection.executors import processes
from analyzer.collection.model import InputSpec
from analyzer.collection.work import InputResult, WorkOptions, chunk
from analyzer.errors import UsageError
from tests.kit import fleet_workers
from tests.kit.thinned import thinned

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_logs"
OPTIONS = WorkOptions()
QUICK = WorkOptions(limit_s=1.0, grace_s=0.5)


def named(*names: str, size: int = 1 << 20) -> list[InputSpec]:
    return [InputSpec(name, (name,), size) for name in names]


def inline() -> Executor:
    return engine.Inline()


def run(
    specs: Sequence[InputSpec], jobs: int, work: engine.Work = fleet_workers.quick, options: WorkOptions = QUICK
) -> list[InputResult]:
    return list(engine.run(specs, options, lambda: processes(jobs, options), jobs, work=work))


def kinds(results: Sequence[InputResult]) -> dict[str, str]:
    return {result.row.input: result.row.error_kind for result in results}


# --- chunks


@given(st.lists(st.integers(0, 1 << 24), max_size=300), st.integers(1, 64))
def test_chunks_hold_every_input_once_in_order_and_large_ones_alone(sizes: list[int], jobs: int) -> None:
    specs = [InputSpec(str(n), (), size) for n, size in enumerate(sizes)]
    made = engine.chunks(specs, jobs)
    assert [spec for part in made for spec in part] == specs
    for part in made:
        assert 1 <= len(part) <= 64
        assert len(part) == 1 or sum(spec.size for spec in part) <= 2 << 20


def test_a_few_inputs_are_spread_over_all_workers() -> None:
    assert len(engine.chunks(named(*"abcdefgh", size=1000), 4)) == 8
    assert len(engine.chunks(named(*map(str, range(1000)), size=10), 2)) >= 8


# --- order


class Shuffled(Executor):
    """Completes what is out in an order of its own, when somebody waits."""

    def __init__(self, seed: int) -> None:
        self.rng, self.most, self.out = random.Random(seed), 0, 0
        self.waiting: list[tuple[Future[object], Callable[[], object]]] = []

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        future: Future[object] = Future()
        self.waiting.append((future, lambda: fn(*args, **kwargs)))
        self.most = max(self.most, len(self.waiting))
        return future

    def step(self) -> None:
        future, work = self.waiting.pop(self.rng.randrange(len(self.waiting)))
        future.set_result(work())


@pytest.mark.parametrize("seed", range(5))
def test_results_come_in_the_order_of_the_inputs_and_few_are_out(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = Shuffled(seed)
    real = engine.wait

    def wait(futures, **more):  # type: ignore[no-untyped-def]
        executor.step()
        return real(futures, **more)

    monkeypatch.setattr(engine, "wait", wait)
    specs = named(*(f"i{n}" for n in range(60)))
    results = list(engine.run(specs, OPTIONS, lambda: executor, 3, work=fleet_workers.quick))
    assert [result.spec for result in results] == specs
    assert executor.most <= 4


def test_results_are_handed_on_before_all_is_read() -> None:
    seen: list[str] = []

    def work(specs: Sequence[InputSpec], options: WorkOptions) -> list[InputResult]:
        seen.extend(spec.name for spec in specs)
        return fleet_workers.quick(specs, options)

    results = engine.run(named(*(f"i{n}" for n in range(100))), OPTIONS, inline, 1, work=work)
    assert next(results).row.input == "i0"
    assert len(seen) < 20
    assert not list(engine.run([], OPTIONS, inline, 1))


# --- real work in real processes

REAL = [
    *sorted(path for path in SAMPLES.iterdir() if path.is_file() and not path.name.endswith((".md", ".truth.json"))),
    SAMPLES / "README.md", SAMPLES / "gone.txt",
]  # fmt: skip


def real_specs() -> list[InputSpec]:
    return [InputSpec(str(p), (str(p),), p.stat().st_size if p.exists() else 0) for p in REAL]


@pytest.fixture(scope="module")
def expected() -> list[InputResult]:
    return chunk(real_specs(), OPTIONS)


@pytest.mark.long
@pytest.mark.parametrize("jobs", [1, 2, pytest.param(4, marks=pytest.mark.slow)])
def test_any_number_of_workers_gives_the_same(jobs: int, expected: list[InputResult]) -> None:
    assert run(real_specs(), jobs, chunk, OPTIONS) == expected
    assert sum(result.row.starts for result in expected) > 15
    assert [r.row.error_kind for r in expected[-2:]] == ["no_data", "unreadable"]


def test_an_input_that_kills_its_worker_and_one_that_hangs_are_rows_and_the_rest_goes_on() -> None:
    names = ["a", "b", "killer-1", "c", "late-1", "stuck-1", "d", "spinner-1", "e", "hog-1", "f"]
    results = run(named(*names, size=400_000), 2)
    assert [result.row.input for result in results] == names
    bad = {"killer-1": "killed", "stuck-1": "too_long", "spinner-1": "too_long", "hog-1": "memory"}
    assert kinds(results) == dict.fromkeys(names, "") | bad
    assert all(result.row.error for result in results if result.row.error_kind)


@pytest.mark.slow
def test_what_dies_beside_real_inputs_changes_nothing_about_them(expected: list[InputResult]) -> None:
    specs = real_specs()
    specs[5:5] = named("killer-1")
    results = run(specs, 2, fleet_workers.real, OPTIONS)
    assert results[5].row.error_kind == "killed"
    assert results[:5] + results[6:] == expected


@pytest.mark.slow
def test_a_worker_that_nobody_can_reach_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_SLACK_S", 0.5)
    options = WorkOptions(limit_s=0.5, grace_s=0.1)
    results = run(named("a", "sleeper-1", "b"), 2, fleet_workers.deaf, options)
    assert kinds(results) == {"a": "", "sleeper-1": "too_long", "b": ""}


@pytest.mark.long
def test_memory_of_a_worker_is_limited() -> None:
    options = WorkOptions(memory_bytes=1 << 30)
    results = run(named("a", "hog-1", "b"), 1, options=options)
    assert kinds(results) == {"a": "", "hog-1": "memory", "b": ""}


def test_workers_that_cannot_even_begin_are_no_fault_of_the_inputs() -> None:
    class Stillborn(engine.Inline):
        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            future: Future[object] = Future()
            future.set_exception(BrokenExecutor())
            return future

    with pytest.raises(UsageError, match="workers cannot be started"):
        list(engine.run(named("a", "b"), OPTIONS, Stillborn, 2, work=fleet_workers.quick))


def test_a_fault_of_the_program_is_told_with_its_input() -> None:
    names = ["a", "fault-1", "b", "c"]
    results = list(engine.run(named(*names, size=10), OPTIONS, inline, 1, work=fleet_workers.raising))
    assert kinds(results) == {"a": "", "fault-1": "unreadable", "b": "", "c": ""}
    assert "LookupError" in results[1].row.error and "hunter2" not in results[1].row.error


def test_an_executor_that_broke_while_idle_is_replaced() -> None:
    made: list[Executor] = []

    class Broken(engine.Inline):
        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            raise BrokenExecutor

    def make() -> Executor:
        made.append(engine.Inline() if made else Broken())
        return made[-1]

    assert len(list(engine.run(named("a", "b"), OPTIONS, make, 1, work=fleet_workers.quick))) == 2
    assert len(made) == 2


def test_workers_know_nothing_of_the_main_program_and_look_for_no_modules_at_hand() -> None:
    (result,) = run(named("a"), 1, fleet_workers.main_module)
    assert result.row.error == "None False False True"


# --- how it ends


def test_who_stops_taking_results_ends_the_workers() -> None:
    pools: list[Executor] = []

    def make() -> Executor:
        pools.append(processes(2, OPTIONS))
        return pools[-1]

    results = engine.run(named("a", "sleeper-1", "sleeper-2"), OPTIONS, make, 2, work=fleet_workers.quick)
    assert next(results).row.input == "a"
    workers = list(pools[0]._processes.values())  # type: ignore[attr-defined]
    began = time.monotonic()
    results.close()
    # Not joined: the executor's own thread waits for them, too, and whoever comes second is told nothing.
    assert wait_until(lambda: not any(worker.is_alive() for worker in workers))
    assert time.monotonic() - began < 5


SCRIPT = """
import sys, os
sys.path.insert(0, {root!r})
from analyzer.collection import engine
from analyzer.collection.model import InputSpec
from analyzer.collection.work import WorkOptions
from tests.kit import fleet_workers
options = WorkOptions()
specs = [InputSpec(name, (name,), 1 << 20) for name in {names!r}]
pools = []
def make():
    pools.append(engine.processes(2, options))
    return pools[-1]
for result in engine.run(specs, options, make, 2, work=fleet_workers.quick):
    print(result.row.input, *[pid for pool in pools for pid in pool._processes], flush=True)
"""


def script(*names: str) -> str:
    return SCRIPT.format(root=str(ROOT), names=list(names))


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return status[0] != "Z"


def wait_until(holds: Callable[[], bool], limit_s: float = 10.0) -> bool:
    end = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    "how", ["file", pytest.param("-c", marks=pytest.mark.slow), pytest.param("stdin", marks=pytest.mark.slow), "-m"]
)
def test_a_script_without_a_guard_can_use_it(how: str, tmp_path: Path) -> None:
    """``python -c``, a pipe and a script are run once, not again in each worker; nor are modules taken from here."""
    (tmp_path / "plain.py").write_text(script("a", "b"))
    (tmp_path / "pickle.py").write_text("open('taken', 'w')\nraise SystemExit('taken from the folder at hand')\n")
    commands = {"file": ["elsewhere/plain.py"], "-c": ["-c", script("a", "b")], "stdin": ["-"], "-m": ["-m", "plain"]}
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "plain.py").write_text(script("a", "b"))
    if how != "file":  # there the folder at hand is trusted by Python itself
        (tmp_path / "pickle.py").unlink()
    done = subprocess.run(
        [sys.executable, *commands[how]], input=script("a", "b"), cwd=tmp_path, capture_output=True, text=True,
        timeout=60, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )  # fmt: skip
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["a", "b"], done.stderr
    assert not done.stderr and not (tmp_path / "taken").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("end", thinned([signal.SIGINT, signal.SIGKILL], 2))
def test_workers_do_not_outlive_their_parent(end: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", script("a", "sleeper-1", "sleeper-2")], cwd=ROOT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with parent:
        assert parent.stdout is not None and parent.stderr is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()[1:]]
        assert pids and all(map(alive, pids))
        began = time.monotonic()
        if end == signal.SIGINT:  # as Ctrl-C: to all of them
            os.killpg(parent.pid, end)
        else:
            parent.kill()
        parent.wait(10)
        assert wait_until(lambda: not any(map(alive, pids)))
        assert time.monotonic() - began < 10
        told = parent.stderr.read()
        assert told.count("Traceback") == (1 if end == signal.SIGINT else 0), told


# --- a cluster


@pytest.fixture(scope="module")
def cluster():  # type: ignore[no-untyped-def]
    import distributed

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, host="127.0.0.1", dashboard_address=None
    ) as made:
        yield made.scheduler_address


@pytest.mark.cluster
def test_a_dask_cluster_gives_the_same(cluster: str, expected: list[InputResult]) -> None:
    assert list(engine.run(real_specs(), OPTIONS, lambda: engine.dask(cluster))) == expected


@pytest.mark.cluster
@pytest.mark.timeout(180)
def test_on_a_cluster_too_an_input_that_kills_its_worker_is_a_row(cluster: str) -> None:
    options = WorkOptions(limit_s=3.0)  # a worker of a cluster takes a second to come back, and dies four times
    names = ["a", "spinner-1", "b", "killer-1", "c", "hog-1"]
    results = list(engine.run(named(*names), options, lambda: engine.dask(cluster), work=fleet_workers.quick))
    bad = {"spinner-1": "too_long", "killer-1": "killed", "hog-1": "memory"}
    assert kinds(results) == dict.fromkeys(names, "") | bad


@pytest.mark.cluster
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1:1", "tls://127.0.0.1:1", "foo://x", "%%%", ""])
def test_a_scheduler_that_is_not_there_is_told_at_once(address: str) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError, match=f"no Dask scheduler at {address} "):
        engine.dask(address)
    assert time.monotonic() - began < 5


def test_without_the_package_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError) as told:
        engine.dask("tcp://127.0.0.1:8786")
    assert "k3slog[dask]" in told.value.hint
