"""The Pareto plot of a simulation: mean delay against mean requests, with the optimal frontier."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from analyzer.figures.palette import LIGHT
from analyzer.simulator.run import Simulation

_DECADES = 6  # with more of them only the powers of ten have a tick
_SYMBOLS = ("square", "circle", "triangle-up", "star", "diamond", "cross", "x", "pentagon")
_HUES = ("hue-1", "hue-2", "hue-3", "hue-4", "hue-5", "hue-6")


def pareto(simulation: Simulation) -> Any:
    """A ``plotly.graph_objects.Figure``; vertical whiskers reach from the median to the 95th percentile."""
    import plotly.graph_objects as go

    from analyzer.figures.draw import plain

    figure = go.Figure()
    if simulation.frontier:
        figure.add_scatter(
            x=[p.requests for p in simulation.frontier],
            y=[p.delay_s for p in simulation.frontier],
            mode="lines",
            name="optimal frontier (state-blind)",
            line={"color": LIGHT["muted"], "dash": "dash"},
            hovertemplate="%{x:.1f} requests<br>%{y:.2f} s<extra>frontier</extra>",
        )
    for index, result in enumerate(simulation.policies):
        if result.delay_s is None or result.requests is None:
            continue
        mean = result.delay_s.mean
        figure.add_scatter(
            x=[result.requests.mean],
            y=[mean],
            mode="markers+text",
            name=plain(result.policy),
            text=[plain(result.policy)],
            textposition="top center",
            cliponaxis=False,
            marker={
                "size": 12,
                "symbol": _SYMBOLS[index % len(_SYMBOLS)],
                "color": LIGHT[_HUES[index % len(_HUES)]],
            },
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [max(0.0, result.delay_s.p95 - mean)],
                "arrayminus": [max(0.0, mean - result.delay_s.p50)],
            },
            hovertemplate="%{x:.1f} requests<br>%{y:.2f} s mean delay<extra>" + plain(result.policy) + "</extra>",
        )
    figure.update_layout(
        template="plotly_white",
        height=460,
        showlegend=False,
        title={"text": "Delay until noticed against requests", "x": 0.01},
        font={"family": "system-ui, sans-serif", "size": 12, "color": LIGHT["ink"]},
        margin={"l": 60, "r": 20, "t": 60, "b": 60},
    )
    across = [*(p.requests for p in simulation.frontier), *_numbers(simulation, "requests", "mean")]
    up = [*(p.delay_s for p in simulation.frontier), *_numbers(simulation, "delay_s", "p50", "mean", "p95")]
    title = "mean requests (both axes logarithmic)"
    figure.update_xaxes(title=title, type="log", **log_ticks(across))
    figure.update_yaxes(title="mean delay in s (whiskers: p50 to p95)", type="log", **log_ticks(up))
    return figure


def _numbers(simulation: Simulation, name: str, *parts: str) -> list[float]:
    stats = [getattr(result, name) for result in simulation.policies]
    return [getattr(stat, part) for stat in stats if stat is not None for part in parts]


def log_ticks(values: Iterable[float]) -> dict[str, Any]:
    """Ticks of a log axis with whole numbers on them: plotly's own repeat "2" and "5" in every decade."""
    known = [value for value in values if value > 0]
    if not known:
        return {}
    decades = range(math.floor(math.log10(min(known))) - 1, math.ceil(math.log10(max(known))) + 1)
    steps = (1, 2, 5) if len(decades) <= _DECADES else (1,)
    return {"tickmode": "array", "tickvals": [float(f"{step}e{power}") for power in decades for step in steps]}
