"""The library's face: ``load`` a log, ``analyze`` it, take tables out of the result.

>>> import analyzer
>>> log = analyzer.load("journal.txt")      # doctest: +SKIP
>>> a = analyzer.analyze(log)               # doctest: +SKIP
>>> a.checks()                              # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from analyzer.errors import BadInputError, NoDataError, UsageError
from analyzer.results import Report, StartReport

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.events.user_rules import Rules
    from analyzer.ledger import Observer
    from analyzer.records.log_records import LogRecords
    from analyzer.records.select import Selection
    from analyzer.reports.shown_answer import ShownAnswer
    from analyzer.simulator.herd import Agents
    from analyzer.simulator.run import Options, Simulation
    from analyzer.sources.source import Input

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Log:
    """Decoded records of one or more inputs.

    ``log_records`` holds the records, ``errors`` one ``BadInputError`` for each input that could not be read.
    """

    log_records: LogRecords
    errors: tuple[BadInputError, ...] = ()
    waits: tuple[Report, ...] = ()  # polls that ``k3slog wait --output`` saved

    @cached_property
    def report(self) -> Report:
        """The report of all its starts, analysed at the first access; raises what :func:`analyze` raises."""
        return analyze(self).report

    def __repr__(self) -> str:
        names = ", ".join(
            s.path for sources in (self.log_records.sources, *(w.sources for w in self.waits)) for s in sources
        )
        return f"<Log of {names or 'nothing'}: {len(self.log_records.records)} records, {len(self.errors)} unreadable>"

    def _repr_html_(self) -> str:
        from analyzer.reports import notebook_html

        return notebook_html.render_log(self.log_records.sources, self.log_records.ledger, self.errors)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found; ``report`` holds it all (``report.starts`` are the starts), the methods give DataFrames.

    Every table has the columns that ``docs/frames.md`` lists, even when it is empty.
    """

    report: Report
    errors: tuple[BadInputError, ...] = ()

    def timeline(self) -> pd.DataFrame:
        """One row per polling attempt, milestone, check transition and phase edge."""
        return self._frame("timeline")

    def polls(self) -> pd.DataFrame:
        """One row per polling attempt, printed or implied."""
        return self._frame("polls")

    def checks(self) -> pd.DataFrame:
        """One row per start and readyz check."""
        return self._frame("checks")

    def hooks(self) -> pd.DataFrame:
        """The rows of ``checks`` that are post-start hooks, named without their prefix."""
        return self._frame("hooks")

    def phases(self) -> pd.DataFrame:
        """One row per start and phase of its time budget."""
        return self._frame("phases")

    def starts(self) -> pd.DataFrame:
        """One row per start. The result objects themselves are ``report.starts``."""
        return self._frame("starts")

    def findings(self) -> pd.DataFrame:
        """One row per finding of a start, the most important of each start first."""
        return self._frame("findings")

    def goals(self) -> pd.DataFrame:
        """One row per start and goal that it can have: API, started, images, node, ready node, an agent's server."""
        return self._frame("goals")

    def milestones(self) -> pd.DataFrame:
        """One row per named line of a start, and of the machine's boot before it."""
        return self._frame("milestones")

    def gaps(self) -> pd.DataFrame:
        """One row per stretch in which the log is silent or lost lines, and per step of the clock."""
        return self._frame("gaps")

    def episodes(self) -> pd.DataFrame:
        """One row per episode: consecutive starts of one unit on one host, until it stays up."""
        return self._frame("episodes")

    def clusters(self) -> pd.DataFrame:
        """One row per wait of a host for another one of its cluster."""
        return self._frame("clusters")

    def to_json(self) -> str:
        """The report as ``k3slog analyze --format json`` prints it."""
        from analyzer.reports import json_report

        return json_report.render(self.report)

    def to_text(self, *, width: int = 80, full: bool = False) -> str:
        """The report as ``k3slog analyze`` (``--full``) prints it, without colour."""
        from analyzer.reports import format, text

        return text.render(self.report, format.Options(width=width, full=full))

    def answer(self, start: str | int | None = None, *, goal: str | None = None) -> ShownAnswer:
        """The answer block: verdict, why, what to do; printed, the words of the terminal.

        ``start`` is as in ``--start`` (a number may be an ``int``; default: who needs someone), ``goal`` as in
        ``--goal``. Raises ``UsageError`` for a start that does not exist.
        """
        from analyzer.reports import answer, shown_answer

        return shown_answer.shown(answer.answer(self.report, None if start is None else str(start), goal=goal))

    def anonymized(self, log: Log | None = None) -> Analysis:
        """The same with stand-ins for hosts, addresses, names, paths and tokens; numbers and verdicts are unchanged.

        With the ``log`` that it is of, names are also known by lines that the report does not show.
        """
        from analyzer.reports.anonymize import anonymize

        return Analysis(anonymize(self.report, log.log_records.records if log is not None else ()))

    def _frame(self, name: str) -> pd.DataFrame:
        from analyzer import frames

        return frames.build(name, self.report)

    def __iter__(self) -> Iterator[StartReport]:
        return iter(self.report.starts)

    def __len__(self) -> int:
        return len(self.report.starts)

    def __repr__(self) -> str:
        outcomes = [s.outcome for s in self.report.starts]
        counts = ", ".join(f"{outcomes.count(o)} {o}" for o in dict.fromkeys(outcomes))
        return f"<Analysis of {len(outcomes)} start{'s' if len(outcomes) != 1 else ''}: {counts or 'none'}>"

    def _repr_html_(self) -> str:
        from analyzer.reports import notebook_html

        return notebook_html.render(self.report)


def load(
    *paths: PathLike | Input,
    stdin: BinaryIO | None = None,
    observer: Observer | None = None,
    keep_going: bool = False,
    select: Selection | None = None,
) -> Log:
    """Read logs: files, compressed files, folders, patterns, archives, support bundles; ``-`` or none: ``stdin``.

    ``stdin`` is any open binary stream. Lines that several inputs share count once. Inputs that cannot be read end
    up in ``Log.errors``; when none can be, the first ``BadInputError`` is raised, unless ``keep_going``. ``select``
    takes a part of the log, see there for what it raises.
    """
    from analyzer import pipeline
    from analyzer.records.select import check, select as part_of

    if not paths and stdin is None:
        raise UsageError("nothing to read", hint='Name a file: load("journal.txt")')
    if select is not None:
        check(select)
    log_records, waits, errors = pipeline.read(paths or ("-",), stdin, observer)
    if select and log_records.records:
        log_records = part_of(log_records, select)
    if errors and not keep_going and not log_records.sources and not waits:
        raise errors[0]
    return Log(log_records, tuple(errors), tuple(waits))


def load_report(source: PathLike | IO[bytes] | IO[str] | Mapping[str, Any]) -> Report:
    """Read back what ``k3slog analyze --format json`` wrote; ``Analysis(load_report("report.json"))`` has its tables.

    Raises ``BadInputError`` for anything else, also for a version of the schema that this program does not know.
    """
    from analyzer.collection import saved_report

    return saved_report.load_report(source)


def simulate(
    of: Analysis | Log | PathLike | Sequence[PathLike] | None = None,
    *,
    policies: Sequence[str] = (),
    scenario: str | None = None,
    draws: int = 100_000,
    seed: int = 1,
    pool: bool = False,
    agents: int | Agents | None = None,
) -> Simulation:
    """Replay polling policies in the starts of ``of``, or in a scenario (a packaged name or a TOML file).

    ``policies`` are names or TOML files (default: all six). With both ``of`` and ``scenario`` only the scenario's
    machine is used. With ``agents`` the answer's ``herd`` has what so many of them ask of one server.
    Same seed, same answer; ``analyzer.frames.simulation`` makes a table of it.

    Raises ``NoDataError`` when no start of ``of`` became ready, ``UsageError`` for unknown names or bad numbers.
    """
    from analyzer.simulator import analysed_starts, run, scenario as scenarios

    options = check_simulation(policies, draws, seed, agents=agents)
    chosen = None if scenario is None else scenarios.load(scenario)
    if of is None:
        if chosen is None:
            raise UsageError("nothing to simulate", hint="Name a log or a scenario")
        return run.simulate_scenario(chosen, options)
    found = of if isinstance(of, Analysis) else analyze(of)
    return analysed_starts.simulate_starts(found.report.starts, options, scenario=chosen, pool=pool)


def check_simulation(policies: Sequence[str], draws: int, seed: int, *, agents: int | Agents | None = None) -> Options:
    """The options of a simulation; ``UsageError`` or ``BadInputError`` when something is wrong with them."""
    from analyzer.simulator import herd, run

    waiting = herd.Agents(agents) if isinstance(agents, int) else agents
    options = run.Options(policies=tuple(policies) or run.DEFAULT_POLICIES, draws=draws, seed=seed, herd=waiting)
    options.check()
    return options


def analyze(
    log: Log | PathLike | Sequence[PathLike],
    *,
    observer: Observer | None = None,
    rules: Rules | PathLike | Sequence[PathLike] | None = None,
) -> Analysis:
    """Find the starts in a ``Log`` (or in files, which are loaded first) and explain them.

    ``rules`` are TOML files with marks and findings of your own (``docs/rules.md``), or what ``load_rules`` made of
    them.

    Raises ``NoDataError`` when the input is readable but holds nothing of a k3s or RKE2 run, ``BadInputError`` for a
    file of rules that is not valid.
    """
    from analyzer import pipeline

    if not isinstance(log, Log):
        paths = (log,) if isinstance(log, str | os.PathLike) else tuple(log)
        log = load(*paths, observer=observer)
    return Analysis(pipeline.report_on(log.log_records, log.waits, load_rules(rules)), log.errors)


def anonymized_log(log: Log, paths: Sequence[PathLike], stdin: BinaryIO | None = None) -> Iterator[bytes]:
    """The log of ``paths`` itself with stand-ins, as bytes; ``log`` is what was read from there.

    ``stdin`` is what ``-`` names: a file that can be read again. ``analyze`` says the same of it as of the original,
    but for the stand-ins, which are those of :meth:`Analysis.anonymized`.
    """
    from analyzer.reports import anonymize_log

    try:
        report: Report | None = log.report
    except NoDataError:
        report = None
    yield from anonymize_log.rewritten(report, log.log_records.records, paths, stdin)


def load_rules(rules: Rules | PathLike | Sequence[PathLike] | None) -> Rules | None:
    """The rules of one or more TOML files; ``None`` for none. Raises ``BadInputError``, which names file and line."""
    if rules is None:
        return None
    from analyzer.events import user_rules

    if isinstance(rules, user_rules.Rules):
        return rules
    names = (rules,) if isinstance(rules, str | os.PathLike) else tuple(rules)
    return user_rules.load_rules(*names) if names else None
