"""docs/ci as a user follows it: starts recorded by the script, compared, and held against its limits.

There is no container engine here: a stand-in for ``docker`` gives the logs of recorded servers, as ``docker logs
--timestamps`` does.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from analyzer.gate.limits import limits_of
from tests.kit.in_process import k3slog

ROOT = Path(__file__).parents[2]
CI = ROOT / "docs" / "ci"
DOCKER = """#!/bin/sh
case $1 in
run) n=$(cat count 2>/dev/null || echo 0); echo $((n + 1)) > count; echo "$*" >> calls ;;
inspect) echo true ;;
exec) exit 0 ;;
logs) cat "log-$(cat count)" ;;
rm) echo "$*" >> calls ;;
esac
"""


def as_container(recording: Path) -> Iterator[str]:
    """The lines of k3s in a journal export, each with the time that Docker puts before it."""
    for entry in gzip.decompress(recording.read_bytes()).decode("utf-8", "replace").split("\n\n"):
        fields = dict(line.split("=", 1) for line in entry.splitlines() if "=" in line)
        if fields.get("SYSLOG_IDENTIFIER") == "k3s" and "MESSAGE" in fields:
            at = datetime.fromtimestamp(int(fields["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
            yield f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z {fields['MESSAGE']}\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with the stand-in, and what each of its containers prints."""
    stand_in = tmp_path / "docker"
    stand_in.write_text(DOCKER)
    stand_in.chmod(0o755)
    for number in range(3):
        recording = ROOT / "sample_logs" / "ab" / f"ab-1.32.4-25-{number}.export.gz"
        (tmp_path / f"log-{number + 1}").write_text("".join(as_container(recording)))
    return tmp_path


def run(machine: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "DOCKER": str(machine / "docker")}
    script = CI / "record-starts.sh"
    return subprocess.run(["sh", script, *words], cwd=machine, env=environment, capture_output=True, check=False)


@pytest.mark.long
def test_starts_are_recorded_compared_and_held_against_the_limits(machine: Path) -> None:
    ran = run(machine, "container", "rancher/k3s:v1.32.4-k3s1", "new-logs", "3", "--disable", "traefik")
    assert ran.returncode == 0, ran.stderr
    logs = sorted((machine / "new-logs").iterdir())
    assert [log.name for log in logs] == ["start-001.log", "start-002.log", "start-003.log"]
    assert "server --disable traefik" in (machine / "calls").read_text()
    assert (machine / "calls").read_text().count("rm -f") == 3
    new = machine / "new-logs"
    ran = k3slog("gate", new, "--baseline", new, "--limits", CI / "limits.toml", "--format", "json")
    told = json.loads(ran.stdout)
    assert told["starts"] == 6  # each recording is of a first start and a restart
    results = {limit["metric"]: limit["result"] for limit in told["limits"] if limit["stat"] != "median"}
    assert results == {"failed": "pass", "ready": "pass", "findings:critical": "pass"}
    assert k3slog("compare", new, new).stdout.decode().startswith("● No difference can be shown")


@pytest.mark.parametrize(
    "words", [(), ("container", "image", "folder"), ("container", "image", "folder", "many"), ("pod", "x", "f", "1")]
)
def test_the_script_refuses_what_it_does_not_understand(machine: Path, words: tuple[str, ...]) -> None:
    ran = run(machine, *words)
    assert ran.returncode == 2 and ran.stderr.startswith(b"record-starts: ")


def test_the_files_to_copy_are_well_formed() -> None:
    assert len(limits_of([], [str(CI / "limits.toml")])) == len(
        tomllib.loads((CI / "limits.toml").read_text())["limit"]
    )
    steps = yaml.safe_load((CI / "k3s-start.yml").read_text())["jobs"]["gate"]["steps"]
    said = "\n".join(step.get("run", "") for step in steps)
    assert "k3slog compare" in said and "k3slog gate" in said and "ci/record-starts.sh" in said
