"""docs/contributing/policies.md, followed to the letter."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analyzer.policies import AskAt, Observation, get, kinds, names
from analyzer.policies.vector import VectorPolicy
from analyzer.simulator.replay import replay, replay_scalar
from analyzer.simulator.scenario import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/contributing/policies.md").read_text(encoding="utf-8")


def block(language: str, holding: str) -> str:
    """The one fenced block of the page that holds a text."""
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if holding in text]
    return found


@pytest.fixture
def every_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's module as if it lay in ``analyzer/policies/kinds/``: one new file and nothing else."""
    (tmp_path / "every_three.py").write_text(block("python", "class EveryThree"), encoding="utf-8")
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "analyzer.policies.kinds.every_three", raising=False)


@pytest.mark.usefixtures("every_three")
def test_one_new_module_is_a_policy_in_both_forms() -> None:
    assert "every-three" in names()
    policy = get("every-three", rest_s=1.0)
    assert isinstance(policy, VectorPolicy)
    worlds = load("edge-1core").draw(80, 3)
    fast, slow = replay(policy, worlds), replay_scalar(policy, worlds)
    assert np.isfinite(fast.detected).any()
    assert fast.detected == pytest.approx(slow.detected, abs=1e-9)
    assert fast.requests.tolist() == slow.requests.tolist()
    loop = policy.loops(random.Random(1))[0]
    assert loop.first() == AskAt(0.0, "start", "first request")
    assert loop.next(Observation(0.1, 0.1, 503, "service_unavailable")) == AskAt(3.0, "waiting", "after 1 answers")


@pytest.mark.usefixtures("every_three")
def test_a_file_sets_the_parameters_of_the_new_policy(tmp_path: Path) -> None:
    file = tmp_path / "five.toml"
    file.write_text(block("toml", 'kind = "every-three"'), encoding="utf-8")
    policy = get(str(file))
    decision = policy.loops(random.Random(1))[0].next(Observation(0.1, 0.1, 503, "service_unavailable"))
    assert policy.name == "every-five"
    assert isinstance(decision, AskAt) and decision.at_s == 5.0


@pytest.mark.long
def test_a_package_of_ones_own_is_found_by_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "patient_policy.py").write_text(block("python", "class Patient"), encoding="utf-8")
    metadata = tmp_path / "patient_policy-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: patient-policy\nVersion: 1.0\n")
    group, line = re.findall(r'entry-points\."(.+?)"\]\n(.+)', block("toml", "entry-points"))[0]
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{line.replace(chr(34), '')}\n")
    toml = tmp_path / "slow.toml"
    toml.write_text('[policy]\nkind = "patient"\npause_s = 9\ntotal_s = 60\n')
    options = ["--scenario", "cloud-2vcpu", "--draws", "50", "--policy", "patient", "--policy", str(toml), "-f", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "analyzer.cli.main", "simulate", *options],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    means = {row["policy"]: row["detected_s"]["mean"] for row in json.loads(done.stdout)["policies"]}
    assert means["slow"] > means["patient"]
