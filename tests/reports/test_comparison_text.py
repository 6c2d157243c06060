"""A comparison for people: the sentence to quote, the text for a terminal, the Markdown for a pull request."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings, strategies as st
from markdown_it import MarkdownIt

from analyzer.comparison.model import Compared, Comparison, DesignNote, Limit, MetricComparison, OneSided
from analyzer.reports import (
    comparison_html,
    comparison_markdown,
    comparison_rows as rows,
    comparison_text,
    comparison_words as words,
)
from analyzer.reports.format import Options
from analyzer.reports.terminal import cells
from analyzer.stats.difference import Interval, verdict
from tests.kit import made_comparison as made

HOSTILE = ["\x1b[31mred\x1b[0m", "a\nb\r\nc", "\u202egnp", "\udc80\udcff", "<img src=x>", "x" * 500, "日本語" * 60,
           "a b " * 99, "", ") ** | </details>", "{}", "/" * 300]  # fmt: skip
MADE = made.made()


def text(compared: Compared, **options: object) -> str:
    return comparison_text.render(compared, Options(**options))  # type: ignore[arg-type]


def flat(shown: str) -> str:
    return " ".join(shown.split())


def said(name: str) -> str:
    comparison = MADE[name].comparison
    return f"{words.sign(comparison)} {words.verdict(comparison)}"


def only(metric: MetricComparison, **changes: object) -> Comparison:
    """A comparison of one metric."""
    return replace(MADE["slower"].comparison, metrics=(metric,), goal=metric.id, **changes)  # type: ignore[arg-type]


# --- the sentence to quote


LATER = "v1.33.1 is ready later than v1.32.4, by 1.8 to 2.9 s (18 to 31%),"
OF_20 = "in the median of 20 starts against 20 (96% sure)."


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("slower", f"✗ {LATER} {OF_20}"),
        ("faster", f"✓ v1.33.1 is ready earlier than v1.32.4, by 1.8 to 2.9 s (15 to 24%), {OF_20}"),
        ("undecided", "● No difference can be shown: v1.33.1 is ready somewhere between 1.2 s earlier and 2.0 s later "
         f"than v1.32.4 (−12 to +21%), {OF_20}"),
        ("same", "✓ Within the limit of +2 s: v1.33.1 is ready somewhere between 0.4 s earlier and 1.2 s later than "
         f"v1.32.4 (−4 to +13%), {OF_20}"),
        ("over", f"✗ Over the limit of +10%: {LATER} {OF_20}"),
        ("within", f"✓ Within the limit of +5 s: {LATER} {OF_20[:-1]}; other parts are not held to it."),
        ("limit open", f"● The starts cannot tell whether the limit of +2 s holds: {LATER} {OF_20}"),
        ("few", "● No difference can be shown: the logs leave open how much later or earlier v1.33.1 is ready than "
         "v1.32.4, in the median of 3 starts against 3 (96% sure)."),
        ("all failed", "✗ Half or more of the starts of v1.33.1 never got ready; the median of v1.32.4 is 9.3 to 9.5 "
         "s (20 starts against 20, 96% sure)."),
        ("half failed", f"✗ v1.33.1 is ready later than v1.32.4, by at least 0.6 s (6.0% or more), {OF_20}"),
        ("no goal", "● No difference can be shown: 5% of 20 starts of agents failed against 0% of 20 starts of "
         "servers (−12 to +24 percentage points, 96% sure)."),
        ("nothing in common", "● Nothing can be compared: v1.32.4 and v1.33.1 have nothing in common that was "
         "measured."),
        ("not there", "● The limit of +2 s cannot be judged: no start on either side has images."),
        ("agents", f"✗ v1.33.1 has its node registered later than v1.32.4, by 1.1 to 1.6 s (31 to 49%), {OF_20}"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_the_interval_says(name: str, sentence: str) -> None:
    assert said(name) == sentence
    assert flat(text(MADE[name])).startswith(sentence)
    assert comparison_markdown.render(MADE[name]).splitlines()[0].startswith(sentence[:2] + "**")


def test_the_mark_with_a_limit_is_that_of_the_exit_code() -> None:
    signs = {None: "✗", "within": "✓", "over": "✗", "undecided": "●"}
    found = {one.comparison.decision: words.sign(one.comparison) for one in MADE.values() if one.comparison.metrics}
    assert {decision: signs[decision] for decision in ("within", "over", "undecided")}.items() <= found.items()


def test_what_is_worse_is_said_where_the_goal_shows_nothing() -> None:
    hidden = MADE["hidden"]
    assert words.sign(hidden.comparison) == "▲"
    assert words.also(hidden.comparison) == (
        "Parts that certainly changed: failed starts more (+13 to +62 percentage points), restarts more (+1 to +2), "
        "checks and hooks slower (+1.7 to +3.1 s) and 1 more."
    )
    assert words.also(MADE["slower"].comparison) == "" == words.also(MADE["undecided"].comparison)


def test_several_metrics_over_a_limit_are_counted() -> None:
    first, *others = MADE["slower"].comparison.metrics
    over = tuple(replace(one, decision="over") for one in (first, *others[:2]))
    fine = replace(first, id="started", decision="within")
    comparison = replace(MADE["slower"].comparison, metrics=(fine, *over), limit=Limit(1.0), decision="over")
    assert words.leading(comparison) == over[0]
    assert words.verdict(comparison).endswith("(96% sure); the same holds for 2 other metrics.")


def test_a_limit_of_shares_and_of_restarts_has_its_unit() -> None:
    share = made.metric("failed", (0.0, 0.0), (0.3, 0.3), (0.1, 0.5), unit="share", decision="over")
    assert words.verdict(only(share, limit=Limit(0.05), decision="over")) == (
        "Over the limit of +5 percentage points: starts fail more often in v1.33.1 than in v1.32.4: 30% of 20 starts "
        "against 0% of 20 starts (+10 to +50 percentage points, 96% sure)."
    )
    count = made.metric("restarts", (0, 0), (2, 2), (1, 2), unit="count", decision="over")
    assert words.verdict(only(count, limit=Limit(0), decision="over")).startswith(
        "Over the limit of +0: “restarts” of v1.33.1 against that of v1.32.4: +1 to +2, in the median"
    )


def test_starts_that_were_stopped_before_they_were_ready_are_not_called_later() -> None:
    slow = MADE["slower"].comparison
    stopped = replace(slow, new=replace(slow.new, outcomes=(("stopped", slow.new.starts),)))
    assert words.sign(stopped) == "●"
    assert words.verdict(stopped) == (
        "All 20 starts of v1.33.1 were stopped on request before they were ready (20 starts against 20, 96% sure)."
    )
    one = replace(slow, base=replace(slow.base, starts=1, outcomes=(("stopped", 1),)))
    assert words.verdict(one).startswith("The only start of v1.32.4 was stopped on request before it was ready (")


def test_the_same_starts_on_both_sides_are_told_below_the_verdict() -> None:
    told = "12 of 12 starts are on both sides: were the same logs named twice?"
    note = DesignNote("same_starts", told)
    one = MADE["undecided"]
    twice = replace(one, comparison=replace(one.comparison, design=(*one.comparison.design, note)))
    lead = flat(text(twice)).partition("Base")[0]
    assert f"▲ {told}" in lead and flat(text(twice)).count(told) == 1
    assert f"▲ {told}\n" in comparison_markdown.render(twice).partition("|")[0]
    assert comparison_html.render(twice).count(told) == 1


@pytest.mark.parametrize(
    ("id", "begin"),
    [
        ("ready", "v1.33.1 is ready later than v1.32.4, by 1.0"),
        ("started", "v1.33.1 is up later than v1.32.4, by 1.0"),
        ("server", "v1.33.1 reaches its server later than v1.32.4, by 1.0"),
        ("detected", "Readiness of v1.33.1 is noticed later than that of v1.32.4, by 1.0"),
        ("check:etcd", "Check etcd of v1.33.1 clears later than that of v1.32.4, by 1.0"),
        ("apiserver_boot", "“API server boot” of v1.33.1 is longer than that of v1.32.4, by 1.0"),
        ("my_own", "“my own” of v1.33.1 is longer than that of v1.32.4, by 1.0"),
    ],
)
def test_every_kind_of_metric_makes_a_sentence(id: str, begin: str) -> None:
    assert words.verdict(only(made.metric(id, (9, 9), (11, 11), (1.0, 3.0)))).startswith(begin)


def test_sides_with_one_name_are_told_apart_and_a_long_path_is_cut() -> None:
    first = MADE["slower"].comparison
    alike = replace(first, base=replace(first.base, label="logs"), new=replace(first.new, label="logs"))
    assert words.names(alike) == ("logs (base)", "logs (new)")
    path = replace(first, base=replace(first.base, label="/very/long" * 9 + "/old"), new=replace(first.new, label=""))
    assert words.names(path)[1] == "(new)" and words.names(path)[0].startswith("…")
    assert words.names(path)[0].endswith("/old (base)")


ENDS = st.floats(-1e4, 1e4).map(lambda end: round(end, 3)) | st.sampled_from([-math.inf, math.inf, 0.0])


@given(ENDS, ENDS, st.sampled_from(["ready", "hooks", "check:etcd", "detected"]), st.none() | st.floats(0.01, 100))
@settings(max_examples=300)
def test_no_sentence_claims_more_than_its_interval(one: float, other: float, id: str, limit: float | None) -> None:
    lower, upper = sorted((one, other))
    decision = None if limit is None else "within" if upper <= limit else "over" if lower > limit else "undecided"
    metric = replace(
        made.metric(id, (9.0, 10.0), (9.0, 11.0), (0.0, 1.0)), difference=Interval(lower, upper), decision=decision,
        verdict=verdict(Interval(lower, upper), limit),
    )  # fmt: skip
    comparison = only(metric, limit=None if limit is None else Limit(limit), decision=decision)
    told = words.verdict(comparison)
    certain = re.search(r"\b(later|longer|earlier|shorter) than\b.*, by |never got", told)
    assert (certain is not None) == (lower > 0.0 or upper < 0.0)
    if certain is not None and certain[1] is not None:
        assert (certain[1] in ("later", "longer")) == (lower > 0.0)
    assert ("Within the limit" in told, "Over the limit" in told) == (decision == "within", decision == "over")
    assert told.startswith("No difference") == (decision is None and lower <= 0.0 <= upper)
    assert (words.more_starts(comparison) != "") <= (decision == "undecided" or metric.verdict == "undecided")


# --- more starts, and starts that never got there


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("slower", ""),
        ("undecided", "About 60 starts a side would usually show the 0.4 s seen. With as many starts as here, "
         "only a difference of about 1.9 s or more would be found."),
        ("never decided", "The 0.1 s seen is finer than these logs can show, however many starts."),
        ("limit open", "The difference is close to the limit; more starts would say more closely how large it is."),
        ("few", "3 starts against 3 are too few to say anything; take at least 5 a side."),
        ("no goal", "About 410 starts a side would usually show the 5 percentage points seen."),
        ("nothing in common", ""), ("not there", ""), ("same", ""),
    ],
)  # fmt: skip
def test_how_many_starts_would_decide(name: str, sentence: str) -> None:
    assert words.more_starts(MADE[name].comparison) == sentence


def test_of_narrow_windows_more_starts_may_still_not_do() -> None:
    metric = made.metric("ready", (9.3, 9.4), (9.6, 9.7), (-3.0, 4.0))
    assert words.more_starts(only(metric)) == "Not even 1,000 starts a side would usually show the 0.3 s seen."
    limited = replace(metric, decision="undecided")
    told = words.more_starts(only(limited, limit=Limit(0.1, relative=True), decision="undecided"))
    assert told == "Not even 1,000 starts a side would usually show a difference of 10%."


def test_starts_that_never_got_ready_are_always_said() -> None:
    assert words.never(MADE["half failed"].comparison, words.unseen(MADE["half failed"])) == (
        "9 of 20 starts of v1.33.1 and 1 of 20 of v1.32.4 never got ready and count as later than all others."
    )
    agents = MADE["agents"]
    assert words.never(agents.comparison, words.unseen(agents)) == (
        "2 of 20 starts of v1.33.1 never had their node registered and count as later than all others."
    )
    cut = made.collection("new", made.windows(9.8, never=3))
    cut = replace(cut, starts=tuple(replace(row, outcome="incomplete") for row in cut.starts))
    open_ended = replace(MADE["slower"], new=cut)
    assert words.never(open_ended.comparison, words.unseen(open_ended)) == (
        "The logs of 3 of 20 starts of v1.33.1 do not show when: any later time is possible."
    )
    for name, compared in MADE.items():
        failed = sum(
            dict(side.outcomes).get("failed", 0) for side in (compared.comparison.base, compared.comparison.new)
        )
        if compared.comparison.goal in ("ready", "node") and compared.comparison.metrics:
            assert ("count as later than all others" in flat(text(compared))) == bool(failed), name
            assert ("count as later than all others" in comparison_markdown.render(compared)) == bool(failed), name


# --- the table


def test_the_table_begins_with_the_goal_then_what_differs_by_most() -> None:
    shown = [metric.id for metric in rows.in_order(MADE["slower"].comparison)]
    assert shown[:5] == ["ready", "hooks", made.ROLES, "node", "check:etcd"]
    assert [metric.id for metric in rows.in_order(MADE["hidden"].comparison)][1:3] == ["failed", "restarts"]
    limited = MADE["slower"].comparison
    last = replace(limited.metrics[-1], decision="undecided")
    first = rows.in_order(replace(limited, metrics=(*limited.metrics[:-1], last)))
    assert first[1] == last


def test_a_row_has_both_sides_the_change_the_bar_and_the_verdict() -> None:
    shown = text(MADE["slower"])
    assert re.search(r"(?m)^ready +9\.3–9\.5 +11\.7–11\.9 +\+1\.8 to \+2\.9 +\| +─█─ +✗ slower$", shown)
    assert re.search(r"(?m)^…k/rbac/bootstrap-roles +3\.2–4\.2 .* ✗ slower$", shown)
    assert re.search(r"(?m)^etcd +0\.4–0\.9 +0\.10–0\.20 +−0\.9 to −0\.1 +█+\| +✓ faster$", shown)
    assert re.search(r"(?m)^until noticed .* ─*█+\|█+─* +undecided$", shown)
    assert re.search(r"(?m)^failed starts +0% +15% +−2 to \+37 pts +undecided$", shown)
    assert "| is 0; █ what logs leave open, ─ chance of few starts" in shown
    assert "Ranges of base and new: what the logs leave open" in shown
    half = text(MADE["half failed"])
    assert re.search(r"(?m)^ready +9\.3–9\.5 +≥ 11\.7 +≥ \+0\.6 +\| +─+▶ +✗ slower$", half)
    assert re.search(r"(?m)^failed starts +5% +45% +\+13 to \+62 pts +✗ more$", half)
    assert re.search(r"(?m)^ready +9\.3–9\.5 +never +\+∞ +✗ slower$", text(MADE["all failed"]))


def test_rows_that_hold_no_news_say_so() -> None:
    first = MADE["slower"].comparison.metrics[0]
    none = made.metric("failed", (0.0, 0.0), (0.0, 0.0), (-0.5, 0.5), unit="share", n=(12, 11))
    tries = made.metric("restarts", (0, 0), (0, 0), (0.0, 0.0), unit="count")
    one = replace(MADE["slower"], comparison=replace(MADE["slower"].comparison, metrics=(first, none, tries)))
    shown = text(one)
    assert re.search(r"(?m)^failed starts +0 of 12 +0 of 11 +none failed$", shown)
    assert re.search(r"(?m)^restarts +0 +0 +0 +no change seen$", shown)
    marked = comparison_markdown.render(one)
    assert "failed starts (none failed)" in marked and "50" not in marked
    limited = replace(none, decision="undecided")
    assert rows.judgement(limited) == "undecided" and rows.change(limited) == "−50 to +50 pts"


def test_of_many_metrics_it_says_how_many_are_left_out() -> None:
    shown = text(MADE["many"])
    hidden = re.search(r"(?m)^and (\d+) more that differ, (\d+) more that show no difference$", shown)
    assert hidden is not None
    rows_shown = len(re.findall(r"(?m) ✗ slower$", shown))
    differing = sum(rows.differs(metric) for metric in MADE["many"].comparison.metrics)
    assert rows_shown + int(hidden[1]) == differing and int(hidden[2]) == 201 - differing
    assert "and 37 more" in flat(shown) and re.search(r"and \d other notes", shown)


def test_what_one_side_alone_has_and_what_weakens_it() -> None:
    shown = flat(text(MADE["slower"]))
    assert "Only base check poststarthook/start-legacy-token-tracking (20 starts)" in shown
    assert "Only new check poststarthook/kubernetes-service-cidr-controller (20 starts)" in shown
    assert "3 starts failed: Failed to connect to the datastore" in shown
    assert "Notes All starts of new after base:" in shown
    items = [OneSided("phase", "hooks", 2), OneSided("phase", "datastore", 1), OneSided("reason", "no", 1)]
    assert words.alone(items) == ["phases checks and hooks (2 starts), datastore (1)", "1 start failed: no"]


def test_a_statistic_of_too_few_starts_is_warned_of_once() -> None:
    few = MADE["few"].comparison
    told = "Few starts: base has 3 starts and new has 3 starts; take at least 5 a side."
    assert words.notes(few) == [] and "take at least 5 a side" in words.more_starts(few)
    sure = replace(few, metrics=(replace(few.metrics[0], verdict="slower"), *few.metrics[1:]))
    assert words.notes(sure) == [told] and not words.more_starts(sure)
    mean = replace(few, design=(), statistic="mean")
    assert words.notes(mean) == ["The mean of fewer than 30 starts a side is less sure than it says: ready."]


# --- the page of text


@pytest.mark.parametrize(("name", "width"), [*product(MADE, (None, 80, 120, 400))])
def test_it_fits_and_a_wide_terminal_does_not_widen_it(name: str, width: int | None) -> None:
    shown = text(MADE[name], width=width)
    assert shown == text(MADE[name])
    assert shown.count("\n") <= comparison_text.LINES and max(map(cells, shown.splitlines())) <= 80


@pytest.mark.parametrize("width", [40, 60])
@pytest.mark.parametrize("name", ["slower", "many", "days"])
def test_a_narrow_terminal_has_the_sentence_first(name: str, width: int) -> None:
    shown = text(MADE[name], width=width)
    assert flat(shown).startswith("✗ v1.33.1 is ready later than v1.32.4, by ")


@pytest.mark.parametrize("name", MADE)
def test_colour_and_ascii_change_no_words(name: str) -> None:
    coloured = text(MADE[name], color=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == text(MADE[name])
    plain = text(MADE[name], ascii=True)
    assert plain.isascii() and "\\" not in plain and max(map(len, plain.splitlines())) <= 82


def test_in_ascii_a_bar_can_still_be_read() -> None:
    assert re.search(r"(?m)^ready +9\.3-9\.5 +11\.7-11\.9 +\+1\.8 to \+2\.9 +\| +-#- +x slower$",
                     text(MADE["slower"], ascii=True))  # fmt: skip


def worse(hostile: str, times: int) -> Compared:
    """Hostile names everywhere, and many of them."""
    one = made.hostile(hostile)
    comparison = one.comparison
    metrics = (*comparison.metrics, *(replace(comparison.metrics[1], id=f"{hostile}{n}") for n in range(times)))
    return replace(
        one,
        comparison=replace(
            comparison, metrics=metrics, design=(DesignNote("x", hostile * 3),) * times,
            only_base=(OneSided("reason", hostile, 1), OneSided("check", hostile, 2)) * times,
            only_new=(OneSided("phase", hostile, 1),) * times,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("times", [0, 30])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_neither_widen_nor_lengthen_nor_steer_it(hostile: str, times: int) -> None:
    one = worse(hostile, times)
    shown = text(one)
    assert shown.count("\n") <= comparison_text.LINES and max(map(cells, shown.splitlines())) <= 80
    assert shown.replace("\n", "").isprintable()
    marked = comparison_markdown.render(one)
    assert marked.count("\n") <= comparison_markdown.LINES and marked.replace("\n", "").isprintable()


# --- Markdown


@pytest.mark.parametrize("name", MADE)
def test_markdown_is_short_and_its_details_are_folded(name: str) -> None:
    shown = comparison_markdown.render(MADE[name])
    assert shown.count("\n") <= comparison_markdown.LINES
    html = [
        token.content for token in MarkdownIt("gfm-like", {"linkify": False}).parse(shown) if token.type == "html_block"
    ]
    assert html == ["<details><summary>Details</summary>\n", "</details>\n"]


def test_markdown_says_the_same() -> None:
    shown = comparison_markdown.render(MADE["slower"])
    assert shown.startswith(f"✗ **{words.verdict(MADE['slower'].comparison)}**\n")
    assert "| ready | 9.3–9.5 | 11.7–11.9 | +1.8 to +2.9 | +18 to +31% | ✗ slower |" in shown
    before, _, folded = shown.partition("<details>")
    assert "All starts of new after base" in before
    assert "- No difference can be shown: until noticed (−1.9 to +1.9 s), datastore" in folded
    assert "Only new: check poststarthook/kubernetes-service-cidr-controller (20 starts); 3 starts failed:" in folded


@pytest.mark.parametrize("name", MADE)
def test_no_metric_is_lost_in_markdown(name: str) -> None:
    comparison = MADE[name].comparison
    shown = comparison_markdown.render(MADE[name])
    left_out = sum(int(more) for more in re.findall(r"\) and (\d+) more", shown.partition("Certain as well")[2]
                                                   or shown.partition("No difference can be shown: ")[2]))  # fmt: skip
    named = sum(rows.metric_name(metric.id) in shown for metric in comparison.metrics)
    assert named + left_out >= len(comparison.metrics)
