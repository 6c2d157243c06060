from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzer.errors import OutputError, UsageError, printable
from analyzer.reports.output import Destination, check_outputs


def test_a_file_is_written_whole_with_usual_rights_and_told_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.txt"
    old = os.umask(0o027)
    try:
        Destination.named(str(path)).write("zß\n")
    finally:
        os.umask(old)
    assert path.read_bytes() == "zß\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"Wrote {path}\n")
    assert os.listdir(tmp_path) == ["r.txt"]


def test_an_existing_file_survives_without_force_and_keeps_its_rights_with_it(tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    path.write_text("old")
    path.chmod(0o600)
    with pytest.raises(OutputError, match="exists"):
        Destination.named(str(path)).check()
    with pytest.raises(OutputError, match="exists"):
        Destination.named(str(path)).write("new")
    assert path.read_text() == "old"
    Destination.named(str(path), force=True).write(b"new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["r.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    Destination.named(str(link), force=True).write("new")
    assert link.is_symlink() and real.read_text() == "new"


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    path = tmp_path / "r.txt"
    path.write_text("old")
    with pytest.raises(OutputError, match="No space left"):
        Destination.named(str(path), force=True).write("new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["r.txt"]


def test_an_input_is_never_the_output_not_even_through_a_link(tmp_path: Path) -> None:
    log, link = tmp_path / "k3s.log", tmp_path / "out"
    log.write_text("x")
    link.symlink_to(log)
    for name in (log, link):
        with pytest.raises(UsageError, match="also an input"):
            Destination.named(str(name), force=True).check([str(log)])


def test_two_outputs_are_never_one_file_by_whatever_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "other").symlink_to(tmp_path / "folder")
    (tmp_path / "dangling").symlink_to(tmp_path / "x")
    (tmp_path / "one").write_text("")
    os.link(tmp_path / "one", tmp_path / "two")
    same = [
        ("x", "./x"),
        ("x", str(tmp_path / "x")),
        ("folder/x", "other/x"),
        ("x", "dangling"),
        ("one", "two"),
        ("-", "-"),
    ]
    for first, second in same:
        with pytest.raises(UsageError, match="same place"):
            check_outputs([Destination.named(first, force=True), Destination.named(second, force=True)])
    check_outputs([Destination.named(name) for name in ("x", "y", "folder/x", "-", "/dev/null", "/dev/null")])


def test_a_name_that_is_too_long_is_told_early_and_one_that_just_fits_is_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="File name too long"):
        Destination.named(str(tmp_path / ("x" * 256))).check()
    longest = Destination.named(str(tmp_path / ("x" * 255)))
    longest.check()
    longest.write("a")
    assert [len(name) for name in os.listdir(tmp_path)] == [255]


def test_a_folder_that_may_not_be_written_is_told_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: place != tmp_path)  # root may write everywhere
    with pytest.raises(OutputError, match="nothing may be written"):
        Destination.named(str(tmp_path / "x")).check()


def test_a_pipe_in_the_file_system_is_written_in_place(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    Destination.named(str(pipe)).check()
    Destination.named(str(pipe)).write("x")
    assert os.read(reader, 10) == b"x"
    os.close(reader)
    assert os.listdir(tmp_path) == ["pipe"]


def test_folders_and_missing_folders_are_told_early(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        Destination.named(str(tmp_path)).check()
    with pytest.raises(OutputError, match="does not exist"):
        Destination.named(str(tmp_path / "a" / "b")).check()


def test_a_device_is_written_in_place(tmp_path: Path) -> None:
    Destination.named("/dev/null").check()
    Destination.named("/dev/null").write("x")
    assert not Path("/dev/null").is_file()


def test_stdout_gets_the_data_and_nothing_else(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    Destination.named("-").write("a–b\n")
    Destination.named(None).write(b"\x00\n")
    out, err = capsysbinary.readouterr()
    assert out == "a–b\n".encode() + b"\x00\n"
    assert err == b""


def test_printable_shows_every_control_character_and_keeps_letters() -> None:
    assert printable("a\x1b[31m\x9b\u202e\r\n\t\x7f\udcff") == "a\\x1b[31m\\x9b\\u202e\\r\\n\\t\\x7f\\udcff"
    assert printable("Grüße 東京") == "Grüße 東京"
