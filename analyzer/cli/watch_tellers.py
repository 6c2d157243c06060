"""Where a watch tells what changed: JSON lines, lines of text, or a screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from analyzer.analysis.episodes import default_goal
from analyzer.cli.console import complain
from analyzer.reports import event_json, text, watch_screen, watch_words
from analyzer.reports.format import Options
from analyzer.reports.output import Destination
from analyzer.reports.terminal import suited
from analyzer.results import Goal, Report
from analyzer.watching.changes import Event
from analyzer.watching.judge import Ending

if TYPE_CHECKING:
    from analyzer.watching.history import History
    from analyzer.watching.own_polls import OwnPolls

REDRAW_S = 1.0


def is_aim(event: Event, until: str | None) -> bool:
    """Whether a goal is the one that is watched for."""
    aim = default_goal(event.start) if until is None else {"ready": "api"}.get(until, until)
    return isinstance(event.part, Goal) and event.part.id == aim


class StdoutTeller:
    """Tells on stdout; a context: what it holds of the terminal is given back at its end."""

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self.own: OwnPolls | None = None  # whose polls are told of, too

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
            to.write(text.render(report, suited(self._options, to)) + self.own_words(report))

    def own_words(self, report: Report) -> str:
        """The line on own polls that stands below the report; empty: there are none."""
        if self.own is None:
            return ""
        self.own.shown(report)
        return f"{watch_words.own_polls(self.own.last)}\n"

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
        told = text.render(report) + self.own_words(report) if report is not None else ""
        for line in told.splitlines():
            complain(line)


class Lines(StdoutTeller):
    """One line for each change; behind an outcome, and at the end, how it compares with earlier starts."""

    def __init__(self, until: str | None = None, history: History | None = None) -> None:
        super().__init__()
        self._until, self._history = until, history

    def changed(self, events: Sequence[Event], report: Report | None) -> None:
        """See ``watching.watch.Teller``."""
        lines = [f"{watch_words.line(event)}\n" for event in events if watch_words.is_news(event)]
        lines += [f"{'':>9}  {said}\n" for event in events if (said := self._compared(event))]
        if lines:
            Destination().write("".join(lines))

    def report(self, report: Report | None) -> None:
        """The report at the end."""
        if report is not None:
            Destination().write("\n")
        super().report(report)

    def _compared(self, event: Event) -> str:
        """With an answer and with the goal: what earlier starts had by then."""
        told = event.event == "poll" or (event.event == "goal" and is_aim(event, self._until))
        if self._history is None or event.at_s is None or not told:
            return ""
        return f"Earlier: {watch_screen.earlier_words(self._history.at(event.start, event.at_s))}"


class LiveScreen(StdoutTeller):
    """One screen that is drawn anew when something changed, and every second."""

    def __init__(self, now: Callable[[], float], until: str | None, history: History | None, *, no_color: bool) -> None:
        super().__init__(Options())
        from rich.console import Console
        from rich.live import Live

        self._now, self._until, self._history, self._no_color = now, until, history, no_color
        self._report: Report | None = None
        self._drawn = float("-inf")
        self._live = Live(
            console=Console(markup=False, highlight=False, emoji=False), auto_refresh=False, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def changed(self, events: Sequence[Event], report: Report | None) -> None:
        """See ``watching.watch.Teller``."""
        self._report = report
        self._draw(0.0)

    def passed(self, since_line_s: float) -> None:
        """See ``watching.watch.Teller``."""
        if self._now() - self._drawn >= REDRAW_S:
            self._draw(since_line_s)

    def report(self, report: Report | None) -> None:
        """The report at the end."""
        if report is not None:
            to = Destination()
            shown = text.render(report, suited(self._options, to, no_color=self._no_color))
            to.write(shown + self.own_words(report))

    def _draw(self, since_line_s: float) -> None:
        from rich.text import Text

        self._drawn = self._now()
        own = None if self.own is None else self.own.last
        shown = watch_screen.screen(self._report, since_line_s, self._until, self._history, own)
        options = suited(self._options, Destination(), no_color=self._no_color)
        self._live.update(Text.from_ansi(watch_screen.render(shown, options)), refresh=True)
