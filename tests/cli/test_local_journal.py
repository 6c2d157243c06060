"""No PATH: this machine's journal through a journalctl that the tests put on PATH, and parts of any log by options."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import ExitCode, NoDataError, UsageError
from analyzer.records import read_log_records
from analyzer.records.select import LEFT_OUT, Selection, select
from analyzer.sources.local_journal import LocalJournal, Query, journal_input
from analyzer.testing import generate, named

K3SLOG = [sys.executable, "-c", "from analyzer.cli.main import run; run()"]
DEFAULT = [
    "-q",
    "-a",
    "--no-pager",
    "-o",
    "export",
    "-u",
    "k3s",
    "-u",
    "k3s-agent",
    "-u",
    "rke2-server",
    "-u",
    "rke2-agent",
]
Run = Callable[..., Any]
Fake = Callable[..., Path]


@cache
def export() -> bytes:
    return generate(named("healthy-sqlite"), 1).render("export")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """A journalctl that writes down its arguments and then does what ``body`` (shell) says; the path of the notes."""

    def install(body: str = 'cat "$DATA"', probe: str = "") -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        script = folder / "journalctl"
        notes = tmp_path / "calls"
        script.write_text(
            '#!/bin/sh\nfor a in "$@"; do printf "%s\\n" "$a" >> "$CALLS"; done; echo -- >> "$CALLS"\n'
            f'if [ "$1" = -n ]; then {probe or ":"}; exit 0; fi\n{body}\n'
        )
        script.chmod(0o755)
        (tmp_path / "data").write_bytes(export())
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("CALLS", str(notes))
        monkeypatch.setenv("DATA", str(tmp_path / "data"))
        return notes

    return install


def on_a_terminal(*args: str) -> tuple[int, str, str]:
    """The command with a terminal as its stdin."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run([*K3SLOG, *args], stdin=theirs, capture_output=True, text=True, check=False, timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    return done.returncode, done.stdout, done.stderr


def call(notes: Path, number: int = 0) -> list[str]:
    return notes.read_text().split("--\n")[number].splitlines()


def test_a_terminal_without_a_path_reads_this_machines_journal(fake: Fake) -> None:
    notes = fake()
    code, out, err = on_a_terminal("analyze", "--format", "json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert [s["path"] for s in report["sources"]] == ["<journal>"]
    assert [s["outcome"] for s in report["starts"]] == ["ready"]
    assert call(notes) == DEFAULT


@pytest.mark.parametrize("command", ["timeline", "simulate", "schedule", "blame"])
def test_so_do_the_other_commands_that_read_logs(command: str, fake: Fake) -> None:
    notes = fake()
    more = {"schedule": ("--poll-cost", "1", "--delay-cost", "1"), "simulate": ("--draws", "200")}.get(command, ())
    code, out, err = on_a_terminal(command, "--unit", "k3s", "--boot", "-1", *more)
    assert (code, err) == (0, "")
    assert out
    assert call(notes) == ["-q", "-a", "--no-pager", "-o", "export", "-u", "k3s", "--boot=-1"]


def test_options_are_handed_on_and_none_passes_for_another(fake: Fake) -> None:
    notes = fake()
    code, _, err = on_a_terminal(
        "analyze", "--since", "--vacuum-size=1", "--until", "yesterday; rm -rf /", "--unit", "a b"
    )
    assert (code, err) == (0, "")
    assert call(notes)[5:] == ["-u", "a b", "--since=--vacuum-size=1", "--until=yesterday; rm -rf /"]
    code, _, err = on_a_terminal("analyze", "--unit=--rotate")
    assert code == 2
    assert "is not a unit" in err


@pytest.mark.long
def test_a_device_is_no_pipe_but_a_pipe_is_chosen_from(fake: Fake, run: Run) -> None:
    notes = fake()
    done = subprocess.run(
        [*K3SLOG, "analyze", "--boot", "0"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert call(notes)[-1] == "--boot=0"
    notes.unlink()
    piped = subprocess.run([*K3SLOG, "analyze", "--boot", "0"], input=export(), capture_output=True, check=False)
    assert piped.returncode == 0
    assert not notes.exists()
    assert run("analyze", "--host", "node-a", input=export()).exit_code == 0


@pytest.mark.long
def test_the_host_is_chosen_among_those_of_the_journal(fake: Fake) -> None:
    later = "s/^__REALTIME_TIMESTAMP=1772345/__REALTIME_TIMESTAMP=1772346/"
    fake(f'cat "$DATA"; sed "s/_HOSTNAME=node-a/_HOSTNAME=node-b/;{later}" "$DATA"')
    code, out, _ = on_a_terminal("analyze", "-f", "json", "--host", "node-b")
    assert code == 0
    assert [s["host"] for s in json.loads(out)["starts"]] == ["node-b"]
    code, out, err = on_a_terminal("analyze", "--host", "node-x")
    assert (code, out) == (4, "")
    assert "There is node-a, node-b" in err


def test_without_journalctl_it_is_3_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, out, err = on_a_terminal("analyze")
    assert (code, out) == (3, "")
    assert err == (
        "k3slog: there is no journalctl on this machine."
        " Name a log file, or pipe one in: k3slog analyze k3s.log\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "probe"),
    [
        (":", 'echo "Hint: You are currently not seeing messages from other users and the system." >&2'),
        ('echo "No journal files were opened due to insufficient permissions." >&2; exit 1', ""),
    ],
)
def test_who_may_not_read_it_gets_the_command_that_can(body: str, probe: str, fake: Fake) -> None:
    fake(body, probe)
    code, out, err = on_a_terminal("analyze", "--since", "1 hour ago")
    assert (code, out) == (3, "")
    assert err == (
        "k3slog: this user may not read the journal of k3s. Run: sudo journalctl -u k3s -u k3s-agent -u rke2-server"
        " -u rke2-agent '--since=1 hour ago' -o export | k3slog analyze -\n"
    )


def test_a_journal_without_k3s_is_4(fake: Fake) -> None:
    fake(":", 'echo "-- No entries --"')
    code, out, err = on_a_terminal("analyze")
    assert (code, out) == (4, "")
    assert "no trace of a k3s" in err


def test_what_journalctl_says_when_it_fails(fake: Fake) -> None:
    fake('echo "Failed to parse timestamp: nonsense" >&2; exit 1')
    code, _, err = on_a_terminal("analyze", "--since", "nonsense")
    assert code == 3
    assert "journalctl failed: Failed to parse timestamp: nonsense" in err


def test_a_failure_in_the_middle_keeps_what_was_read(fake: Fake) -> None:
    fake('cat "$DATA"; echo "Failed to iterate: Bad message" >&2; exit 1')
    code, out, _ = on_a_terminal("analyze", "-f", "json")
    report = json.loads(out)
    assert code == 0
    assert [s["outcome"] for s in report["starts"]] == ["ready"]
    assert report["ledger"]["reasons"]["input ends early"] == 1


def test_a_talkative_stderr_blocks_nothing(fake: Fake) -> None:
    fake('head -c 300000 /dev/zero | tr "\\0" x >&2; cat "$DATA"')
    assert on_a_terminal("analyze")[0] == 0


def test_it_is_ended_when_its_reader_is(fake: Fake) -> None:
    fake('echo $$ > "$CALLS.pid"; exec sleep 100')
    stream = LocalJournal(Query())
    pid_file = Path(os.environ["CALLS"] + ".pid")
    for _ in range(200):
        if pid_file.exists() and pid_file.read_text().strip():
            break
        time.sleep(0.02)
    pid = int(pid_file.read_text())
    stream.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    stream.close()


def test_directory_is_not_for_files(run: Run, tmp_path: Path) -> None:
    result = run("analyze", tmp_path, "--directory", tmp_path)
    assert result.exit_code == 2


@pytest.mark.skipif(
    shutil.which("journalctl") is None or not Path("/usr/lib/systemd/systemd-journal-remote").exists(),
    reason="needs systemd's own tools",
)
def test_the_real_journalctl(tmp_path: Path) -> None:
    subprocess.run(
        ["/usr/lib/systemd/systemd-journal-remote", "-o", str(tmp_path / "system.journal"), "-"],
        input=export(), check=True, capture_output=True,
    )  # fmt: skip
    told = []
    for args in (["--directory", str(tmp_path)], ["-"]):
        done = subprocess.run(
            [*K3SLOG, "analyze", "-f", "json", *args], input=export(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        told.append([(s["outcome"], s["began_at"], s["ready"]) for s in json.loads(done.stdout)["starts"]])
    unlined = [[(o, b, (r["lower"], r["upper"])) for o, b, r in starts] for starts in told]
    assert unlined[0] == unlined[1]
    empty = subprocess.run(
        [*K3SLOG, "analyze", "--directory", str(tmp_path), "--unit", "nothing"], capture_output=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert empty.returncode == 4


# --------------------------------------------------------------------------------------------- parts of other logs


def part(data: bytes, **wanted: Any) -> list[Any]:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(data))
    assert not errors
    total = len(log_records.records)
    chosen = select(log_records, Selection(**wanted))
    assert [r.seq for r in chosen.records] == list(range(len(chosen.records)))
    assert chosen.ledger.reasons[LEFT_OUT] == total - len(chosen.records)
    assert chosen.ledger.lines == log_records.ledger.lines
    return chosen.records


ISO = b"".join(
    b'2025-03-01T0%d:00:00+0100 %s %s[%d]: time="2025-03-01T0%d:00:00+01:00" level=info msg="m%d"\n'
    % (n, h, p, n, n, n)
    for n, (h, p) in enumerate(((b"a", b"k3s"), (b"b", b"k3s"), (b"a", b"dhclient"), (b"b", b"k3s"), (b"a", b"k3s")), 1)
)
SHORT = "".join(
    f'Mar 0{n} 06:00:00 a k3s[{n}]: I030{n} 06:00:00.000001  {n} a.go:1] "m{n}"\n' for n in range(1, 6)
).encode()


def messages(records: list[Any]) -> list[str]:
    return [r.message.strip('"') for r in records]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"since": "2025-03-01 03:00"}, ["m3", "m5", "m4"]),
        ({"since": "2025-03-01T03:00:00+01:00"}, ["m3", "m5", "m4"]),
        ({"since": "2025-03-01T02:00:00Z"}, ["m3", "m5", "m4"]),
        ({"since": "@1740794400"}, ["m3", "m5", "m4"]),
        ({"since": "2025-03-01 02:00 UTC"}, ["m3", "m5", "m4"]),
        ({"until": "2025-03-01 03:00:00"}, ["m1", "m3", "m2"]),
        ({"since": "2025-03-01 01:30", "until": "2025-03-01 02:30"}, ["m2"]),
        ({"host": "a"}, ["m1", "m3", "m5"]),
        ({"units": ("k3s",)}, ["m1", "m5", "m2", "m4"]),
        ({"units": ("k3s.service", "dhclient"), "host": "a"}, ["m1", "m3", "m5"]),
        ({"since": "2025-03-01"}, ["m1", "m3", "m5", "m2", "m4"]),
    ],
)
def test_parts_of_a_text_with_zones(wanted: dict[str, Any], left: list[str]) -> None:
    assert messages(part(ISO, **wanted)) == left


@pytest.mark.parametrize(
    ("data", "wanted", "says"),
    [
        (SHORT, {"since": "2025-03-01"}, "no dates with a year"),
        (SHORT, {"boot": "0"}, "does not tell boots apart"),
        (ISO, {"since": "yesterday"}, "is not a moment of a log"),
        (ISO, {"since": "-1h"}, "is not a moment of a log"),
        (ISO, {"until": "2025-02-30"}, "is not a moment of a log"),
        (ISO, {"boot": "last"}, "is not a boot"),
        (b'time="2025-03-01T06:00:00Z" level=info msg="x"\n', {"host": "a"}, "names no host"),
        (b'time="2025-03-01T06:00:00Z" level=info msg="x"\n', {"units": ("k3s",)}, "neither units nor programs"),
    ],
)
def test_what_a_text_does_not_say_cannot_be_chosen_by(data: bytes, wanted: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        part(data, **wanted)
    assert caught.value.hint


def test_nothing_left_is_no_data() -> None:
    with pytest.raises(NoDataError, match="--since"):
        part(ISO, since="2026-01-01")


def test_local_times_of_a_dated_text_are_compared_as_shown() -> None:
    header = b"-- Journal begins at Sat 2025-02-01 00:00:00 CET, ends at Thu 2025-03-06 00:00:00 CET. --\n"
    assert messages(part(header + SHORT, since="2025-03-03 06:00")) == ["m3", "m4", "m5"]
    with pytest.raises(UsageError, match="does not say its zone"):
        part(header + SHORT, since="2025-03-03T06:00:00Z")


def test_boots_by_index_and_by_id() -> None:
    journal = generate(named("healthy-sqlite"), 1).render("export")
    boot = re.search(rb"_BOOT_ID=([0-9a-f]{32})", journal)
    assert boot is not None
    later = re.sub(
        rb"__REALTIME_TIMESTAMP=(\d+)", lambda m: b"__REALTIME_TIMESTAMP=%d" % (int(m[1]) + 3_600_000_000), journal
    )
    later = later.replace(boot[1], b"f" * 32)
    both = journal + later
    whole = len(part(both, boot="0"))
    assert {r.boot_id for r in part(both, boot="0")} == {"f" * 32}
    assert {r.boot_id for r in part(both, boot="-1")} == {boot[1].decode()}
    assert {r.boot_id for r in part(both, boot="1")} == {boot[1].decode()}
    assert len(part(both, boot=boot[1].decode())) == whole
    with pytest.raises(NoDataError):
        part(both, boot="-2")
    marked = b"-- Boot " + boot[1] + b" --\n" + SHORT + b"-- Boot " + b"e" * 32 + b" --\n" + SHORT.replace(b"m", b"n")
    assert [m[0] for m in messages(part(marked, boot="0"))] == ["n"] * 5


def test_choosing_a_boot_shows_its_starts_alone(run: Run) -> None:
    result = run("analyze", "-", "--unit", "k3s", "-f", "json", input=export())
    assert result.exit_code == 0
    assert [s["outcome"] for s in json.loads(result.stdout)["starts"]] == ["ready"]
    assert run("analyze", "-", "--since", "soon", input=export()).exit_code == int(ExitCode.USAGE)


def test_an_input_of_ones_own_is_named_and_closed() -> None:
    given = journal_input(Query(units=("k3s",), boot="0", since="today", until="now", directory="/x"))
    assert given.name == "<journal>"
    assert Query(("k3s",), "0", "today", "now", "/x").arguments() == [
        "-u", "k3s", "--boot=0", "--since=today", "--until=now", "--directory=/x",
    ]  # fmt: skip
    with pytest.raises(UsageError):
        journal_input(Query(since="a\0b"))
