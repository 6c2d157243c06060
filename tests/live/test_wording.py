"""A wait is told as a wait: it noticed, not k3s, and no journal of k3s holds more of it."""

from __future__ import annotations

import pytest

from analyzer.live.observed_polls import Answer, dump, parse
from analyzer.live.wait_report import report_of
from analyzer.reports import full_text, html, markdown, text
from analyzer.results import Report
from tests.live.test_wait_report import server, watched

AWAY = Answer("service_unavailable", 503, "status 503", message="apiserver not ready")
HOOKS = {"poststarthook/a": 3.0, "poststarthook/rbac/bootstrap-roles": 9.3}


def saved(timeout_s: float = 900.0) -> Report:
    wait = watched(server(2.2, HOOKS, AWAY), "adaptive", timeout_s)
    return report_of(parse(dump(wait).splitlines()), path="polls.jsonl")


@pytest.mark.parametrize("render", [text.render, full_text.render, markdown.render, html.render])
def test_this_wait_noticed_not_k3s(render: object) -> None:
    assert callable(render)
    made = str(render(saved()))
    assert "his wait noticed" in made and "k3s noticed" not in made and "journalctl" not in made


def test_text_of_a_wait_that_ended_ready() -> None:
    made = " ".join(full_text.render(saved()).split())
    assert "Wait began" in made and "until this wait notices" in made and "until this wait noticed" in made
    assert "polls answered anything but ready" in made and "implied" not in made
    assert "the log starts in the middle" not in made and "k3s asks before" not in made


def test_text_of_a_wait_that_ran_out_of_time() -> None:
    short = " ".join(text.render(saved(6.0)).split())
    assert short.startswith("? Not seen ready when this wait ended after 6") and "rbac/bootstrap-roles" in short
    made = " ".join(full_text.render(saved(6.0)).split())
    assert "Not seen ready when this wait ended after 6" in made and "the log ends" not in made
    assert "still failing at the last look" in made


def test_first_answer_can_be_the_good_one() -> None:
    wait = watched(server(-1.0, {"poststarthook/a": -1.0}, AWAY), "adaptive")
    made = " ".join(full_text.render(report_of(wait, path="polls.jsonl")).split())
    assert "The first answer said ready already." in made and "0 polls" not in made


def test_page_of_a_wait_that_ran_out_of_time() -> None:
    made = html.render(saved(6.0))
    assert "Not seen ready when this wait ended" in made and "asked from outside" in made
    assert "still running at the end of the text" not in made
