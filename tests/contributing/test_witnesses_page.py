"""``docs/contributing/witnesses.md``, followed: the table that it shows bounds a check of a log."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.events import witness_rules
from analyzer.testing.log_wording import readyz_body, server_error
from tests.kit.handmade import Journal, check

PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "witnesses.md"
HOOK = "poststarthook/example"


@pytest.fixture
def the_table_added(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    [table] = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    known = witness_rules.load("witnesses.toml")["witness"]
    added = {"witness": [*known, *tomllib.loads(table)["witness"]]}
    caches = [f for f in vars(witness_rules).values() if hasattr(f, "cache_clear") and f is not witness_rules.load]
    for cached in caches:
        cached.cache_clear()
    load = witness_rules.load
    monkeypatch.setattr(witness_rules, "load", lambda name: added if name == "witnesses.toml" else load(name))
    yield
    monkeypatch.undo()
    for cached in caches:
        cached.cache_clear()


def lower_end() -> float | None:
    journal = Journal().begin().serving(3.0)
    body, _ = readyz_body((*journal.names, HOOK), (HOOK,))
    journal.poll(4.0, server_error(body))
    journal.kube(6.5, "example hook is at work", "example.go:12").running(9.0)
    return check(journal.report(), HOOK).cleared.lower


def test_without_it_only_the_begin_of_serving_bounds_the_hook() -> None:
    assert lower_end() == pytest.approx(3.0, abs=1e-5)


@pytest.mark.usefixtures("the_table_added")
def test_with_it_the_hook_cannot_have_ended_before_the_line() -> None:
    assert lower_end() == pytest.approx(6.5, abs=1e-5)
