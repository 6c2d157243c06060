"""Where a watch tells what changed: JSON lines, lines of text, or a screen."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from analyzer.cli.console import complain
from analyzer.reports import event_json, text, watch_words
from analyzer.reports.format import Options
from analyzer.reports.output import Destination
from analyzer.reports.terminal import suited
from analyzer.results import Report
from analyzer.watching.changes import Event
from analyzer.watching.judge import Ending


class StdoutTeller:
    """Tells on stdout; a context: what it holds of the terminal is given back at its end."""

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

    def changed(self, events: Sequence[Event], report: Report | None) -> None:
        """See ``watching.watch.Teller``."""

    def passed(self, since_line_s: float) -> None:
        """See ``watching.watch.Teller``."""

    def report(self, report: Report | None) -> None:
        """The report at the end."""
        if report is not None:
            to = Destination()
            to.write(text.render(report, suited(self._options, to)))

    def last_words(self, ending: Ending) -> str:
        """How it ended, for stderr."""
        return watch_words.last_words(ending)


class JsonLines(StdoutTeller):
    """One JSON object a line; the report goes to stderr, as it is no JSON."""

    def changed(self, events: Sequence[Event], report: Report | None) -> None:
        """See ``watching.watch.Teller``."""
        if events:
            Destination().write("".join(map(event_json.render, events)))

    def report(self, report: Report | None) -> None:
        """The report at the end."""
        for line in text.render(report).splitlines() if report is not None else ():
            complain(line)


class Lines(StdoutTeller):
    """One line for each change."""

    def changed(self, events: Sequence[Event], report: Report | None) -> None:
        """See ``watching.watch.Teller``."""
        lines = [f"{watch_words.line(event)}\n" for event in events if watch_words.is_news(event)]
        if lines:
            Destination().write("".join(lines))

    def report(self, report: Report | None) -> None:
        """The report at the end."""
        if report is not None:
            Destination().write("\n")
        super().report(report)
