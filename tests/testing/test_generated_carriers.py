"""The same journal in all carriers, the shapes of its lines, the command, and the folder of samples."""

from __future__ import annotations

import gzip
import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analyzer.cli.main import app
from analyzer.errors import OutputError
from analyzer.testing import BASIC, CARRIERS, NAMED, Generated, generate, named, samples
from tests.kit.score_recorded import RECORDED, read_export

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_logs"


@pytest.fixture(scope="module")
def kolkata() -> Generated:
    """Two starts, not in UTC."""
    return generate(named("kolkata"))


def rows(made: Generated, carrier: str) -> list[str]:
    """Lines of a text carrier without the marks between boots."""
    return [r for r in made.render(carrier).decode().splitlines() if not r.startswith("-- ")]


@pytest.mark.parametrize("carrier", [c for c in BASIC if c not in ("export", "json", "cat")])
def test_text_carriers_hold_every_entry_once(kolkata: Generated, carrier: str) -> None:
    found = rows(kolkata, carrier)
    assert len(found) == len(kolkata.entries)
    for entry, row in zip(kolkata.entries, found, strict=True):
        assert row.endswith(f"[{entry.line.pid}]: " + entry.line.text.replace("\t", " " * 8))
        assert f" {entry.host} " in row


def test_stamps_are_local_and_cut_not_rounded(kolkata: Generated) -> None:
    zone = timezone(timedelta(minutes=330))
    for entry, short, precise, iso, unix in zip(
        kolkata.entries,
        *(rows(kolkata, c) for c in ("short", "short-precise", "short-iso", "short-unix")),
        strict=True,
    ):
        at = datetime.fromtimestamp(entry.realtime_us // 10**6, zone)
        assert short.startswith(at.strftime("%b %d %H:%M:%S node-a "))
        assert precise.startswith(at.strftime("%b %d %H:%M:%S.") + f"{entry.realtime_us % 10**6:06d} ")
        assert iso.startswith(at.strftime("%Y-%m-%dT%H:%M:%S+0530 "))
        assert unix.startswith(f"{entry.realtime_us // 10**6}.{entry.realtime_us % 10**6:06d} ")
    assert any(r.startswith("Feb 28 23:59") for r in rows(kolkata, "short"))
    assert any(r.startswith("Mar 01 00:00") for r in rows(kolkata, "short"))


def test_inner_stamps_are_those_of_the_zone(kolkata: Generated) -> None:
    text = kolkata.render("cat").decode()
    assert 'time="2026-02-28T23:59:5' in text and "+05:30" in text
    assert re.search(r"^I0301 00:00:\d\d\.\d{6} {4}\d{4} ", text, re.MULTILINE)


def test_export_and_json_hold_the_same_fields(kolkata: Generated) -> None:
    exported = read_export(kolkata.render("export"))
    parsed = [json.loads(line) for line in kolkata.render("json").splitlines()]
    assert [{k: v.decode() for k, v in row.items()} for row in exported] == parsed
    assert len(parsed) == len(kolkata.entries)
    begun = [r for r in parsed if r.get("MESSAGE_ID") == "7d4958e842da4a758f6c1cdc7b36dcc5"]
    assert [r["INVOCATION_ID"] for r in begun] == [s.invocation_id for s in kolkata.truth.starts]
    own = {r["_SYSTEMD_INVOCATION_ID"] for r in parsed if r["SYSLOG_IDENTIFIER"] == "k3s"}
    assert own == {s.invocation_id for s in kolkata.truth.starts}


def test_cat_is_the_process_alone(kolkata: Generated) -> None:
    own = [e.line.text for e in kolkata.entries if e.line.ident == "k3s"]
    assert kolkata.render("cat").decode().split("\n")[:-1] == own


def test_hosts_are_merged_in_time_order_without_boot_marks() -> None:
    made = generate(named("etcd-three-servers"))
    stamps = [entry.realtime_us for entry in made.entries]
    assert stamps == sorted(stamps) and {e.host for e in made.entries} == {"cp-1", "cp-2", "cp-3"}
    assert b"-- Boot" not in made.render("short")


def test_no_such_carrier(kolkata: Generated) -> None:
    with pytest.raises(ValueError, match="no carrier"):
        kolkata.render("cards")


# --- shapes ---------------------------------------------------------------------------------------------------------


def skeleton(text: str) -> str:
    """A line without its stamps, numbers, names and line numbers."""
    text = re.sub(r"^[IWEF]\d{4} [\d:.]+ +\d+ ([\w.]+\.go):\d+\]", r"\1", text)
    text = re.sub(r'^time="[^"]*"|"ts":"[^"]*"', "", text)
    text = re.sub(r"\[[+-]\](\S+) (?:ok|failed: reason withheld)", r"\1", text)  # whichever checks fail
    text = re.sub(r"listener\.cattle\.io/\S+|SHA1=\w+|--[\w-]+(=\S*)?|CN=[\w:,=.-]+|/[\w./-]+", "~", text)
    text = re.sub(r"(?<=order: ).*|(?<=controller=).*|\b(?:node-a|vm|edge-1)(?:-\w+)?\b|[0-9a-f]{8,}|\d+", "~", text)
    return re.sub(r"[~ ]+", " ", text).strip()


@pytest.fixture(scope="module")
def recorded_shapes() -> set[str]:
    """Skeletons of everything that real servers of 1.32 said in the recordings."""
    found: set[str] = set()
    for path in sorted(RECORDED.glob("132*.export.gz")):
        for row in read_export(gzip.decompress(path.read_bytes())):
            found.add(skeleton(row["MESSAGE"].decode("utf-8", "replace")))
    return found


def test_lines_are_shaped_as_real_ones(recorded_shapes: set[str]) -> None:
    made = generate(named("kolkata"))  # 1.32.4, fresh and restarted
    shapes = {skeleton(e.line.text) for e in made.entries if e.line.ident in ("k3s", "systemd")}
    strange = {shape for shape in shapes if shape not in recorded_shapes}
    # The recordings lack: containerd (theirs was external), what systemd says after k3s ended or was ready by itself,
    # and the workloads that bring these kinds of objects.
    known = ("containerd", "Started k", "Stopped k", "Deactivated", "evaluator for: ")
    assert [shape for shape in strange if not any(part in shape for part in known)] == []
    assert len(strange) <= 10 < len(shapes) / 10


# --- files and the command ------------------------------------------------------------------------------------------


def run(*arguments: object) -> tuple[int, str, str]:
    """``(exit code, stdout, stderr)`` of ``k3slog generate …``."""
    result = CliRunner().invoke(app, ["generate", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_writes_what_the_library_makes(tmp_path: Path) -> None:
    code, out, err = run("--scenario", "debug", "--seed", "3", "--format", "short,export", "-o", tmp_path / "new")
    assert (code, out) == (0, "")
    wanted = generate(named("debug"), 3).files(("short", "export"))
    assert {p.name: p.read_bytes() for p in (tmp_path / "new").iterdir()} == wanted
    assert sorted(wanted) == ["debug.export", "debug.short.txt", "debug.truth.json"]
    assert all(f"Wrote {tmp_path / 'new' / name}" in err for name in wanted)


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    (tmp_path / "debug.truth.json").write_text("mine")
    code, _, err = run("--scenario", "debug", "-o", tmp_path)
    assert code == 3 and "exists" in err and "--force" in err
    assert [p.name for p in tmp_path.iterdir()] == ["debug.truth.json"]
    assert run("--scenario", "debug", "-o", tmp_path, "--force")[0] == 0
    assert (tmp_path / "debug.truth.json").read_text() != "mine"


def test_all_formats_and_random_scenarios(tmp_path: Path) -> None:
    assert run("--scenario", "random", "--seed", "4", "--format", "all", "-o", tmp_path)[0] == 0
    assert len(list(tmp_path.iterdir())) == len(CARRIERS) + 1


def test_list_names_every_scenario() -> None:
    code, out, _ = run("--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [*NAMED, "random"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-o", "-"),
        ("--format", "cards", "-o", "x"),
        ("--format", ",", "-o", "x"),
        ("--scenario", "x", "-o", "x"),
    ],
)
def test_wrong_use_is_two(arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "") and err.startswith("k3slog: ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_three(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    code, _, err = run("-o", tmp_path / "x")
    assert code == 3 and "cannot be written" in err


# --- samples --------------------------------------------------------------------------------------------------------


def test_samples_are_what_the_generator_makes(tmp_path: Path) -> None:
    assert samples.main([str(tmp_path)]) == 0
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in SAMPLES.iterdir() if path.is_file() and path.name != "README.md"}
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []


def test_samples_are_written_into_a_folder_that_exists(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not a folder"):
        samples.main([str(tmp_path / "none")])


def test_every_sample_has_its_truth_and_its_line() -> None:
    text = (SAMPLES / "README.md").read_text()
    for path in [*SAMPLES.iterdir(), *(SAMPLES / "recorded").iterdir()]:
        if path.is_dir() or path.name == "README.md" or path.name.endswith(".truth.json"):
            continue
        stem = re.sub(r"(\.short[\w-]*|\.cat)?\.(txt|json|export|export\.gz)$", "", path.name)
        assert (path.parent / f"{stem}.truth.json").exists(), path.name
        assert f"| `{path.relative_to(SAMPLES)}` |" in text, path.name
    assert len(re.findall(r"^\| `", text, re.MULTILINE)) >= 10


def test_paired_recordings_are_complete() -> None:
    found = sorted(p.name for p in (SAMPLES / "ab").iterdir())
    assert len(found) == 72
    wanted = [
        f"ab-{release}-{limit}-{number}.{kind}"
        for release in ("1.32.2", "1.32.4")
        for limit in (12, 25, 90)
        for number in range(6)
        for kind in ("export.gz", "truth.json")
    ]
    assert found == sorted(wanted)
