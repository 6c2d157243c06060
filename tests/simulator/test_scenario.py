"""Scenarios: the packaged ones and what is wrong with bad ones."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.errors import BadInputError, UsageError
from analyzer.simulator import scenario
from tests.simulator.made_worlds import rough

HEAD = '[scenario]\nname = "x"\n[[stage]]\nerror = "service_unavailable"\nduration = 1.0\n'


def test_packaged_scenarios_name_their_sources() -> None:
    assert scenario.names() == ("cloud-2vcpu", "edge-1core", "pi4")
    for name in scenario.names():
        found = scenario.load(name)
        assert found.name == name
        assert found.sources
        assert all(len(source) > 30 for source in found.sources)
        worlds = found.draw(2000, 1)
        # Nothing is ready in the first second after serving began: two hooks wait that long before their first try.
        assert (worlds.ready - worlds.stage_ends[:, -1] >= 1.0).all()


def test_slower_machine_starts_slower_and_pays_more_for_a_poll() -> None:
    cloud, edge = (scenario.load(name) for name in ("cloud-2vcpu", "edge-1core"))
    assert np.median(edge.draw(2000, 1).ready) > 2 * np.median(cloud.draw(2000, 1).ready)
    assert edge.machine.delay_per_poll_s > 10 * cloud.machine.delay_per_poll_s


def test_edges_are_obeyed() -> None:
    worlds = rough().draw(500, 1)
    a, b = (worlds.names.index(name) for name in "ab")
    assert (worlds.clears[:, b] >= worlds.clears[:, a]).all()


def test_never_ready_share_and_answer() -> None:
    worlds = rough().draw(20_000, 1)
    assert np.isinf(worlds.ready).mean() == pytest.approx(0.1, abs=0.01)


def test_same_seed_same_worlds() -> None:
    assert rough().draw(50, 4).clears.tobytes() == rough().draw(50, 4).clears.tobytes()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[scenario\n", "Expected"),
        ('[[stage]]\nerror = "eof"\nduration = 1.0\n', "scenario"),
        ('[scenario]\nname = "x"\n', "stage"),
        (HEAD + "[machine]\ncores = 0\n", "cores"),
        (HEAD + "[machine]\ncoers = 1\n", "coers"),
        (HEAD + "[machine]\nlatency_s = nan\n", "latency_s"),
        (HEAD + '[machine]\ncores = "two"\n', "cores"),
        (HEAD + '[[hook]]\ncheck = "a"\nduration = { kind = "normal", mean = 1.0 }\n', "normal"),
        (HEAD + '[[hook]]\ncheck = "a"\nduration = { kind = "uniform", low = 2.0, high = 1.0 }\n', "low is above high"),
        (HEAD + '[[hook]]\ncheck = "a"\nduration = { kind = "fixed", seconds = -1.0 }\n', "seconds"),
        (HEAD + '[[hook]]\ncheck = "a"\nduration = { kind = "fixed", seconds = 1.0, low = 2 }\n', "low"),
        (HEAD + '[[hook]]\ncheck = "a"\nafter = ["b"]\n', "'b'"),
        (HEAD + '[[hook]]\ncheck = "a"\nafter = ["b"]\n[[hook]]\ncheck = "b"\nafter = ["a"]\n', "circle"),
        (HEAD + '[[hook]]\ncheck = "a"\n[[hook]]\ncheck = "a"\n', "twice"),
        (HEAD + "[never]\nprobability = 2.0\n", "probability"),
        (HEAD + '[never]\nprobability = 0.1\nerror = "teapot"\n', "teapot"),
        (HEAD + "[surprise]\n", "surprise"),
        (HEAD.replace("service_unavailable", "teapot"), "teapot"),
        (HEAD + "".join(f'[[hook]]\ncheck = "h{i}"\n' for i in range(16)), "at most"),
    ],
)
def test_bad_scenarios_name_the_key(text: str, word: str) -> None:
    with pytest.raises(BadInputError) as caught:
        scenario.parse(text)
    assert word in caught.value.message


def test_unknown_name_and_missing_file(tmp_path) -> None:
    with pytest.raises(UsageError) as caught:
        scenario.load("cloud-3vcpu")
    assert "cloud-2vcpu" in caught.value.hint
    with pytest.raises(BadInputError):
        scenario.load(str(tmp_path / "none.toml"))
