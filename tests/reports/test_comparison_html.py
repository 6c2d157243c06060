"""The pages of a comparison and of a history without a browser: structure, escaping, size, and the numbers in them."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from analyzer.collection.model import Bounds, InputRow
from analyzer.comparison.compare import compared
from analyzer.comparison.history import by_groups
from analyzer.comparison.model import Asked, Compared, DesignNote, Limit, OneSided
from analyzer.comparison.sides import SideOf
from analyzer.reports import (
    comparison_curve,
    comparison_forest,
    comparison_rows,
    comparison_words,
    curve,
    history_html,
    history_trend,
    history_words,
    html_page,
)
from analyzer.reports.comparison_anonymize import anonymized
from analyzer.reports.comparison_html import render
from analyzer.reports.comparison_starts import NUMBER, slowest
from analyzer.reports.percent_scale import Scale
from tests.kit import made_comparison as made
from tests.kit.made_collection import HOSTILE
from tests.kit.made_sides import One, failed, normal, ready, side
from tests.reports.test_html import Page

PAGES = {f"comparison: {name}": render(one) for name, one in made.made().items()}
PAGES |= {f"history: {name}": history_html.render(one) for name, one in made.histories().items()}
PAGES |= {
    "comparison: hostile": render(made.hostile(HOSTILE)),
    "history: hostile": history_html.render(made.hostile_history(HOSTILE)),
}
PHASES = ("extract", "certificates", "apiserver_boot", "hooks")


def words(text: str) -> str:
    return " ".join("".join(Page(text).texts).split())


def metrics(number: int, seed: int, checks: int = 3, width: float = 1.0, slower: float = 0.0) -> list[One]:
    """Starts with a goal, four phases and some checks."""
    rng = np.random.default_rng(seed)
    starts = []
    for _ in range(number):
        own: dict[str, Bounds] = {}
        for id in (*PHASES, *(f"check:poststarthook/number-{n:02d}" for n in range(checks))):
            least = float(rng.lognormal(1.0, 0.4)) + (slower if id == "hooks" else 0.0)
            own[id] = (least, least + float(rng.random()) * width)
        total = sum(own[id][0] for id in PHASES)
        own["ready"] = (total, total + float(rng.random()) * width)
        starts.append(One(own, {"host": f"node-{rng.integers(9)}", "findings": (("slow_datastore", "warning"),)}))
    return starts


def some() -> Compared:
    """Real intervals: new is slower in one phase, a tenth of it fails."""
    base, new = metrics(30, 1), [*metrics(27, 2, slower=4.0), *[failed(reason="etcd has no quorum") for _ in range(3)]]
    return compared(side(base), side(new, "new"), labels=("v1", "v2"))


@pytest.fixture(scope="module", params=sorted(PAGES))
def page(request: pytest.FixtureRequest) -> tuple[str, Page]:
    return PAGES[request.param], Page(PAGES[request.param])


# --- one file, safe


def test_is_one_well_formed_document_without_anything_to_load(page: tuple[str, Page]) -> None:
    text, parsed = page
    assert text.startswith("<!DOCTYPE html>")
    assert parsed.open == [] and parsed.unbalanced == []
    for tag, attrs in parsed.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "frame", "audio", "video"}
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"src", "srcset", "action", "formaction", "style"}, (tag, name)
            assert name != "href" or value.startswith("#"), value
    assert set(re.findall(r"(?:https?|wss?):?//[^\s\"'<]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_policy_lets_exactly_the_own_script_run(page: tuple[str, Page]) -> None:
    parsed = page[1]
    programs = [text for attrs, text in parsed.scripts if "type" not in attrs]
    assert len(programs) == 1 and len(parsed.scripts) == 2
    digest = base64.b64encode(hashlib.sha256(programs[0].encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in parsed.policy.split(";"))
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["connect-src"] == rules["base-uri"] == rules["form-action"] == "'none'"


def test_numbers_of_pictures_are_numbers(page: tuple[str, Page]) -> None:
    for tag, attrs in page[1].elements:
        for name in ("x", "y", "width", "height", "x1", "x2", "d", "viewbox"):
            assert not re.search(r"nan|inf|--", attrs.get(name, "")), (tag, name, attrs[name])
        if tag == "rect":
            assert float(attrs.get("width", "0").rstrip("%")) >= 0.0


def test_hostile_text_stays_text() -> None:
    for name in ("comparison: hostile", "history: hostile"):
        raw = PAGES[name]
        parsed = Page(raw)
        assert {tag for tag, _ in parsed.elements}.isdisjoint({"img", "iframe", "b"})
        assert "</script><img src=x onerror=window.__hit=1>" in "".join(parsed.texts), name
        for character in "\u2028\u202e\udc80\x1b":
            assert character not in raw, name
        raw.encode("utf-8")
        block = re.search(r'<script type="application/json" id="k3slog-data">(.*?)</script>', raw, re.S)
        assert block is not None and not set("<>&") & set(block[1])
        assert json.loads(block[1])


def test_secrets_of_labels_paths_and_checks_are_masked() -> None:
    secret = "hunter2hunter2"
    url = f"https://someone:{secret}@example.org/k3s.log"
    rows = [ready(10.0 + n, input=url, labels=(("token", secret),), reason=f"password={secret}") for n in range(6)]
    found = compared(side(rows), side(normal(6, 30.0), "new"), labels=(url, f"token={secret}"))
    comparison = replace(
        found.comparison,
        design=(DesignNote("x", f"password={secret}"),),
        only_base=(OneSided("reason", f"password={secret}", 3), OneSided("check", f"token={secret}", 2)),
        metrics=(*found.comparison.metrics, replace(found.comparison.metrics[0], id=f"check:token={secret}")),
    )
    text = render(replace(found, comparison=comparison))
    assert secret not in text and "***" in text
    bad = InputRow(url, 1, 1, 0, f"cannot read {url}", "unreadable")
    assert secret not in render(replace(found, base=replace(found.base, inputs=(bad,))))


def test_a_page_with_stand_ins_names_no_host_and_no_path() -> None:
    base = side([ready(10.0 + n, host=f"secret-host-{n}") for n in range(9)], "secret-folder")
    new = side([ready(30.0 + n, host=f"secret-host-{n}") for n in range(9)], "secret-new")
    found = compared(base, new, labels=("secret-folder/", "secret-new/"))
    assert "secret-host-8" in render(found)
    shown = render(anonymized(found))
    assert "secret" not in shown and 'id="slowest"' in shown


def test_own_scripts_never_write_markup() -> None:
    for name in ("parts", "curve", "comparison", "history"):
        text = html_page.asset(f"page/{name}.js")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert word not in text, (name, word)


@pytest.mark.long
def test_two_hundred_starts_a_side_of_sixty_metrics_stay_under_a_megabyte() -> None:
    found = compared(side(metrics(200, 1, 55)), side(metrics(200, 2, 55), "new"))
    assert len(found.comparison.metrics) == 61
    text = render(found)
    assert len(text.encode()) < 1_000_000
    data: Any = Page(text).data
    assert len(data["curves"]) == 60  # of all that are times


def test_more_curves_than_have_room_are_left_out_the_last_ones_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_curve, "CURVES_BYTES", 3000)
    data: Any = Page(render(some())).data
    assert [one["id"] for one in data["curves"]] == ["ready", "hooks"]


def test_the_same_comparison_gives_the_same_page() -> None:
    assert render(some()) == render(some())


# --- in which order, and what is said first


def test_the_verdict_stands_first_then_curves_differences_and_starts() -> None:
    found = some()
    text = render(found)
    places = [text.index(f'id="{name}"') for name in ("answer", "curves", "differences", "alone", "slowest")]
    assert places == sorted(places)
    assert comparison_words.verdict(found.comparison) in words(text)
    assert found.comparison.metrics[0].verdict == "slower"  # else the next line proves nothing
    assert '<section class="k3slog-answer failed"' in text
    assert "Reasons of failure" in words(text) and "etcd has no quorum" in words(text)


@pytest.mark.parametrize("name", made.made())
def test_every_comparison_says_its_verdict_its_notes_and_what_would_decide(name: str) -> None:
    comparison, said = made.made()[name].comparison, words(PAGES[f"comparison: {name}"])
    wanted = [comparison_words.verdict(comparison), comparison_words.more_starts(comparison)]
    for sentence in (*wanted, *comparison_words.notes(comparison)):
        assert " ".join(sentence.split()) in said


def test_both_sides_are_described() -> None:
    said = words(render(made.slower()))
    assert "v1.32.4+k3s1" in said and "17 ready (85 %), 3 failed (15 %)" in said


# --- curves


def test_a_band_stops_below_a_hundred_by_what_never_got_there() -> None:
    found = some()
    ends = comparison_curve.ends_of(SideOf.of(found.new), "ready")
    assert ends.n == 30 and ends.never == 3 and np.isinf(ends.least).sum() == 3
    wide, narrow = comparison_curve.pictures(found, "ready", ("v1", "v2"), "")
    full, part = (_heights(band.upper) for band in wide.bands)
    assert max(full) == pytest.approx(1.0, abs=0.001) and max(part) == pytest.approx(0.9, abs=0.001)
    assert [one.words for one in wide.missing] == ["10 % with no known end"] and wide.missing[0].look == "c1"
    assert [one.words for one in narrow.missing] == ["10 % no end"]


def _heights(path: str) -> list[float]:
    top, bottom = (curve._y(part, curve.WIDE[1]) for part in (1, 0))
    return [(bottom - float(pair.split()[1])) / (bottom - top) for pair in path[1:].split("L")]


def test_words_of_two_brackets_do_not_touch() -> None:
    found = compared(
        side([*normal(20, 20.0), failed(), failed()]), side([*normal(20, 20.0, seed=1), failed(), failed()], "new")
    )
    for picture in comparison_curve.pictures(found, "ready", ("a", "b"), ""):
        first, second = (float(one.words_at) for one in picture.missing)
        assert second - first >= 15 and len({one.path for one in picture.missing}) == 2


def test_the_data_holds_every_window_rounded_outwards() -> None:
    found = some()
    data: Any = Page(render(found)).data
    assert data["names"] == ["v1", "v2"]
    assert data["curves"][0]["id"] == "ready" and len(data["curves"]) == 8
    for one in data["curves"]:
        for given_side, told in zip((found.base, found.new), one["sides"], strict=True):
            ends = comparison_curve.ends_of(SideOf.of(given_side), one["id"])
            for exact, shown, sign in ((ends.least, told["least"], -1), (ends.most, told["most"], 1)):
                assert len(shown) == len(exact) == len(SideOf.of(given_side).places(one["id"]))
                for value, whole in zip(exact, shown, strict=True):
                    assert (whole == -1) == math.isinf(value)
                    assert whole == -1 or 0 <= sign * (whole - 1000 * value) + 1e-5 < 1.001


# --- differences


def _rows(found: Compared) -> Iterator[tuple[comparison_forest.ForestGroup, comparison_forest.ForestRow]]:
    for group in comparison_forest.groups(found.comparison):
        for row in (*group.rows, *group.folded):
            yield group, row


@pytest.mark.parametrize("name", [*made.made(), "engine"])
def test_every_metric_has_one_row_with_its_numbers(name: str) -> None:
    found = some() if name == "engine" else made.made()[name]
    text = words(render(found))
    rows = {row.id: row for _, row in _rows(found)}
    assert len(rows) == len(found.comparison.metrics) == sum(1 for _ in _rows(found))
    for metric in found.comparison.metrics:
        row = rows[metric.id]
        assert row.difference == comparison_rows.difference(metric) and row.difference in text
        assert row.base == comparison_rows.observed(metric, metric.base) and row.base in text
        assert row.new in text and row.judgement in text
        assert (row.needed == "") == (metric.needed is None)


@pytest.mark.parametrize("name", [*made.made(), "engine"])
def test_a_bar_holds_its_interval_and_touches_zero_just_where_that_does(name: str) -> None:
    found = some() if name == "engine" else made.made()[name]
    of = {metric.id: metric for metric in found.comparison.metrics}
    for group, row in _rows(found):
        scale, interval = group.axis.scale, of[row.id].difference
        left, right = float(row.range.at), float(row.range.at) + float(row.range.width)
        assert left <= scale.part(interval.lower) + 0.011 and right >= scale.part(interval.upper) - 0.021
        assert left >= 0.0 and right <= 100.001
        assert row.range.below == (interval.lower < scale.low - 1e-9) and row.range.above == (
            interval.upper > scale.high + 1e-9
        )
        inner = float(row.seen.at)
        assert left - 0.41 <= inner <= inner + float(row.seen.width) <= right + 0.41  # it is wide enough to be seen
        zero = float(group.axis.zero)
        if interval.lower > 0.0:
            assert left >= zero - 0.011
        elif interval.upper < 0.0:
            assert right <= zero + 0.021
        else:
            assert left - 0.011 <= zero <= right + 0.021


def test_times_share_one_axis_and_shares_have_their_own() -> None:
    axes = {group.id: group.axis for group in comparison_forest.groups(some().comparison)}
    assert axes["goals"] == axes["phases"] == axes["checks"] != axes["shares"]
    assert [text for _, text in axes["shares"].ticks][-1].endswith(" pts")
    assert "0" in [text for _, text in axes["goals"].ticks]


def test_what_is_decided_stands_first_and_what_nobody_asks_for_is_folded() -> None:
    found = made.many()
    checks = next(group for group in comparison_forest.groups(found.comparison) if group.id == "checks")
    verdicts = [row.look for row in (*checks.rows, *checks.folded)]
    decided = sum(metric.verdict != "undecided" for metric in found.comparison.metrics) - 1
    assert decided > 20 and all(look != "undecided" for look in verdicts[:decided])
    assert len(checks.rows) == decided and {row.look for row in checks.folded} == {"undecided"}
    assert f"{len(checks.folded)} more that show no difference" in words(render(found))
    few = next(group for group in comparison_forest.groups(some().comparison) if group.id == "checks")
    assert len(few.rows) == 3 and not few.folded


def test_the_limit_is_a_band_of_those_it_holds_for() -> None:
    base, new = side(normal(20, 20.0)), side(normal(20, 21.0, seed=1), "new")

    def limits(limit: Limit | None) -> dict[str, list[float]]:
        """How far to the right of 0 each band reaches."""
        return {
            row.id: [
                group.axis.scale.low + (group.axis.scale.high - group.axis.scale.low) * end / 100.0
                for end in (float(band.at) + float(band.width) for band in row.limits)
            ]
            for group, row in _rows(compared(base, new, Asked(limit=limit)))
        }

    fixed, share, none = (limits(limit) for limit in (Limit(2.0), Limit(0.1, relative=True), None))
    assert fixed == {"ready": [pytest.approx(2.0, abs=0.01)], "failed": []}
    assert len(share["ready"]) == 2 and all(1.9 < end < 2.1 for end in share["ready"])  # a tenth of the base
    assert none["ready"] == []


def test_a_side_that_never_gets_there_leaves_room_for_the_arrow() -> None:
    found = made.all_failed()
    group, row = next((group, row) for group, row in _rows(found) if row.goal)
    assert row.range.above and 0.0 < float(group.axis.zero) < 100.0
    assert row.difference == "+∞" and row.new == "never"


def test_a_share_of_the_base_that_says_nothing_is_not_shown() -> None:
    metric = made.metric("ready", (0.0, 2.0), (0.0, 2.0), (-2.0, 2.0), (-1.0, 5000.0))
    vague = made.compared(made.collection("a", [(0.0, 2.0)]), made.collection("b", [(0.0, 2.0)]), [metric])
    assert [row.relative for _, row in _rows(vague)] == [""]
    assert all(row.relative for _, row in _rows(made.slower()) if row.goal)


# --- what one side alone has, and the slowest starts


def test_what_one_side_alone_has_is_counted_and_long_lists_are_folded() -> None:
    text = render(made.many())
    part = text[text.index('id="alone"') : text.index('id="slowest"')]
    assert part.count("28 more</summary>") == 2
    said = words(part)
    assert said.count("poststarthook/alone-40") == said.count("poststarthook/alone-1 ") == 2
    assert "40 starts" in said and "1 start" in said


def test_the_slowest_starts_are_those_of_the_collection() -> None:
    found = some()
    for given_side, told in zip((found.base, found.new), slowest(found, "ready"), strict=True):
        metric = given_side.metrics["ready"]
        windows = {
            f"{given_side.starts[at].input}:1": (low, high)
            for at, low, high in zip(metric.at, metric.least, metric.most, strict=True)
        }
        assert len(told) == NUMBER == len({one.where for one in told})
        for one in told:
            low, high = windows[one.where]
            ends = [float(end) for end in re.findall(r"[\d.]+", one.took)]
            assert ends[0] <= low < ends[0] + 0.11
            assert one.took.startswith("> ") if math.isinf(high) else high <= ends[-1] < high + 0.11
        ready_ones = [windows[one.where][0] for one in told if one.outcome == "ready"]
        assert ready_ones == sorted(ready_ones, reverse=True)
        assert ready_ones[0] == max(low for low, high in windows.values() if math.isfinite(high))
    assert [one.outcome for one in told] == ["failed"] * 3 + ["ready"] * 5
    assert {one.why for one in told[:3]} == {"etcd has no quorum"}


def test_the_order_of_hosts_does_not_mix_up_the_starts() -> None:
    """Lengths are sorted by host for the engine; the windows shown are those of the start."""
    base = side([ready(10.0 + n, 0.0, host=f"node-{9 - n}") for n in range(9)])
    told, _ = slowest(compared(base, base), "ready")
    assert [(one.host, one.took) for one in told[:3]] == [
        ("node-1", "18.000"),
        ("node-2", "17.000"),
        ("node-3", "16.000"),
    ]


def test_many_that_never_got_there_leave_room_for_the_slowest() -> None:
    found = compared(side([*normal(10), *[failed()] * 20]), side([failed()] * 9, "new"))
    base, new = slowest(found, "ready")
    assert [one.outcome for one in base] == ["failed"] * 4 + ["ready"] * 4
    assert [one.outcome for one in new] == ["failed"] * 8


def test_a_start_opens_to_its_phases_checks_findings_and_its_command() -> None:
    found = some()
    first = slowest(found, "ready")[0][0]
    at = next(n for n, start in enumerate(found.base.starts) if f"{start.input}:1" == first.where)
    lanes = {kind.title: kind.rows for kind in first.lanes}
    assert [lane.name for lane in lanes["Length of phases"]] == [comparison_rows.metric_name(id) for id in PHASES]
    assert [lane.name for lane in lanes["Until"]] == ["ready"] and len(
        lanes["Last checks, from serving until they cleared"]
    ) == 3
    for id, lane in zip(PHASES, lanes["Length of phases"], strict=True):
        metric = found.base.metrics[id]
        low, high = re.findall(r"[\d.]+", lane.took)
        assert float(low) <= metric.least[at] and metric.most[at] <= float(high)
        assert float(lane.bar[0].at) == 0.0 and len(lane.usual) == 2
    assert first.command == f"k3slog analyze {first.where[:-2]} --start 1 --html start.html"
    text = render(found)
    assert text.count('<details class="start') == 2 * NUMBER and first.command in text
    assert "The datastore" in words(text)  # the title of the finding


@pytest.mark.parametrize(
    "name", ["a b.log", "-x.log", "$(reboot).log", "a;b", "report.json", "s3://u:p4ssword@b/x", "x y"]
)
def test_no_command_of_a_name_that_a_shell_would_take_apart(name: str) -> None:
    told, _ = slowest(compared(side([ready(5.0, input=name)] * 3), side(normal(3), "new")), "ready")
    assert [one.command for one in told] == [""] * 3
    assert "k3slog analyze" in render(compared(side(normal(3)), side(normal(3), "new")))


# --- the scale


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(2, 7))
@settings(max_examples=300, deadline=None)
def test_a_scale_has_room_for_both_ends_and_few_ticks(low: float, width: float, most: int) -> None:
    scale = Scale.over(low, low + width, most)
    assert scale.low <= low + 1e-6 * scale.step and low + width <= scale.high + 1e-6 * scale.step
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= most + 2 and ticks[0].at == "0.00" and ticks[-1].at == "100.00"
    bar = scale.bar(low, low + width)
    assert not bar.below and not bar.above and 0.0 <= float(bar.at) <= float(bar.at) + float(bar.width) <= 100.01
    assert scale.bar(-math.inf, math.inf) == scale.bar(scale.low - 1, scale.high + 1)
    assert float(scale.bar(low, low, 0.4).width) == 0.4


# --- histories


def test_a_trend_has_a_point_for_each_group_and_marks_the_steps_that_are_certain() -> None:
    history = made.trend()
    wide, narrow = history_trend.pictures(history)
    assert [point.sign for point in wide.points] == ["", "", "", "▲", ""] == [point.sign for point in narrow.points]
    heights = [float(point.top) for point in wide.points]
    assert max(heights[3:]) < min(heights[:3])  # longer is higher
    for point, drawn in zip(history.points, wide.points, strict=True):
        ends = [float(part) for part in re.findall(r"[\d.]+", drawn.line)[1:]]
        assert ends[0] > float(drawn.top) + float(drawn.height) > float(drawn.top) > ends[1]
        assert drawn.told.startswith(f"{history_words.point_name(point)}: ")
    assert "slower than the one before (+1.8 to +3.1)" in wide.points[3].told
    said = words(history_html.render(history))
    assert history_words.verdict(history) in said and "1 of 20 of v1.33.1+k3s1" in said
    assert "also: checks and hooks slower (+1.8 to +3.1 s)" in said
    for row in history_words.trend_rows(history):
        assert all(cell in said for cell in row)


def test_the_axis_of_a_trend_begins_at_nothing_unless_that_would_flatten_it() -> None:
    history = made.trend()
    assert history_trend.pictures(history)[0].from_zero
    near = made.long_trend()
    assert not history_trend.pictures(near)[0].from_zero
    assert "The axis does not begin at 0." in words(history_html.render(near))


def test_names_below_a_trend_have_room() -> None:
    for picture in history_trend.pictures(made.long_trend()):
        places = [float(x) for x, _ in picture.names]
        assert len(places) >= 3 and min(b - a for a, b in pairwise(places)) > 10 * 6
        assert places[-1] + 5 * 6.6 <= picture.width and picture.names[-1][1] == "2026-03-89"


def test_a_group_that_never_gets_there_is_drawn_at_the_edge() -> None:
    history = made.trend()
    never = replace(history.points[4], observed=replace(history.points[4].observed, min=math.inf, max=math.inf))
    history = replace(history, points=(*history.points[:4], never))
    wide = history_trend.pictures(history)[0]
    assert float(wide.points[4].top) == pytest.approx(wide.top - 1.5, abs=2) and "never" in wide.points[4].told
    all_never = replace(history, points=(never,) * 5)
    assert history_trend.pictures(all_never) == [] and "never" in words(history_html.render(all_never))


def test_a_trend_of_shares_has_percentages_and_no_seconds() -> None:
    rows = [
        *[ready(10.0 + n, version="v1.31.1+k3s1") for n in range(10)],
        *[ready(10.0 + n, version="v1.32.1+k3s1") for n in range(5)],
        *[failed(version="v1.32.1+k3s1") for _ in range(5)],
        *[ready(9.0, version=None) for _ in range(3)],
    ]
    history = by_groups(side(rows), ("version",), Asked(metrics=("failed",)))
    said = words(history_html.render(history))
    assert "Share of starts that failed" in said and "Used 20 of 23 starts: the others have no known version." in said
    assert "(s)" not in said
    wide = history_trend.pictures(history)[0]
    assert [text for _, text in wide.yticks][:3] == ["0 %", "20 %", "40 %"]
    assert wide.points[1].told.startswith("v1.32.1+k3s1: 50%, interval ") and " 10 starts" in wide.points[1].told
    assert float(wide.points[1].top) < float(wide.points[0].top)
    changes = history_html.render(replace(made.changes(), left_out=4))
    assert "Used 0 of 4 starts: the others do not say when they began" in words(changes)


def test_changes_of_hosts_stand_with_what_else_changed() -> None:
    history = made.changes()
    text = history_html.render(history)
    said = words(text)
    assert history_words.verdict(history) in said
    places = [text.index(f">{one.host} ") for one in history_words.in_order(history.changes)]
    assert places == sorted(places)
    for one in history.changes:
        assert one.before.split("/")[-1] in said and all(fact in said for fact in one.changed)
    assert "since 2026-03-04 07:00 UTC" in said and "by chance alone: < 0.0001" in said
    assert 'id="trend"' not in text and 'id="steps"' not in text
    assert "Hosts that changed" not in words(history_html.render(made.no_changes()))
