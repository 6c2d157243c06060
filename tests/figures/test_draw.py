"""The timeline model and the library figures: a bar is a window of the report, and certain parts stay outside it."""

from __future__ import annotations

import builtins
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from analyzer import figures
from analyzer.errors import BadInputError, UsageError
from analyzer.figures import export
from analyzer.figures.draw import apart
from analyzer.figures.simulation import log_ticks
from analyzer.figures.timeline_model import MARK_LIMIT, Timeline, blame_rows, check_marks, short_name, timeline_model
from analyzer.results import Check, Poll, StartReport
from analyzer.window import OPEN, Bound, Span, Window
from tests.kit import page_factory as made

ALL = [(name, start) for name, build in sorted(made.SITUATIONS.items()) for start in build().starts]


def _uncertain(start: StartReport) -> dict[str, tuple[float, float, bool, bool]]:
    return {
        row.id: (mark.begin, mark.end, mark.open_begin, mark.open_end)
        for row in timeline_model(start).rows
        if row.kind in ("check", "ready", "detected")
        for mark in row.marks
        if mark.kind == "uncertain"
    }


@pytest.mark.parametrize(("name", "start"), ALL, ids=[f"{n}-{s.index}" for n, s in ALL])
def test_uncertain_marks_are_the_windows_of_the_report(name: str, start: StartReport) -> None:
    model = timeline_model(start)
    drawn = _uncertain(start)
    windows = {c.name: c.cleared for c in start.checks} | {"ready": start.ready, "detected": start.detected}
    for key, window in windows.items():
        if not model.drawable or (window.lower is None and window.upper is None):
            assert key not in drawn
            continue
        if window.lower == window.upper:
            continue
        begin, end, open_begin, open_end = drawn[key]
        assert (open_begin, open_end) == (window.lower is None, window.upper is None)
        assert begin == (model.begin if window.lower is None else window.lower)
        if window.upper is not None:
            assert end == window.upper
        else:
            assert window.lower is not None and window.lower < end <= model.end


moments = st.none() | st.floats(min_value=0, max_value=100)


@given(moments, moments, moments, st.booleans(), st.sampled_from(["ok", "failing", "unseen"]))
def test_no_certain_mark_reaches_into_the_window(
    low: float | None, high: float | None, first: float | None, seen: bool, final: Any
) -> None:
    if low is not None and high is not None and high < low:
        low, high = high, low
    window = Window(low, high, Bound.OBSERVED if low is not None else Bound.NONE)
    check = Check("c", final, seen, window, first_seen_failing_s=first, failing_until_s=low)
    marks = check_marks(check, 0.0, 100.0)
    at = 0.0
    for mark in marks:
        assert mark.begin <= mark.end and mark.begin >= at  # one after the other, none over another
        at = mark.end
        if mark.kind == "failing":
            assert seen and low is not None and mark.end <= low
        if mark.kind == "ok":
            assert high is not None and mark.begin >= high
        if mark.kind == "uncertain":
            assert (mark.begin, mark.end) == (low if low is not None else 0.0, high if high is not None else 100.0)


def test_rows_come_in_the_order_of_clearing_and_the_bottleneck_is_marked() -> None:
    checks = [row for row in timeline_model(made.base()).rows if row.kind == "check"]
    uppers = [row.window.upper for row in checks if row.window is not None]
    assert uppers == sorted(uppers)  # type: ignore[type-var]
    assert checks[-1].id == made.RBAC and checks[-1].blocker == "certain"
    assert {row.id for row in checks if row.extra} == {"ping", "log"}


def test_without_any_failing_check_all_checks_are_shown() -> None:
    rows = timeline_model(made.legacy().starts[0]).rows
    assert [row.extra for row in rows if row.kind == "check"] == [False] * 5


def test_nothing_is_drawn_after_the_process_ended() -> None:
    start = replace(made.failed(1), cut_at_s=60.0)
    model = timeline_model(start)
    assert model.end == 60.0
    assert max(m.end for row in model.rows for m in row.marks) == 9.0


def test_a_long_tail_of_the_log_does_not_squeeze_the_start() -> None:
    model = timeline_model(replace(made.base(), cut_at_s=86_400.0))
    assert model.end == 86_400.0 and model.focus_end == 15.2


def test_polls_name_their_line_and_implied_ones_the_line_they_repeat() -> None:
    rows = {row.id: row for row in timeline_model(made.base()).rows}
    printed, implied = rows["polls:service_unavailable"].dots
    assert printed.printed and printed.refs == ((0, 17),)
    assert not implied.printed and implied.refs == ((0, 17),) and "implied" in implied.note
    assert rows["polls:readyz_failing"].dots[2].refs == ((0, 52),)
    assert rows["polls:ok"].dots[0].at == 14.1 and rows["polls:ok"].dots[0].refs == ((0, 61),)
    run = next(r for r in timeline_model(made.stuck().starts[0]).rows if r.id == "polls:readyz_failing").marks[0]
    assert run.count == 444 and run.refs == ((0, 52),)


def drawn(model: Timeline) -> int:
    """How many marks and dots there are."""
    return sum(len(row.marks) + len(row.dots) for row in model.rows)


@given(st.lists(st.sampled_from(["eof", "io_timeout", "other"]), min_size=1, max_size=2500), st.integers(300, 900))
def test_merging_keeps_the_limit_and_loses_no_poll(errors: list[str], limit: int) -> None:
    polls = tuple(Poll(float(i), True, error, "transient", line=1) for i, error in enumerate(errors))
    start = replace(made.base(), polls=polls, checks=(), milestones=(), phases=(), ready=OPEN, detected=OPEN)
    model = timeline_model(start, limit=limit)
    rows = [row for row in model.rows if row.kind == "polls"]
    assert drawn(model) <= limit
    assert sum(len(row.dots) + sum(m.count for m in row.marks) for row in rows) == len(polls)
    for row in rows:
        ats = [p.at_s for p in polls if f"polls:{p.error}" == row.id]
        first = min([d.at for d in row.dots] + [m.begin for m in row.marks])
        last = max([d.at for d in row.dots] + [m.end for m in row.marks])
        assert (first, last) == (ats[0], ats[-1])
    merged = any(row.marks for row in rows)
    assert bool(model.notes) == merged


def test_even_a_hostile_number_of_checks_fits() -> None:
    check = made.base().checks[0]
    start = replace(made.base(), checks=tuple(replace(check, name=f"c{n}") for n in range(5000)))
    model = timeline_model(start)
    assert drawn(model) <= MARK_LIMIT
    assert "5000 checks: 600 are drawn" in model.notes[0]


def test_short_names_keep_both_ends() -> None:
    assert short_name("poststarthook/rbac/bootstrap-roles") == "rbac/bootstrap-roles"
    assert short_name("poststarthook/priority-and-fairness-config-producer") == "priority-and-fairness-config-producer"
    long = short_name("a" * 60 + "z" * 60)
    assert len(long) == 60 and long.startswith("a") and long.endswith("z")


def test_blame_leaves_out_what_certainly_took_no_time() -> None:
    assert [name for name, _ in blame_rows(made.base())] == [made.RBAC, made.PF]


@pytest.mark.parametrize(("name", "start"), ALL, ids=[f"{n}-{s.index}" for n, s in ALL])
def test_library_timeline_shows_the_same_windows(name: str, start: StartReport) -> None:
    figure = figures.timeline(start, all_checks=True)
    drawn = _uncertain(start)
    bars = [t for t in figure.data if t.type == "bar" and t.name.startswith("uncertain")]
    found = {(b, b + x) for t in bars for b, x in zip(t.base, t.x, strict=True)}
    for begin, end, _, _ in drawn.values():
        assert any(abs(b - begin) < 1e-9 and abs(e - end) < 1e-9 for b, e in found)
    assert bool(figure.data) == timeline_model(start).drawable


def test_library_figures_show_least_and_most() -> None:
    blame = figures.blame(made.base())
    least, most = blame.data
    assert dict(zip(least.y, least.x, strict=True))[made.RBAC] == 2.0
    assert dict(zip(most.y, most.x, strict=True))[made.RBAC] == pytest.approx(4.1)
    budget = figures.phases(made.base())
    assert sum(budget.data[0].x) == pytest.approx(0.5 + 0.7 + 0.4 + 3.1 + 6.8)
    overview = figures.starts(made.crash_loop())
    points = {t.name: list(t.x) for t in overview.data if t.type == "scatter"}
    assert points == {"ready": [6], "failed": [1, 2, 3, 4, 5]}
    assert "seconds" in figures.timeline(made.base()).layout.xaxis.title.text
    assert "2025-03-01 06:03:22 (UTC+00:00)" in figures.timeline(made.base()).layout.xaxis.title.text


def test_open_spans_and_missing_ones() -> None:
    start = replace(made.base(), checks=(replace(made.base().checks[0], exclusive_s=Span(3.0)),))
    assert "no upper limit" in figures.blame(start).data[1].hovertext[-1]
    assert figures.blame(made.agent().starts[0]).layout.annotations[0].text.startswith("the log does not say")
    assert figures.starts(made.agent()).layout.annotations[0].text.startswith("no start in this log")


def test_plotly_gets_no_markup_from_a_log() -> None:
    figure = figures.timeline(made.hostile().starts[0], all_checks=True)
    labels = "".join(figure.layout.yaxis.ticktext)
    assert "<" not in labels and "&lt;/script&gt;" in labels
    assert "<" not in figure.layout.title.text
    assert all("<" not in (text or "") for trace in figure.data for text in trace.hovertext)


def test_pictures_need_kaleido_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "kaleido":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInputError, match="kaleido") as caught:
        export.image_bytes(figures.phases(made.base()), "png")
    assert "\n" not in caught.value.one_line() and "k3slog[images]" in caught.value.one_line()


def test_pictures_refuse_other_formats() -> None:
    with pytest.raises(UsageError, match="gif"):
        export.image_bytes(object(), "gif")


def test_a_renderer_that_fails_becomes_one_line() -> None:
    pytest.importorskip("kaleido")

    class Broken:
        def to_image(self, **_: Any) -> bytes:
            raise RuntimeError("Kaleido requires Google Chrome\nto be installed.\n")

    with pytest.raises(BadInputError, match=r"Kaleido requires Google Chrome$"):
        export.image_bytes(Broken(), "svg")


def test_no_axis_has_a_label_twice() -> None:
    assert apart(["a", "b", "a"]) == ["a (1 of 2)", "b", "a (2 of 2)"]
    start = made.base()
    twice = replace(start, phases=(*start.phases, *start.phases[:1]))
    certain, possible = figures.phases(twice).data
    assert len(set(certain.y)) == len(set(possible.y)) == len(certain.y) == len(twice.phases)
    checks = (replace(start.checks[0], name="etcd"), replace(start.checks[1], name="poststarthook/etcd"))
    labels = figures.timeline(replace(start, checks=checks), all_checks=True).layout.yaxis.ticktext
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(("number", "own"), [(2, (1, 2)), (20, tuple(range(1, 21))), (300, None)])
def test_starts_are_numbered_by_whole_ticks(number: int, own: tuple[int, ...] | None) -> None:
    starts = tuple(replace(made.base(), index=index) for index in range(1, number + 1))
    drawn = figures.starts(replace(made.SITUATIONS["healthy"](), starts=starts))
    assert drawn.layout.xaxis.tickvals == own


def test_ticks_of_a_log_axis_are_numbers_of_their_own() -> None:
    ticks = log_ticks([0.004, 3.0, 0.0])["tickvals"]
    assert len(set(ticks)) == len(ticks) and {0.005, 0.01, 0.02, 1.0, 2.0, 5.0} <= set(ticks)
    assert log_ticks([1e-9, 1e9])["tickvals"][:3] == [1e-10, 1e-9, 1e-8]
    assert log_ticks([0.0]) == log_ticks([]) == {}
