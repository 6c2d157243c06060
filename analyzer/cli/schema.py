"""``k3slog schema``: the JSON Schema of the report."""

from __future__ import annotations

from analyzer.cli.inputs import ForceOption, OutputOption
from analyzer.reports.output import Destination


def schema(output: OutputOption = None, force: ForceOption = False) -> None:
    """Print the JSON Schema of the report."""
    to = Destination.named(output, force=force)
    to.check()
    from analyzer.reports.schema import schema_text

    to.write(schema_text())
