"""Plotly figures from the timeline model and the report; nothing is written, nothing is shown.

Only ``plotly.graph_objects`` is used (``plotly.express`` costs four times as much to import). Text from a log goes
through :func:`plain`, because plotly reads a subset of HTML in its labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any, Final

import plotly.graph_objects as go

from analyzer.errors import printable
from analyzer.events.terms import answer, phase_words, terms
from analyzer.figures.palette import LIGHT
from analyzer.figures.timeline_model import Mark, Row, blame_rows, timeline_model, zone_words
from analyzer.results import Report, StartReport
from analyzer.window import Span, down, up

ROW_HEIGHT: Final = 26
_BAR_HEIGHT: Final = {"phase": 0.8, "failing": 0.7, "uncertain": 0.7, "ok": 0.22, "unseen": 0.06, "waiting": 0.7}
_BAR_NAME: Final = {
    "phase": "phase",
    "failing": "certainly failing",
    "waiting": "certainly not ready",
    "uncertain": "uncertain: it happened somewhere in here",
    "ok": "certainly OK",
    "ready": "ready, not noticed yet",
    "unseen": "nothing seen",
    "run": "merged polls",
    "gap": "gap",
}
_FILL: Final = {
    "phase": "phase-a",
    "failing": "failing",
    "waiting": "failing",
    "ok": "ok",
    "ready": "ok",
    "unseen": "unseen",
    "run": "phase-b",
    "gap": "gap",
}
_UNCERTAIN: Final = {
    "color": LIGHT["uncertain-fill"],
    "line": {"color": LIGHT["uncertain"], "width": 1},
    "pattern": {"shape": "/", "fgcolor": LIGHT["uncertain"], "size": 6, "solidity": 0.35},
}
_DOT: Final = {  # name, symbol, colour
    "milestone": ("milestone", "diamond", "milestone"),
    "step": ("clock step or loss", "line-ns", "gap"),
    "seen": ("seen failing once", "line-ns", "failing"),
    "trouble": ("slow or failing again", "triangle-down", "failing"),
}
_EXPLAINED: Final = frozenset({"failing", "uncertain", "ok", "unseen", "gap"})
STARTS_LIMIT: Final = 1500
_TICKS: Final = 20


def plain(text: str) -> str:
    """Text that plotly shows as it is: its pseudo-HTML and its control characters made harmless."""
    return escape(printable(text), quote=False)


def apart(labels: Sequence[str]) -> list[str]:
    """The labels of an axis, the repeated ones numbered: bars of one name would lie over each other."""
    count, seen = Counter(labels), Counter[str]()
    made = []
    for label in labels:
        seen[label] += 1
        made.append(f"{label} ({seen[label]} of {count[label]})" if count[label] > 1 else label)
    return made


def axis_title(start: StartReport) -> str:
    """What second 0 is and in which zone, for the shared time axis."""
    if start.began_at is None:
        return "seconds since the first line with a timestamp (no date in the log)"
    return f"seconds since {start.began_at:%Y-%m-%d %H:%M:%S} ({zone_words(start)})"


def _base(title: str, height: int) -> Any:
    figure = go.Figure()
    figure.update_layout(
        title={"text": plain(title), "x": 0.01, "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 12}},
        template="plotly_white",
        height=height,
        barmode="overlay",
        margin={"l": 10, "r": 20, "t": 78, "b": 60},
        font={"family": "system-ui, sans-serif", "size": 12, "color": LIGHT["ink"]},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        hoverlabel={"align": "left"},
    )
    return figure


def _empty(title: str, why: str) -> Any:
    figure = _base(title, 160)
    figure.add_annotation(text=plain(why), showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def _name(start: StartReport) -> str:
    where = f" on {start.host}" if start.host else ""
    version = f", {start.version}" if start.version else ""
    return f"Start {start.index}{where}{version}: {start.outcome}"


def timeline(start: StartReport, *, all_checks: bool = False) -> Any:
    """The timeline of one start as a ``plotly.graph_objects.Figure``; x in seconds since ``began_at``.

    ``all_checks`` adds the checks that were never seen failing. The windows of the report are the traces named
    "uncertain…": ``base`` is the lower end, ``base + x`` the upper one.
    """
    model = timeline_model(start)
    title = _name(start)
    if not model.drawable:
        return _empty(title, "no line of this start has a timestamp that can be used")
    rows = [r for r in model.rows if all_checks or not r.extra]
    figure = _base(title, 150 + ROW_HEIGHT * max(4, len(rows)))
    _add_bars(figure, rows)
    _add_dots(figure, rows)
    margin = (model.focus_end - model.focus_begin) * 0.03
    shown = [model.focus_begin - margin, model.focus_end + margin]
    figure.update_xaxes(title=axis_title(start), range=shown, zeroline=False, showline=True)
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(rows))),
        ticktext=apart([("▶ " if r.blocker else "") + plain(r.label) for r in rows]),
        range=[len(rows) - 0.4, -0.6],
        automargin=True,
        fixedrange=True,
        showgrid=False,
        zeroline=False,
    )
    if model.notes:
        figure.add_annotation(
            text=plain("; ".join(model.notes)),
            xref="paper",
            yref="paper",
            x=0,
            y=0,
            yshift=-58,
            xanchor="left",
            showarrow=False,
            font={"size": 10, "color": LIGHT["muted"]},
        )
        figure.update_layout(margin={"b": 90})
    return figure


def _add_bars(figure: Any, rows: Sequence[Row]) -> None:
    for kind in dict.fromkeys(mark.kind for row in rows for mark in row.marks):
        found: list[tuple[int, Mark]] = [(i, m) for i, row in enumerate(rows) for m in row.marks if m.kind == kind]
        marker: dict[str, Any] = _UNCERTAIN if kind == "uncertain" else {"color": LIGHT[_FILL[kind]]}
        if kind == "gap":
            marker["pattern"] = {"shape": "x", "fgcolor": LIGHT["gap"], "bgcolor": LIGHT["paper"], "size": 6}
        figure.add_trace(
            go.Bar(
                orientation="h",
                name=_BAR_NAME[kind],
                y=[i for i, _ in found],
                base=[m.begin for _, m in found],
                x=[m.end - m.begin for _, m in found],
                width=[_BAR_HEIGHT.get(kind, 0.4)] * len(found),
                text=[plain(m.label) if kind in ("phase", "run") else "" for _, m in found],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                marker=marker,
                showlegend=kind in _EXPLAINED,
                hovertext=[plain(f"{m.note} [{down(m.begin, 3)} … {up(m.end, 3)} s]") for _, m in found],
                hoverinfo="text",
            )
        )
    figure.update_layout(uniformtext={"mode": "hide", "minsize": 9})


def _add_dots(figure: Any, rows: Sequence[Row]) -> None:
    groups: dict[tuple[str, str | None, bool], list[tuple[int, float, str]]] = {}
    for i, row in enumerate(rows):
        for dot in row.dots:
            groups.setdefault((dot.kind, dot.error, dot.printed), []).append((i, dot.at, dot.note))
    for (kind, error, printed), points in groups.items():
        about, hollow = answer(error), kind == "poll" and not printed and error is not None
        look = (about.short + (" (implied)" if hollow else ""), about.symbol, about.colour)
        name, symbol, colour = _DOT.get(kind, look)
        figure.add_trace(
            go.Scatter(
                mode="markers",
                name=name,
                showlegend=False,  # each kind of answer has a row with its name
                x=[at for _, at, _ in points],
                y=[i for i, _, _ in points],
                marker={
                    "symbol": symbol + ("-open" if hollow else ""),
                    "size": 10,
                    "color": LIGHT[colour],
                    "line": {"width": 2 if symbol == "line-ns" else 1, "color": LIGHT[colour]},
                },
                hovertext=[plain(f"{note} [{at:.3f} s]") for _, at, note in points],
                hoverinfo="text",
            )
        )


def _spans(title: str, unit: str, rows: Sequence[tuple[str, Span | None]], why_empty: str) -> Any:
    known = [(name, span) for name, span in reversed(rows) if span is not None]  # plotly counts from the bottom
    if not known:
        return _empty(title, why_empty)
    names = apart([plain(name) for name, _ in known][::-1])[::-1]
    least = [span.min for _, span in known]
    widest = max(span.min if span.max is None else span.max for _, span in known)
    more = [(widest * 1.1 if span.max is None else span.max) - span.min for _, span in known]
    limits = ("no upper limit" if span.max is None else f"at most {up(span.max, 3)} s" for _, span in known)
    hover = [
        f"{name}: at least {down(span.min, 3)} s, {limit}"
        for name, (_, span), limit in zip(names, known, limits, strict=True)
    ]
    figure = _base(title, 130 + ROW_HEIGHT * len(known))
    figure.add_trace(
        go.Bar(orientation="h", name="certain", y=names, x=least, marker_color=LIGHT["failing"], hovertext=hover)
    )
    figure.add_trace(
        go.Bar(
            orientation="h",
            name="possible",
            y=names,
            base=least,
            x=more,
            marker=_UNCERTAIN,
            hovertext=hover,
        )
    )
    figure.update_traces(hoverinfo="text")
    figure.update_xaxes(title=unit, rangemode="tozero")
    figure.update_yaxes(automargin=True, type="category")
    return figure


def blame(start: StartReport) -> Any:
    """Time in which one check alone was failing between serving and ready: certain part and possible part, seconds."""
    rows = [*blame_rows(start), ("several checks at once", start.hooks_shared_s)]
    return _spans(
        f"{_name(start)}: which check alone held readiness up",
        "exclusive time, seconds (solid: at least, hatched: at most)",
        rows,
        "the log does not say how long any check failed alone",
    )


def phases(start: StartReport) -> Any:
    """The time budget of one start: each phase's length, certain part and possible part, seconds."""
    return _spans(
        f"{_name(start)}: time budget",
        "length of the phase, seconds (solid: at least, hatched: at most)",
        [(phase_words(p.id), p.duration_s) for p in start.phases],
        "the log does not show where a phase ends",
    )


def starts(report: Report) -> Any:
    """Time to ready of every start (seconds after it began) as a window; starts that were not seen ready end open."""
    shown = report.starts[-STARTS_LIMIT:]
    timed = [s for s in shown if s.ready.lower is not None or s.ready.upper is not None]
    if not timed:
        return _empty("Time to ready", "no start in this log says anything about readiness")
    figure = _base("Time to ready, start by start", 420)
    figure.add_trace(
        go.Bar(
            name="window: ready somewhere in here, if at all",
            x=[s.index for s in timed],
            base=[max(0.0, s.ready.lower or 0.0) for s in timed],
            y=[_until(s) - max(0.0, s.ready.lower or 0.0) for s in timed],
            width=0.6,
            marker=_UNCERTAIN,
            hovertext=[plain(f"start {s.index}, {s.outcome}: {window_text(s)}") for s in timed],
            hoverinfo="text",
        )
    )
    for outcome in terms("outcome").values():
        group = [s for s in timed if s.outcome == outcome.id]
        if not group:
            continue
        figure.add_trace(
            go.Scatter(
                mode="markers",
                name=outcome.id,
                x=[s.index for s in group],
                y=[s.ready.upper if s.ready.upper is not None else max(0.0, s.ready.lower or 0.0) for s in group],
                marker={"symbol": outcome.symbol, "size": 9, "color": LIGHT[outcome.colour]},
                hovertext=[plain(f"start {s.index}, {s.outcome}: {window_text(s)}") for s in group],
                hoverinfo="text",
            )
        )
    if len(shown) < len(report.starts):
        figure.update_layout(title={"text": f"Time to ready, the last {len(shown)} of {len(report.starts)} starts"})
    # Left alone, the axis of a few starts has ticks between them, which "d" rounds to the same numbers.
    figure.update_xaxes(title="start (number in the log)", tickformat="d", **_few_ticks([s.index for s in timed]))
    figure.update_yaxes(title="seconds after the start began", rangemode="tozero")
    return figure


def _few_ticks(numbers: Sequence[int]) -> dict[str, Any]:
    """Whole ticks for ``numbers`` in ascending order: each of a few, else none of its own choosing."""
    return {"tickmode": "array", "tickvals": list(numbers)} if len(numbers) <= _TICKS else {}


def _until(start: StartReport) -> float:
    """Up to where an open window is drawn (seconds): the last that is known of the process, not beyond."""
    if start.ready.upper is not None:
        return start.ready.upper
    last = start.end.at_s if start.end.at_s is not None else start.cut_at_s
    return max(0.0, start.ready.lower or 0.0, last or 0.0)


def window_text(start: StartReport) -> str:
    """The ready window with its open ends, seconds."""
    low, high = start.ready.lower, start.ready.upper
    if high is None:
        return "not seen ready" if low is None else f"not ready before {down(low, 3)} s, then not seen"
    after = "" if low is None else f"after {down(low, 3)} s, "
    return f"ready {after}at the latest {up(high, 3)} s"
