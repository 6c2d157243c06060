"""Adding lines to a text, its true continuation or its true beginning, never turns a stated fact into its opposite."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.kit.continuation import CARRIERS, Part, Text, contradictions, found_in, generated_text, recorded_text
from tests.kit.score_recorded import CLUSTERS, RECORDED, recordings
from tests.kit.thinned import thinned

# One of every kind of story: slow, crashing, restarted, stopped, ended by itself, an agent, a joining server.
FEW = (
    "1303-fresh-25",
    "1303-term-during-start",
    pytest.param("1324-crashloop-slow", marks=pytest.mark.slow),
    "1324-etcd-restart",
    pytest.param("1324-killed-thrice", marks=pytest.mark.slow),
    "1350-bad-apiserver-arg",
    "1341-term-during-start",
    "1333-agent-server-down.w",
    pytest.param("1363-ha-join-restart-b.b", marks=pytest.mark.slow),
)
SEEDS = 24


@cache
def text_of(name: str, carrier: str) -> Text:
    """A recording kept for the tests."""
    [path] = [
        folder / f"{name}.export.gz" for folder in (RECORDED, CLUSTERS) if (folder / f"{name}.export.gz").exists()
    ]
    return recorded_text(path, carrier)


def names() -> list[str]:
    return [path.name.removesuffix(".export.gz") for path in recordings()]


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("name", thinned(FEW, 2))
def test_a_longer_part_of_a_recording_contradicts_no_shorter_one(name: str, carrier: str) -> None:
    assert list(found_in(text_of(name, carrier), 8)) == []


@pytest.mark.parametrize("seed", thinned(range(SEEDS), 4))
def test_a_longer_part_of_a_generated_journal_contradicts_no_shorter_one(seed: int) -> None:
    assert list(found_in(generated_text(seed, ("short", "cat")[seed % 2]), 6)) == []


@pytest.mark.slow
@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("name", names())
def test_no_longer_part_of_any_recording_contradicts_a_shorter_one(name: str, carrier: str) -> None:
    assert list(found_in(text_of(name, carrier), 20, seed=1)) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 300))
def test_no_longer_part_of_many_generated_journals_contradicts_a_shorter_one(seed: int) -> None:
    found = [words for carrier in ("short", "cat") for words in found_in(generated_text(seed, carrier), 12, seed=1)]
    assert found == []


# --- the law is held: what is false is found ------------------------------------------------------------------------


def told(change: Callable[[dict[str, Any]], object], first: int = 0, name: str = "1303-fresh-25") -> set[str]:
    """Kinds of contradictions after the report on a part was made to say something else."""
    text = text_of(name, "export")
    shorter, longer = text.part(first, len(text.pieces) - 1), text.part(0, len(text.pieces))
    starts = copy.deepcopy(shorter.starts)
    change(starts[0])
    shorter.__dict__["starts"] = starts  # the cached property
    return {words.split("]: ")[1].split(":")[0] for words in contradictions(shorter, longer)}


def set_to(**values: object) -> Callable[[dict[str, Any]], object]:
    """A change that sets fields of the start."""
    return lambda start: start.update(values)


def moved(name: str, by: float) -> Callable[[dict[str, Any]], object]:
    """A change that moves a window."""

    def change(start: dict[str, Any]) -> None:
        window = start[name]
        window.update({end: window[end] + by for end in ("lower", "upper") if window[end] is not None})

    return change


def test_a_true_report_contradicts_nothing() -> None:
    assert told(set_to()) == set()
    assert told(set_to(), first=40) == set()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (set_to(outcome="failed"), "outcome"),
        (set_to(outcome="stopped"), "outcome"),
        (set_to(end={"kind": "failed", "at_s": 1.0, "line": 1, "reason": None}), "end"),
        (set_to(role="agent"), "role"),
        (set_to(product="rke2"), "product"),
        (set_to(version="v1.29.0+k3s1"), "version"),
        (moved("ready", 5.0), "ready"),
        (moved("ready", -5.0), "ready"),
        (moved("detected", 5.0), "detected"),
    ],
)
def test_a_false_report_on_a_part_is_found(change: Callable[[dict[str, Any]], object], kind: str) -> None:
    assert kind in told(change)


def test_weaker_is_no_contradiction() -> None:
    open_window = {"lower": None, "upper": None}
    weaker = set_to(outcome="incomplete", version=None, role="unknown", ready=open_window, detected=open_window)
    assert told(weaker) == set()


def test_a_false_gate_on_a_part_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = text_of("1303-fresh-25", "export")
    shorter, longer = text.part(0, len(text.pieces) - 1), text.part(0, len(text.pieces))
    monkeypatch.setattr(Part, "gate", lambda part, start, limit: int(part is shorter))
    assert any("gate" in words for words in contradictions(shorter, longer))


def test_a_start_that_becomes_two_and_two_that_become_one_are_found() -> None:
    text = text_of("1324-killed-thrice", "cat")
    whole, other = text.part(0, len(text.pieces)), text.part(0, len(text.pieces))
    first, second, *rest = copy.deepcopy(whole.starts)
    merged = {**first, "milestones": first["milestones"] + second["milestones"]}
    other.__dict__["starts"] = [merged, *rest]
    assert any("one became 2" in words for words in contradictions(other, whole))
    assert any("became one" in words for words in contradictions(whole, other))


def test_recordings_are_whole_when_put_together() -> None:
    for path in recordings()[:3]:
        text = recorded_text(path, "short")
        assert b"".join(text.pieces).count(b"\n") >= len(text.pieces) > 50
