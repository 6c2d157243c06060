"""A simulation as one self-contained page: the Pareto plot, the table, the assumptions. Nothing is loaded."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from analyzer.reports import simulation as words
from analyzer.simulator.run import Simulation

_DRAW = """(function () {
"use strict";
var data = JSON.parse(document.getElementById("k3slog-figure").textContent);
Plotly.newPlot("pareto", data.data, data.layout, {responsive: true, displaylogo: false});
})();
"""


def render(simulation: Simulation, *, tool_version: str) -> str:
    """The page as text, UTF-8 when written. Every value is escaped; only two scripts with known digests may run."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from analyzer.figures.palette import DARK, LIGHT
    from analyzer.figures.simulation import pareto

    environment = Environment(
        loader=PackageLoader("analyzer.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    plotly = files("analyzer.reports").joinpath("assets", "plotly", "plotly-basic.min.js").read_text(encoding="utf-8")
    licence = files("analyzer.reports").joinpath("assets", "plotly", "LICENSE-plotly.txt").read_text(encoding="utf-8")
    scripts = [plotly, _DRAW]
    allowed = " ".join(f"'{_digest(text)}'" for text in scripts)
    figure: dict[str, Any] = json.loads(pareto(simulation).to_json())
    figure["layout"].pop("template", None)  # large, and the basic bundle's defaults serve
    figure["layout"].pop("title", None)  # the page has its own heading
    return environment.get_template("simulation.html.j2").render(
        title=f"Polling, simulated: {simulation.source}",
        policy=f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'",
        colours={"light": LIGHT, "dark": DARK},
        simulation=simulation,
        story=words.story(simulation),
        heads=words.HEADS,
        rows=words.table(simulation),
        frontier=[(f"{p.requests:.1f}", words.seconds(p.delay_s)) for p in simulation.frontier],
        assumptions=words.assumption_lines(simulation),
        figure=figure,
        scripts=[Markup(text) for text in scripts],  # our own and the vendored file, never a log's text
        licence=licence,
        tool_version=tool_version,
    )


def _digest(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
