"""A simulation as one self-contained page: the Pareto plot, the table, the assumptions. Nothing is loaded."""

from __future__ import annotations

import json
from typing import Any, Final

from analyzer.figures.palette import LIGHT
from analyzer.figures.simulation import pareto
from analyzer.reports import simulation as words
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.html_page import filled, script
from analyzer.simulator.run import Simulation
from analyzer.version import __version__

_COLOURS: Final = {LIGHT[name]: name for name in ("ink", "muted", *(f"hue-{n}" for n in range(1, 7)))}


def render(simulation: Simulation, _options: Options = DEFAULT) -> str:
    """The page as text, UTF-8 when written."""
    figure: dict[str, Any] = json.loads(pareto(simulation).to_json())
    figure["layout"].pop("template", None)  # large, and the basic bundle's defaults serve
    figure["layout"].pop("title", None)  # the page has its own heading
    figure["names"] = _COLOURS  # so that the page can draw them in the dark
    story = words.story(simulation)
    verdict, end, more = (story[0] if story else "There is nothing to tell.").partition(". ")
    verdict += end.strip()
    return filled(
        "simulation.html.j2",
        script("theme", "simulation"),
        title=f"Polling, simulated: {simulation.source}",
        simulation=simulation,
        verdict=verdict,
        story=[*filter(None, [more]), *story[1:]],
        heads=words.HEADS,
        rows=words.table(simulation),
        frontier=[(f"{p.requests:.1f}", words.seconds(p.delay_s)) for p in simulation.frontier],
        herd_words=[] if simulation.herd is None else words.herd_words(simulation.herd),
        herd_heads=words.HERD_HEADS,
        herd_rows=[] if simulation.herd is None else words.herd_table(simulation.herd),
        assumptions=words.assumption_lines(simulation),
        figure=figure,
        tool_version=__version__,
    )
