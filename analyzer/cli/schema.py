"""``k3slog schema``: the JSON Schemas of what is written for programs."""

from __future__ import annotations

from typing import Annotated

import typer

from analyzer.cli.inputs import ForceOption, OutputOption
from analyzer.reports.output import Destination
from analyzer.reports.schema import SchemaName


def schema(
    of: Annotated[
        SchemaName,
        typer.Argument(metavar="[report|fleet|comparison|gate|event]", help="Of which output.", show_default=True),
    ] = "report",
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Print the JSON Schema of a report: that of `analyze`, `fleet`, `compare` or `gate`, or a line of `watch`."""
    to = Destination.named(output, force=force)
    to.check()
    from analyzer.reports.schema import schema_text

    to.write(schema_text(of))
