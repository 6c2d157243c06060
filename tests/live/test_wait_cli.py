"""The command itself, as a process, against the double: exit codes, streams, files, signals, and no secrets."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from analyzer.live.observed_polls import dump, parse
from analyzer.live.wait_report import LOCKED_OUT, report_of
from analyzer.reports.schema import schema_text
from tests.kit.in_process import k3slog
from tests.kit.interruptible import interruptible
from tests.live.double import Act, Double, Pki, stages

ROLES = "poststarthook/rbac/bootstrap-roles"
SECRET = "t0ps3cr3t-bearer-value"


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "analyzer.cli.main", "wait", *options]


def run(*options: str, timeout_s: float = 30.0, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("KUBECONFIG", "NO_COLOR")}
    return subprocess.run(
        command(*options), capture_output=True, text=True, timeout=timeout_s, env={**clean, **env}, check=False
    )


@pytest.fixture
def config(pki: Pki, tmp_path: Path) -> Path:
    return tmp_path / "k3s.yaml"


def test_ready_exits_0_with_windows_that_hold_the_truth(pki: Pki, config: Path, tmp_path: Path) -> None:
    saved = tmp_path / "polls.jsonl"
    hooks = {"poststarthook/a": 0.5, ROLES: 2.2}
    script = stages((0.4, Act("503")), (1e9, Act()))
    with Double(pki, hooks, script, zero_at_first_request=True) as server:
        done = run("--kubeconfig", str(pki.kubeconfig(config, server.url)), "-f", "json", "-o", str(saved))
        zero = time.time() - server.now_s()
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads(schema_text()))
    (start,) = report["starts"]
    wait = parse(saved.read_text().splitlines())
    offset = wait.began_at.timestamp() - zero
    assert start["outcome"] == "ready"
    # 20 ms: the wall clock that ties the two processes together.
    assert start["ready"]["lower"] - 0.02 <= 2.2 - offset <= start["ready"]["upper"] + 0.02
    assert start["ready"]["upper"] - start["ready"]["lower"] < 1.2
    assert start["bottleneck"]["checks"] == [ROLES] or start["bottleneck"]["certainty"] != "certain"
    assert len(server.requests()) == len(wait.polls) == len(start["polls"])
    assert [p.departed_s for p in wait.polls] == pytest.approx(
        [r.accepted_s - offset for r in server.requests()], abs=0.25
    )
    changes = [line for line in done.stderr.splitlines() if line.startswith("time=")]
    assert 2 <= len(changes) <= len(wait.polls) and "to=ready" in changes[-1]
    assert f"Wrote {saved}" in done.stderr
    assert report_of(wait).starts[0].outcome == "ready"


def test_text_summary_names_the_last_check(pki: Pki, config: Path) -> None:
    with Double(pki, {ROLES: 1.6}, zero_at_first_request=True) as server:
        done = run("--kubeconfig", str(pki.kubeconfig(config, server.url)), NO_COLOR="1")
    assert done.returncode == 0, done.stderr
    assert "rbac/bootstrap-roles" in done.stdout and "was ready" in done.stdout and "\x1b" not in done.stdout
    assert "ready after" in done.stderr


def test_confirmed_fatal_exits_1_early_with_advice(pki: Pki, config: Path) -> None:
    with Double(pki, script=lambda _t: Act("401")) as server:
        done = run("--kubeconfig", str(pki.kubeconfig(config, server.url)), "--patience", "3s")
    assert done.returncode == 1, done.stderr
    assert 3 <= len(server.requests()) < 20
    assert "unauthorized" in done.stderr and "credentials" in done.stderr
    assert "Whether it was ready is not known" in done.stdout and "cannot tell" in done.stderr
    assert "cannot become ready" not in done.stdout + done.stderr, "a 401 does not tell"


def test_a_server_alone_whose_port_is_refused_is_waited_for(tmp_path: Path) -> None:
    saved = tmp_path / "polls"
    done = run("--server", "https://127.0.0.1:1", "--timeout", "2s", "-o", str(saved), HOME=str(tmp_path))
    assert done.returncode == 6, done.stderr
    assert {poll.error for poll in parse(saved.read_text().splitlines()).polls} == {"connection_refused"}


def test_a_server_alone_is_trusted_by_the_systems_store(pki: Pki, client_files: dict[str, Path]) -> None:
    with Double(pki, client_certs=False) as server:
        trusted = run("--server", server.url, "--timeout", "20s", SSL_CERT_FILE=str(client_files["ca"]))
        stranger = run("--server", server.url, "--timeout", "20s")
    assert trusted.returncode == 0, trusted.stderr
    assert stranger.returncode == 1 and "x509_unknown_authority" in stranger.stderr


def test_401_without_credentials_is_an_api_that_answers_not_one_that_cannot_become_ready(
    pki: Pki, client_files: dict[str, Path], tmp_path: Path
) -> None:
    saved = tmp_path / "polls"
    with Double(pki, script=lambda _t: Act("401"), client_certs=False) as server:
        env = {"SSL_CERT_FILE": str(client_files["ca"])}
        done = run("--server", server.url, "--timeout", "60s", "-o", str(saved), **env)
    assert done.returncode == 1, done.stderr
    for shown in (done.stdout, done.stderr):
        assert "cannot become ready" not in shown
        assert "the API answers, but not without credentials" in " ".join(shown.split())
        assert "--token-file" in shown
    wait = parse(saved.read_text().splitlines())
    assert wait.locked_out and dump(wait) == saved.read_text()
    (finding,) = report_of(wait).starts[0].findings
    assert finding.title == LOCKED_OUT and report_of(wait).starts[0].outcome == "incomplete"


@pytest.mark.parametrize("what", ["ca", "name", "time"])
def test_certificates_that_never_heal_exit_1(pki: Pki, config: Path, what: str) -> None:
    bad = {
        "ca": Pki("other").server(),
        "name": pki.server(names=("10.9.9.9",)),
        "time": pki.server(expired=True),
    }[what]
    with Double(pki, certificate=bad) as server:
        done = run("--kubeconfig", str(pki.kubeconfig(config, server.url)), "--patience", "3s")
    assert done.returncode == 1
    assert {"ca": "x509_unknown_authority", "name": "x509_name", "time": "x509_time"}[what] in done.stderr


def test_not_found_with_k3s_own_poller_times_out_instead(pki: Pki, config: Path) -> None:
    with Double(pki, script=lambda _t: Act("404")) as server:
        done = run(
            "--kubeconfig", str(pki.kubeconfig(config, server.url)), "--policy", "shared-2s", "--timeout", "2500ms"
        )
    assert done.returncode == 6
    assert len(server.requests()) == 2, "at 0 s and 2 s; half a second before the end is the same moment"


def test_timeout_exits_6_and_says_what_still_fails(pki: Pki, config: Path) -> None:
    with Double(pki, {ROLES: 99.0}) as server:
        done = run("--kubeconfig", str(pki.kubeconfig(config, server.url)), "--timeout", "2s")
    assert done.returncode == 6
    assert "rbac/bootstrap-roles" in done.stdout and "not ready after 2." in done.stderr


def test_options_instead_of_a_kubeconfig(pki: Pki, client_files: dict[str, Path]) -> None:
    files = client_files
    with Double(pki) as server:
        done = run(
            "--server", server.url, "--ca", str(files["ca"]), "--cert", str(files["cert"]), "--key", str(files["key"])
        )
    assert done.returncode == 0, done.stderr


def test_environment_names_the_kubeconfig(pki: Pki, config: Path) -> None:
    if Path("/etc/rancher/k3s/k3s.yaml").exists():
        pytest.skip("this machine runs k3s; its own file comes first")
    with Double(pki) as server:
        done = run(KUBECONFIG=str(pki.kubeconfig(config, server.url)))
    assert done.returncode == 0, done.stderr


def test_credentials_never_show(pki: Pki, config: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(SECRET)
    kubeconfig = pki.kubeconfig(config, "https://127.0.0.1:1")
    key = re.search(r"client-key-data: (\S+)", kubeconfig.read_text())
    assert key is not None
    saved = tmp_path / "p"
    with Double(pki, script=lambda _t: Act("401"), client_certs=False) as server:
        options = ("--server", server.url, "--kubeconfig", str(kubeconfig), "--token-file", str(token))
        done = run(*options, "-o", str(saved), "--patience", "3s")
        assert server.requests()[0].headers is not None
        assert server.requests()[0].headers["authorization"] == f"Bearer {SECRET}"
    shown = done.stdout + done.stderr + saved.read_text()
    assert SECRET not in shown and key[1][:40] not in shown and "PRIVATE" not in shown


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--timeout", "soon", "--server", "https://127.0.0.1:1"], 2),
        (["--server", "127.0.0.1"], 2),
        (["--server", "https://u:p4ss@h"], 2),
        (["--cert", "x", "--server", "https://127.0.0.1:1"], 2),
        (["--policy", "oracle", "--server", "https://127.0.0.1:1", "--insecure"], 2),
        (["--policy", "nonsense", "--server", "https://127.0.0.1:1", "--insecure"], 2),
        (["--format", "xml"], 2),
        (["extra"], 2),
        (["--patience", "never", "--server", "https://127.0.0.1:1"], 2),
        (["--server", "https://127.0.0.1:1", "--ca", "/nonexistent/ca"], 3),
        (["--server", "https://127.0.0.1:1", "--token-file", "/nonexistent/t"], 3),
        (["--server", "https://127.0.0.1:1", "--insecure", "-o", "/nonexistent/x/y"], 3),
    ],
)
def test_bad_arguments_and_files(options: list[str], code: int) -> None:
    done = k3slog("wait", *options)
    assert done.returncode == code, done.stderr
    assert done.stdout == b"" and done.stderr and b"Traceback" not in done.stderr and b"p4ss" not in done.stderr


def test_output_is_not_overwritten_without_force(pki: Pki, config: Path, tmp_path: Path) -> None:
    saved = tmp_path / "polls"
    saved.write_text("precious")
    with Double(pki) as server:
        kubeconfig = str(pki.kubeconfig(config, server.url))
        assert run("--kubeconfig", kubeconfig, "-o", str(saved)).returncode == 3
        assert saved.read_text() == "precious" and server.requests() == []
        assert run("--kubeconfig", kubeconfig, "-o", kubeconfig, "--force").returncode == 2
        assert run("--kubeconfig", kubeconfig, "-o", str(saved), "--force").returncode == 0
    assert parse(saved.read_text().splitlines()).verdict == "ready"


def test_polls_on_stdout_replace_the_summary(pki: Pki, config: Path) -> None:
    with Double(pki) as server:
        done = run("--kubeconfig", str(pki.kubeconfig(config, server.url)), "-o", "-")
    assert parse(done.stdout.splitlines()).verdict == "ready"


def test_interrupt_is_clean_and_keeps_the_polls(pki: Pki, config: Path, tmp_path: Path) -> None:
    saved = tmp_path / "polls"
    # A request hangs when the signal comes.
    with Double(pki, {ROLES: 99.0}, stages((0.3, Act()), (1e9, Act("hang"))), zero_at_first_request=True) as server:
        options = ("--kubeconfig", str(pki.kubeconfig(config, server.url)), "-o", str(saved))
        process = interruptible(command(*options), text=True)
        try:
            while not any(r.act == "hang" for r in server.requests()):
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr and "interrupted after" in stderr
    wait = parse(saved.read_text().splitlines())
    assert wait.verdict == "interrupted" and wait.polls[0].failing == (ROLES,)
    assert "rbac/bootstrap-roles" in stdout


def test_live_line_on_a_terminal(pki: Pki, config: Path) -> None:
    with Double(pki, {"poststarthook/a": 0.8, ROLES: 1.4}, zero_at_first_request=True) as server:
        main, side = pty.openpty()
        options = ("--kubeconfig", str(pki.kubeconfig(config, server.url)))
        env = {**os.environ, "TERM": "xterm"}
        process = subprocess.Popen(command(*options), stdout=subprocess.PIPE, stderr=side, env=env, text=True)
        os.close(side)
        seen = b""
        try:
            while True:
                part = os.read(main, 4096)
                if not part:
                    break
                seen += part
        except OSError:  # how Linux says that the other side is gone
            pass
        finally:
            os.close(main)
            stdout, _ = process.communicate(timeout=10)
    drawn = seen.decode()
    assert process.returncode == 0
    assert re.search(r"\r\d\.\d s  \d polls?  \d of 6 checks failing: ", drawn)
    assert "time=" not in drawn, "no state lines on a terminal"
    assert "\r\x1b[K" in drawn and "was ready" in stdout


def loaded_by(*options: str) -> set[str]:
    words = command("--server", "https://127.0.0.1:1", "--insecure", "--timeout", "1s", *options)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words[1:]], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 6, done.stderr
    return {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("form", ["text", "json"])
def test_numpy_and_pandas_are_not_loaded(form: str) -> None:
    imported = loaded_by("-f", form)
    assert "analyzer.policies.registry" in imported
    assert not imported & {"numpy", "pandas", "analyzer.policies.vector"}


def test_the_short_summary_loads_no_report_and_no_vocabulary() -> None:
    imported = loaded_by()
    assert "analyzer.live.summary" in imported
    heavy = {"yaml", "httpx", "rich", "tomllib", "importlib.metadata", "jinja2"}
    rooms = ("analyzer.events", "analyzer.records", "analyzer.results", "analyzer.starts", "analyzer.analysis")
    assert not imported & heavy
    assert {name for name in imported if name.startswith((*rooms, "analyzer.reports."))} == {"analyzer.reports.output"}


def test_a_closed_stdout_is_quiet(pki: Pki, config: Path) -> None:
    with Double(pki) as server:
        options = ("--kubeconfig", str(pki.kubeconfig(config, server.url)))
        process = interruptible(command(*options), text=True)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        stderr = process.stderr.read()
        process.stderr.close()
        assert process.wait(timeout=15) == 141
    assert "Traceback" not in stderr and "Error" not in stderr


def test_help_names_every_option() -> None:
    done = run("--help")
    assert done.returncode == 0
    for option in (
        "--server",
        "--kubeconfig",
        "--ca",
        "--cert",
        "--key",
        "--token-file",
        "--insecure",
        "--policy",
        "--timeout",
        "--format",
        "--output",
    ):
        assert option in done.stdout
