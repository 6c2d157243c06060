"""Plug-ins that are broken: told as theirs, by name, and never as a bug of this package."""

from __future__ import annotations

import random
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from analyzer.errors import BadInputError, ExitCode, UsageError
from analyzer.policies import AskAt, Limits, Observation, get, registry
from analyzer.policies.protocol import Policy
from analyzer.policies.vector import VectorPolicy
from analyzer.simulator.replay import replay
from analyzer.simulator.scenario import load

WORKING = """
from analyzer.policies import AskAt, Limits, Stop
class Loop:
    def first(self): return AskAt(0.0)
    def next(self, seen): return Stop("ready", at_s=seen.at_s) if seen.ready else AskAt(seen.at_s + 1.0)
class make:
    name, limits, decisive, informed = "theirs", Limits(), 0, False
    def loops(self, rng): return (Loop(),)
"""
AFTER = WORKING + "Loop.next = lambda self, seen: "


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes ``text`` the module behind the entry point ``theirs``."""

    def write(text: str) -> None:
        (tmp_path / "their_module.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "their_module", raising=False)
        point = EntryPoint("theirs", "their_module:make", registry.GROUP)
        monkeypatch.setattr(registry, "entry_points", lambda group: [point])

    return write


def run(policy: Policy) -> None:
    replay(policy, load("cloud-2vcpu").draw(3, 1))


def test_a_working_one_works(plugin) -> None:
    plugin(WORKING)
    outcome = replay(get("theirs"), load("cloud-2vcpu").draw(20, 1))
    assert np.isfinite(outcome.detected).all()
    assert (outcome.delay <= 1.5).all()


@pytest.mark.parametrize(
    "text",
    [
        "raise RuntimeError('no luck')",
        "import there_is_no_such_module",
        "raise SystemExit(0)",
        "def make(:",
        "make = 3",
        "nothing = 0",
        "make = dict",
        "def make(): return None",
        WORKING + "make.limits = 15",
        WORKING + "make.name = None",
        WORKING + "make.decisive = 'first'",
        WORKING + "del make.limits",
        WORKING + "make.__init__ = lambda self: 1 / 0",
        WORKING + "make.decisive = 1",
        WORKING + "make.loops = lambda self, rng: None",
        WORKING + "make.loops = lambda self, rng: ()",
        WORKING + "make.loops = lambda self, rng: (3,)",
        WORKING + "make.loops = lambda self, rng: 1 / 0",
        WORKING + "Loop.first = lambda self: None",
        WORKING + "Loop.first = lambda self: 1 / 0",
        AFTER + "1 / 0",
        AFTER + "None",
        AFTER + "3.0",
        AFTER + "AskAt('soon')",
        AFTER + "AskAt(float('nan'))",
        AFTER + "Stop('bored')",
        AFTER + "self.next",
    ],
)
def test_a_broken_one_is_named(plugin, text: str) -> None:
    plugin(text)
    with pytest.raises(BadInputError) as caught:
        run(get("theirs"))
    assert "policy plug-in 'theirs' (their_module:make)" in caught.value.message
    assert "fault of the plug-in" in caught.value.hint
    assert caught.value.exit_code == ExitCode.BAD_INPUT


@pytest.mark.parametrize("answer", ["None", "[1.0]", "seen.at_s * float('nan')", "1 / 0", "'soon'"])
def test_a_broken_vector_form_is_named(plugin, answer: str) -> None:
    many = "class Many:\n    def first(self): return [0.0] * 3\n    def next(self, seen): return "
    plugin(f"{WORKING}\n{many}{answer}\nmake.vector_loops = lambda self, noise, names: (Many(),)")
    policy = get("theirs")
    assert isinstance(policy, VectorPolicy)
    with pytest.raises(BadInputError, match="theirs"):
        run(policy)


def test_one_that_asks_without_end_is_stopped(plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[replay.__module__], "MOST_REQUESTS", 1_000)  # as it is, it takes some seconds
    plugin(AFTER + "AskAt(0.0)")
    worlds = load("cloud-2vcpu").draw(1, 1)
    worlds.ready[:] = np.inf
    worlds.clears[:] = np.inf
    with pytest.raises(UsageError, match=r"theirs asks more than 1,000 times"):
        replay(get("theirs"), worlds)


def test_a_file_may_name_one_and_set_its_parameters_name_and_limits(plugin, tmp_path: Path) -> None:
    plugin(WORKING + "make.__init__ = lambda self, pause_s=1.0: setattr(Loop, 'pause_s', pause_s)\n"
           "Loop.next = lambda self, seen: AskAt(seen.at_s + self.pause_s)")  # fmt: skip
    file = tmp_path / "calm.toml"
    file.write_text('[policy]\nkind = "theirs"\npause_s = 7.0\nrequest_s = 2\n')
    policy = get(str(file))
    assert (policy.name, policy.limits) == ("calm", Limits(2.0, 900.0))
    decision = policy.loops(random.Random(1))[0].next(Observation(1.0, 0.1, error="eof"))
    assert isinstance(decision, AskAt) and decision.at_s == 8.0
    file.write_text('[policy]\nkind = "theirs"\nspeed = 7.0\n')
    with pytest.raises(BadInputError, match=r"theirs.*speed"):
        get(str(file))


def test_limits_reach_one_that_has_them_as_a_field(plugin, tmp_path: Path) -> None:
    plugin("from analyzer.policies.kinds.shared_2s import Shared2s as make")
    file = tmp_path / "short.toml"
    file.write_text('[policy]\nkind = "theirs"\ntotal_s = 5\n')
    loop = get(str(file)).loops(random.Random(1))[0]
    loop.first()
    assert isinstance(loop.next(Observation(2.1, 0.1, error="eof")), AskAt)
    assert not isinstance(loop.next(Observation(5.1, 0.1, error="eof")), AskAt)


@pytest.mark.parametrize("command", ["simulate", "wait"])
def test_the_command_names_it_and_exits_3(tmp_path: Path, command: str) -> None:
    (tmp_path / "their_module.py").write_text(AFTER + "1 / 0")
    metadata = tmp_path / "their_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[k3slog.policies]\ntheirs = their_module:make\n")
    options = {
        "simulate": ["--scenario", "cloud-2vcpu", "--draws", "5"],
        "wait": ["--server", "https://127.0.0.1:1", "--insecure", "--timeout", "5s"],
    }
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "analyzer.cli.main", command, *options[command], "--policy", "theirs"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{root}:{tmp_path}", "PATH": ""},
        timeout=60,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "'theirs' (their_module:make of their-package) failed: ZeroDivisionError" in done.stderr
    assert "bug in k3slog" not in done.stderr and "Traceback" not in done.stderr
