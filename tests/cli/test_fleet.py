"""``k3slog fleet`` through its entry point: what it refuses, what it keeps, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analyzer.collection import executors
from analyzer.collection.work import WorkOptions
from analyzer.testing import generate
from analyzer.testing.scenarios import k3s
from analyzer.testing.truth import Scenario
from tests.kit.in_process import k3slog
from tests.kit.interruptible import interruptible

ROOT = Path(__file__).parents[2]
HOSTS = ("db7.zurich.acme.ch", "kassandra")


def log_of(host: str, form: str = "export", seed: int = 1) -> bytes:
    starts = (k3s("v1.33.4+k3s1", host=host),)
    begin = datetime(2026, 3, 1 + seed, tzinfo=UTC)
    return generate(Scenario(name="one", starts=starts, begin=begin), seed).render(form)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return {host: log_of(host, seed=number) for number, host in enumerate(HOSTS)}


@pytest.fixture
def logs(made: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder with the log of each host."""
    for host, log in made.items():
        place = tmp_path / "customers" / f"site-{host}"
        place.mkdir(parents=True)
        (place / "k3s.export").write_bytes(log)
    return tmp_path / "customers"


@pytest.fixture(autouse=True)
def right_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work in this process: processes of its own are the engine's to test."""

    def inline(jobs: int, options: WorkOptions) -> executors.Inline:
        return executors.Inline()

    monkeypatch.setattr(executors, "processes", inline)


def told(*args: object, code: int = 0) -> dict[str, object]:
    done = k3slog("fleet", *args, "--format", "json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def refused(*args: object, code: int = 2) -> str:
    done = k3slog("fleet", *args)
    line = done.stderr.decode()
    assert done.returncode == code and not done.stdout
    assert "internal error" not in line and "Traceback" not in line
    return line


# ---------------------------------------------------------------- inputs


def test_a_log_comes_through_a_pipe(made: dict[str, bytes], tmp_path: Path) -> None:
    done = k3slog("fleet", "-", "--format", "json", "--save", tmp_path / "out", given=made["kassandra"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcomes"] == {"ready": 1}
    assert pq.read_table(tmp_path / "out" / "starts")["host"].to_pylist() == ["kassandra"]


def test_reports_and_logs_of_the_same_starts_count_once(logs: Path, tmp_path: Path) -> None:
    report = tmp_path / "kassandra.json"
    assert k3slog("analyze", logs / "site-kassandra", "--format", "json", "-o", report).returncode == 0
    both = told(report, logs)
    assert (both["starts"], both["repeated"]) == (2, 1)


def test_an_input_is_not_overwritten_whatever_folder_it_is_in(logs: Path) -> None:
    log = logs / "site-kassandra" / "k3s.export"
    before = log.read_bytes()
    for option in ("-o", "--html"):
        assert "is also an input" in refused(logs, option, log, "--force")
    assert log.read_bytes() == before


def test_an_output_among_the_logs_is_no_input_of_the_next_run(logs: Path) -> None:
    told(logs, "--html", logs / "page.html")
    for _ in range(2):
        assert k3slog("fleet", logs, "-o", logs / "fleet.json", "--force").returncode == 0
    assert told(logs)["inputs"] == {"read": 2, "bad": 0, "errors": []}


# ---------------------------------------------------------------- options


@pytest.mark.parametrize(
    "options",
    [
        ("--timeout", "nan"), ("--timeout", "inf"), ("--timeout", "0"), ("--confidence", "nan"),
        ("--memory", "99999999999999"), ("--jobs", "0"), ("--resume",), ("--by", "nobody"), ("--where", "host"),
        ("--where", "nobody=1"), ("--label", "host=x"), ("--label", "a=(x"), ("--label", "a=(x)(y)"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_anything_is_read(options: tuple[str, ...], tmp_path: Path) -> None:
    refused(tmp_path / "not there", *options)


def test_conditions_that_nothing_meets_are_not_a_log_without_k3s(logs: Path) -> None:
    assert "no start is as --where says" in refused(logs, "--where", "host=nobody", code=4)
    (logs / "gone.export.gz").write_bytes(b"\x1f\x8b")
    assert k3slog("fleet", logs, "--where", "host=nobody").returncode == 3


def test_nothing_of_k3s_is_told_with_the_number_of_inputs(tmp_path: Path) -> None:
    (tmp_path / "sshd.log").write_text("Mar 01 06:00:00 host sshd[12]: Accepted publickey for root\n" * 20)
    assert "no trace of a k3s or RKE2 run in 1 input\n" in refused(tmp_path / "sshd.log", code=4)


# ---------------------------------------------------------------- labels, also of saved rows


def groups(found: dict[str, object]) -> list[tuple[dict[str, str], int]]:
    return [(one["by"], one["starts"]) for one in found["groups"][1:]]  # type: ignore[index]


def test_saved_rows_get_the_labels_that_are_given_now(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told(logs, "--label", "site=site-(.)", "--label", "ring=x", "--save", out)
    assert groups(told(out, "--by", "site")) == [({"site": "d"}, 1), ({"site": "k"}, 1)]
    now = told(out, "--label", "site=site-(..)", "--label", "more=y", "--by", "site", "--by", "more", "--by", "ring")
    assert groups(now) == [({"site": two, "more": "y", "ring": "x"}, 1) for two in ("db", "ka")]
    assert told(out, "--label", "site=site-(..)", "--where", "site=ka")["starts"] == 1


def test_inputs_are_read_again_for_another_expression(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told(logs, "--label", "site=site-(.)", "--save", out)
    again = told(logs, "--label", "site=site-(..)", "--save", out, "--resume", "--by", "site")
    assert groups(again) == groups(told(out, "--by", "site")) == [({"site": "db"}, 1), ({"site": "ka"}, 1)]


def test_a_saved_folder_is_never_silently_left_out_of_another(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told(logs / "site-kassandra", "--save", out)
    for options in (("--save", tmp_path / "new"), ("--save", out, "--force")):
        assert "does not take over" in refused(out, logs, *options)
    assert told(out)["starts"] == 1
    assert told(out, logs, "--save", out, "--resume")["starts"] == told(out)["starts"] == 2


# ---------------------------------------------------------------- anonymize


@pytest.mark.long
def test_nothing_saved_or_shown_names_a_host_a_path_or_a_label(logs: Path, tmp_path: Path) -> None:
    private = ("zurich", "acme", "kassandra", "customers", "site-", "Höhenweg", "gone", str(tmp_path))
    (logs / "site-kassandra" / "gone.export.gz").write_bytes(b"\x1f\x8b")
    out, plain = tmp_path / "out", tmp_path / "plain"
    labels = ("--label", "street=Höhenweg", "--label", "site=(site-.)")
    whole = told(logs, *labels, "--save", plain, code=3)
    for collection, saved in ((logs, ("--save", out)), (plain, ())):
        for number, form in enumerate(("text", "json", "csv", "markdown", "prometheus", "html")):
            done = k3slog(
                "fleet", collection, *labels, "--anonymize", "--by", "site", "--by", "street", "--by", "host",
                "--format", form, *(saved if number == 0 else ()),
            )  # fmt: skip
            assert done.returncode == 3
            assert not [name for name in private if name in done.stdout.decode()], form
            if form == "json":
                hidden = json.loads(done.stdout)
                assert hidden["outcomes"] == whole["outcomes"]
                assert hidden["groups"][0] == whole["groups"][0]  # type: ignore[index]
    for path in out.rglob("*.parquet"):
        text = str(pq.ParquetFile(path).read().to_pydict()) + path.read_bytes().decode("latin-1")
        assert not [name for name in (*private, "HÃ¶henweg") if name in text], path
    assert "anonymized dataset" in refused(logs, *labels, "--anonymize", "--save", out, "--resume")


# ---------------------------------------------------------------- ends


def wait_until(holds: Callable[[], bool]) -> bool:
    for _ in range(200):
        if holds():
            return True
        time.sleep(0.05)
    return False


def read_by_another(fifo: Path) -> int:
    """Its writing end, once a worker has opened it and waits."""
    for _ in range(600):
        with contextlib.suppress(OSError):  # nobody reads it yet
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.05)
    raise TimeoutError("no worker came to it")


def processes_of_group(group: int) -> list[int]:
    found = []
    for one in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            state, _, of = (one / "stat").read_text().rpartition(")")[2].split()[:3]
            found += [int(one.name)] if int(of) == group and state != "Z" else []
    return found


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_continued_to_the_same_bytes(
    number: signal.Signals, tmp_path: Path, made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(12):
        (tmp_path / "logs" / f"{n:02}").mkdir(parents=True)
        log = made["kassandra"].replace(b"kassandra", b"node-%03d" % n)
        (tmp_path / "logs" / f"{n:02}" / "k3s.export").write_bytes(log)
    fifo = tmp_path / "waits.log"
    os.mkfifo(fifo)
    words = ["fleet", "logs", "waits.log", "--save", "out", "-j", "1"]
    with interruptible(
        [sys.executable, "-m", "analyzer.cli.main", *words], cwd=tmp_path, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as running:  # fmt: skip
        writing = read_by_another(fifo)
        os.killpg(running.pid, number)  # as a terminal does
        out, said = running.communicate(timeout=30)
    os.close(writing)
    line = said.decode()
    assert (running.returncode, out, line.count("\n")) == (128 + number, b"", 1)
    assert re.search(r"interrupted; \d+ inputs are kept in .*/out\. Add --resume to go on", line)
    assert wait_until(lambda: not processes_of_group(running.pid))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "out", "waits.log"]
    monkeypatch.chdir(tmp_path)
    kept = told("out")["starts"]
    assert isinstance(kept, int) and 0 < kept <= 12
    assert told("logs", "--save", "out", "--resume") == told("logs") == told("out")
