"""Histories for people: a trend over groups, changes of hosts."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from analyzer.comparison.model import History, Observed
from analyzer.reports import history_markdown, history_text, history_words as words
from analyzer.reports.format import Options
from analyzer.reports.terminal import cells
from analyzer.stats.difference import Interval
from tests.kit import made_comparison as made
from tests.reports.test_comparison_text import HOSTILE

MADE = made.histories()


def text(history: History, **options: object) -> str:
    return history_text.render(history, Options(**options))  # type: ignore[arg-type]


def flat(shown: str) -> str:
    return " ".join(shown.split())


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("trend", "✗ v1.33.1+k3s1 is ready later than v1.32.4+k3s1, by 1.8 to 3.1 s (19 to 33%), in the median of 20 "
         "starts against 20 (96% sure)."),
        ("one group", "● Nothing can be compared: all starts are of one group, v1.31.8+k3s1: 20 starts of 1 host, 20 "
         "ready."),
        ("changes", "✗ Of 47 hosts 2 became slower and 1 became faster; the others show no change; 3 hosts have too "
         "few starts to tell."),
        ("no changes", "● No change can be shown on any of 47 hosts; 3 hosts have too few starts to tell."),
    ],
)  # fmt: skip
def test_the_first_sentence(name: str, sentence: str) -> None:
    assert flat(text(MADE[name])).startswith(sentence)
    assert history_markdown.render(MADE[name]).startswith(f"{sentence[0]} **{sentence[2:]}**\n")


def test_a_trend_has_a_row_for_each_group() -> None:
    shown = text(MADE["trend"])
    assert re.search(r"(?m)^version +starts +median \(s\) +95% interval +change \(s\) +verdict$", shown)
    assert re.search(r"(?m)^v1\.31\.8\+k3s1 +20 +9\.3–9\.5 +8\.7–10\.2$", shown)
    assert re.search(r"(?m)^v1\.33\.1\+k3s1 +20 +11\.7–11\.9 +11\.1–12\.6 +\+1\.8 to \+3\.1 +\| +█+ +✗ slower$", shown)
    assert re.search(r"(?m)^v1\.33\.4\+k3s1 .* −1\.1 to \+1\.2 .* undecided$", shown)
    assert "Where v1.33.1+k3s1: checks and hooks slower (+1.8 to +3.1 s)" in flat(shown)
    assert "Starts that never got there count as later than all others: 1 of 20 of v1.33.1+k3s1." in flat(shown)


def test_how_sure_all_steps_are_together() -> None:
    trend = MADE["trend"]
    told = "Of 4 steps from one group to the next: 1 certainly slower, 3 without a difference that can be shown"
    assert words.more(trend) == f"{told}; all of it together 80% sure."
    bonferroni = tuple(replace(step, comparison=replace(step.comparison, confidence=0.9875)) for step in trend.steps)
    assert words.more(replace(trend, steps=bonferroni)) == f"{told}; all of it together 95% sure."
    assert words.more(MADE["long trend"]).endswith("79 without a difference that can be shown.")
    assert words.more(replace(trend, steps=trend.steps[:1], points=trend.points[:2])) == ""


def test_a_trend_of_a_share_is_in_percent() -> None:
    trend = MADE["trend"]
    share = made.metric("failed", (0.0, 0.0), (0.15, 0.15), (-0.02, 0.37), unit="share")
    steps = tuple(replace(step, comparison=replace(step.comparison, metrics=(share,))) for step in trend.steps)
    points = tuple(replace(one, observed=Observed(20, 0.1, 0.15), interval=Interval(0.02, 0.3)) for one in trend.points)
    shown = text(replace(trend, steps=steps, points=points, goal="failed"))
    assert re.search(r"(?m)^version +starts +failed +95% interval +change +verdict$", shown)
    assert re.search(r"(?m)^v1\.33\.1\+k3s1 +20 +10–15% +2–30% +−2 to \+37 pts +undecided$", shown)


def test_a_trend_without_a_certain_step_says_how_the_last_one_went() -> None:
    trend = MADE["trend"]
    flat_one = replace(trend, points=trend.points[:3], steps=trend.steps[:2])
    assert words.verdict(flat_one).startswith(
        "No step from one group to the next can be shown to differ. The last one: No difference can be shown: "
        "v1.32.4+k3s1 is ready somewhere between 1.0 s earlier and 0.8 s later than v1.32.2+k3s1"
    )
    assert words.sign(flat_one) == "●"
    better = replace(trend, points=trend.points[:2], steps=(made.faster(),))
    assert words.sign(better) == "✓" and words.verdict(better).startswith("v1.33.1 is ready earlier than v1.32.4")
    assert words.verdict(replace(trend, points=(), steps=())) == "Nothing can be compared: there is not one group."


def test_of_many_groups_those_that_changed_and_the_last_ones_are_shown() -> None:
    shown = text(MADE["long trend"])
    assert shown.count("slower\n") == sum(at % 9 == 4 for at in range(89))
    assert "2026-03-89" in shown and "2026-03-00" not in shown
    assert "and 66 more groups, none of which certainly differs by more" in shown


def test_changes_are_the_most_certain_first_with_what_changed_there() -> None:
    shown = flat(text(MADE["changes"]))
    order = [shown.index(host) for host in ("node-017 is", "node-203 is", "node-111 is")]
    assert order == sorted(order)
    assert (
        "node-017 is ready later than before, by 1.8 to 2.9 s (18 to 31%), in the median of 20 starts against 20 (96% "
        "sure), since 2026-03-04 07:00 UTC (logs/node-017.log:13). The release is v1.33.1+k3s1, before v1.32.4+k3s1. "
        "New finding: the disk answers slowly (12 of 14 starts)."
    ) in shown
    assert "node-111 is ready earlier than before" in shown
    assert re.search(r"and 7\d more, less certain ones", text(MADE["many changes"]))


def test_starts_of_before_that_never_got_ready_are_named_by_host_and_moment() -> None:
    one = made.change("node-017", made.all_failed().comparison, 0.01)
    assert words.change(one).startswith(
        "Half or more of the starts of node-017 since then never got ready; the median of "
        "node-017 before 2026-03-04 07:00 UTC is 9.3 to 9.5 s"
    )
    faster = replace(one.comparison, base=one.comparison.new, new=one.comparison.base)
    worse = made.metric("ready", (math.inf, math.inf), (9.3, 9.5), (-math.inf, -math.inf), verdict="faster")
    told = words.change(replace(one, host="a-node-of-a-long-name", comparison=replace(faster, metrics=(worse,))))
    assert told.startswith("Half or more of the starts of a-node-of-a… before 2026-03-04 07:00 UTC never got ready")


@pytest.mark.parametrize(
    ("changes", "without", "few", "told"),
    [
        (0, 1, 0, "No change can be shown on the only host."),
        (0, 0, 1, "Nothing can be compared: 1 host has too few starts to tell."),
        (0, 0, 0, "Nothing can be compared: there is no host."),
        (1, 0, 0, "Of 1 host 1 became slower."),
        (2, 0, 4, "Of 2 hosts 2 became slower; 4 hosts have too few starts to tell."),
        (-2, 7, 0, "1 of 8 hosts changed, some more than once: 2 to slower; the others show no change."),
    ],
)
def test_hosts_are_counted(changes: int, without: int, few: int, told: str) -> None:
    found = tuple(
        made.change(f"node-{max(n, 0)}", made.slower().comparison, 0.01) for n in range(*sorted((0, changes)))
    )
    history = History((), "ready", (), (), found, without, few)
    assert words.verdict(history) == told


def test_moments_are_in_utc_and_what_is_none_stays() -> None:
    assert words.when("2026-03-04T09:00:01+02:00") == "2026-03-04 07:00 UTC"
    assert words.when("2026-03-04T09:00:01") == "2026-03-04 09:00"
    assert words.when("0001-01-01T00:00:00+14:00") == "0001-01-01T00:00:00+14:00"
    assert words.when("yesterday") == "yesterday"


def test_what_is_left_out_is_said() -> None:
    trend = replace(MADE["trend"], used=100)
    told = "Used 100 of 102 starts: the others have no known version."
    assert f"Starts {told}" in flat(text(trend)) and f"- {told}\n" in history_markdown.render(trend)
    told = (
        "Used 36 of 72 starts: the others do not say when they began, or are first starts where the host's other "
        "starts are restarts (or the reverse)."
    )
    changes = replace(MADE["changes"], used=36, left_out=36)
    assert told in flat(text(changes)) and told in history_markdown.render(changes)
    assert "Used" not in text(MADE["no changes"])


@pytest.mark.parametrize("name", MADE)
def test_it_fits(name: str) -> None:
    shown = text(MADE[name])
    assert shown.count("\n") <= history_text.LINES and max(map(cells, shown.splitlines())) <= 80
    assert text(MADE[name], width=400) == shown and text(MADE[name], ascii=True).isascii()
    assert re.sub(r"\x1b\[[\d;]*m", "", text(MADE[name], color=True)) == shown
    marked = history_markdown.render(MADE[name])
    assert marked.count("\n") <= history_markdown.LINES
    html = [token.content for token in MarkdownIt("gfm-like", {"linkify": False}).parse(marked) if "html" in token.type]
    assert html == ["<details><summary>Details</summary>\n", "</details>\n"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_neither_widen_nor_lengthen_nor_steer_it(hostile: str) -> None:
    one = made.hostile_history(hostile)
    many = replace(one, points=one.points * 20, steps=one.steps * 39, changes=one.changes * 20)
    only_changes = replace(many, by=(), points=(), steps=())
    for history in (one, many, only_changes):
        shown = text(history)
        assert shown.count("\n") <= history_text.LINES and max(map(cells, shown.splitlines())) <= 80
        assert shown.replace("\n", "").isprintable()
        marked = history_markdown.render(history)
        assert marked.count("\n") <= history_markdown.LINES and marked.replace("\n", "").isprintable()
