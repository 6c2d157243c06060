"""The whole command over real text, as a shell runs it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kit.frame_schema import validate
from tests.kit.in_process import k3slog

K3SLOG = [sys.executable, "-c", "from analyzer.cli.main import run; run()"]

_HEAD = "Mar 01 06:{m:02d}:{s:02d} node-a "
_START = [
    (0, "systemd[1]: Starting k3s.service - Lightweight Kubernetes..."),
    (1, 'k3s[1193]: time="2025-03-01T06:{m:02d}:01Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"'),
    (2, 'k3s[1193]: time="2025-03-01T06:{m:02d}:02Z" level=info msg="Running kube-apiserver --secure-port=6444"'),
    (2, 'k3s[1193]: time="2025-03-01T06:{m:02d}:02Z" level=info msg="Polling for API server readiness: GET /readyz'
        ' failed: the server is currently unable to handle the request"'),
    (8, 'k3s[1193]: time="2025-03-01T06:{m:02d}:08Z" level=info msg="Kube API server is now running"'),
    (8, 'k3s[1193]: time="2025-03-01T06:{m:02d}:08Z" level=info msg="k3s is up and running"'),
    (8, "systemd[1]: Started k3s.service - Lightweight Kubernetes."),
]  # fmt: skip


def journal(minute: int = 3) -> str:
    return "".join(_HEAD.format(m=minute, s=s) + text.format(m=minute) + "\n" for s, text in _START)


def shell(*args: object, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*K3SLOG, *map(str, args)], capture_output=True, text=True, check=False, **how)


def here(*args: object) -> subprocess.CompletedProcess[str]:
    """The same in this process."""
    done = k3slog(*args)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "k3s.log"
    path.write_text(journal())
    return path


def test_json_of_real_text_obeys_the_schema_and_holds_the_truth(log: Path) -> None:
    from jsonschema import Draft202012Validator

    done = shell("analyze", log, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    Draft202012Validator(json.loads(here("schema").stdout)).validate(report)
    (start,) = report["starts"]
    assert (start["outcome"], start["version"], start["host"]) == ("ready", "v1.33.4+k3s1", "node-a")
    assert start["detected"]["lower"] <= 8.0 < start["detected"]["upper"] <= 9.0


def test_a_pipe_and_a_file_and_copies_of_it_tell_the_same(log: Path) -> None:
    told = [
        json.loads(done.stdout)["starts"]
        for done in (
            shell("analyze", log, "-f", "json"),
            shell("analyze", "-f", "json", input=journal()),
            shell("analyze", log, log, "-f", "json"),
        )
    ]
    assert told[0] == told[1] == told[2]


def test_every_way_to_write_it_works_on_real_text(log: Path) -> None:
    for args in (["-f", "text"], ["-f", "markdown"], ["-f", "csv"], ["-f", "csv", "--table", "timeline"]):
        done = here("analyze", log, *args)
        assert (done.returncode, done.stderr) == (0, ""), args
        assert "v1.33.4+k3s1" in done.stdout or "milestone" in done.stdout
    assert json.loads(here("timeline", log, "-f", "trace").stdout)["traceEvents"]


@pytest.mark.parametrize(("limit", "code"), [("60", 0), ("0.5", 1), ("5", 5)])
def test_the_gate(log: Path, limit: str, code: int) -> None:
    assert here("analyze", log, "--fail-over", limit).returncode == code


def test_bad_and_empty_inputs(log: Path, tmp_path: Path) -> None:
    missing = here("analyze", log, tmp_path / "none", "-f", "json")
    assert missing.returncode == 3
    assert json.loads(missing.stdout)["starts"]
    assert missing.stderr.startswith("k3slog: ") and missing.stderr.count("\n") == 1
    assert here("analyze", tmp_path / "none").returncode == 3
    other = tmp_path / "other.log"
    other.write_text("Mar 01 06:03:22 node-a sshd[1]: Server listening on 0.0.0.0 port 22.\n")
    for name in (other, "/dev/null"):
        done = here("analyze", name)
        assert (done.returncode, done.stdout) == (4, "")
        assert done.stderr.startswith("k3slog: ") and done.stderr.count("\n") == 1
    assert here("analyze").returncode == 4


@pytest.mark.long
def test_two_thousand_lines_take_less_than_a_second_and_a_half(tmp_path: Path) -> None:
    noise = "".join(
        f"Mar 01 06:03:{s % 60:02d} node-a k3s[1193]: I0301 06:03:{s % 60:02d}.000001    1193 reflector.go:{s}] x\n"
        for s in range(2000)
    )
    path = tmp_path / "big.log"
    path.write_text(journal() + noise)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert shell("analyze", path).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time, which a busy machine does not stretch.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5
    code = (
        "import sys; from analyzer.cli.main import app\n"
        f"try: app(['analyze', {str(path)!r}, '-f', 'json', '-o', '/dev/null'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'pandas', 'plotly', 'rich', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_library_does_what_its_docs_say(log: Path) -> None:
    import analyzer

    found = analyzer.analyze(analyzer.load(log))
    validate(found.timeline(), "timeline")
    validate(found.hooks(), "hooks")
    validate(found.starts(), "starts")
    assert len(found.starts()) == len(found.report.starts) == 1
    assert analyzer.analyze(log).report == found.report
    with pytest.raises(analyzer.BadInputError):
        analyzer.load(log.parent / "none")
    both = analyzer.load(log, log.parent / "none")
    assert len(both.errors) == 1 and "1 unreadable" in repr(both)
    shown = both._repr_html_()
    assert "<td>short</td>" in shown and "<li>" in shown
