"""A simulation as one self-contained page: the Pareto plot, the table, the assumptions. Nothing is loaded."""

from __future__ import annotations

import json
from typing import Any

from analyzer.figures.simulation import pareto
from analyzer.reports import simulation as words
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.html_page import filled
from analyzer.simulator.run import Simulation
from analyzer.version import __version__

_DRAW = """(function () {
"use strict";
var data = JSON.parse(document.getElementById("k3slog-figure").textContent);
data.layout.margin = {l: 60, r: 40, t: 20, b: 50};
Plotly.newPlot("pareto", data.data, data.layout, {responsive: true, displayModeBar: false, displaylogo: false});
document.documentElement.dataset.drawn = "yes";
})();
"""


def render(simulation: Simulation, _options: Options = DEFAULT) -> str:
    """The page as text, UTF-8 when written."""
    figure: dict[str, Any] = json.loads(pareto(simulation).to_json())
    figure["layout"].pop("template", None)  # large, and the basic bundle's defaults serve
    figure["layout"].pop("title", None)  # the page has its own heading
    story = words.story(simulation)
    verdict, end, more = (story[0] if story else "There is nothing to tell.").partition(". ")
    verdict += end.strip()
    return filled(
        "simulation.html.j2",
        _DRAW,
        title=f"Polling, simulated: {simulation.source}",
        simulation=simulation,
        verdict=verdict,
        story=[*filter(None, [more]), *story[1:]],
        heads=words.HEADS,
        rows=words.table(simulation),
        frontier=[(f"{p.requests:.1f}", words.seconds(p.delay_s)) for p in simulation.frontier],
        assumptions=words.assumption_lines(simulation),
        figure=figure,
        tool_version=__version__,
    )
