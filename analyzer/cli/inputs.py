"""Shared by the commands that read logs: arguments, stdin, bad paths."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from analyzer.api import Log, analyze, load, load_rules
from analyzer.cli.console import Progress, complain
from analyzer.errors import ExitCode, UsageError
from analyzer.reports.format import Format, Kind, Options
from analyzer.reports.goal_words import GoalName
from analyzer.reports.output import STDIN, Destination, check_outputs
from analyzer.reports.selection import select_starts
from analyzer.reports.terminal import suited
from analyzer.results import Report

if TYPE_CHECKING:
    from analyzer.records.select import Selection
    from analyzer.sources.source import Input

PathsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Logs: files, folders, archives, support bundles, also compressed; - is stdin. None: piped input, or on a"
        " terminal this machine's journal.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to FILE instead of stdout (-).", show_default=False),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]
UnitOption = Annotated[
    list[str] | None,
    typer.Option("--unit", "-u", metavar="UNIT", help="Only lines of this unit; repeat for more.", show_default=False),
]
BootOption = Annotated[
    str | None,
    typer.Option(
        "--boot", "-b", metavar="ID|N", help="Only this boot: 0 the last, -1 the one before.", show_default=False
    ),
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Only lines from TIME on.", show_default=False)
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only lines up to TIME.", show_default=False)
]
HostOption = Annotated[
    str | None, typer.Option("--host", metavar="NAME", help="Only lines of this host.", show_default=False)
]
DirectoryOption = Annotated[str | None, typer.Option("--directory", metavar="DIR", hidden=True, show_default=False)]
RulesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rules",
        metavar="FILE.toml",
        help="Also look for the marks and findings of FILE; repeat for more.",
        show_default=False,
    ),
]
GoalOption = Annotated[
    GoalName | None,
    typer.Option(
        "--goal",
        help="What a start is for: api and ready are the same. Default: api, of agents node.",
        show_default=False,
    ),
]
AnonymizeOption = Annotated[
    bool,
    typer.Option("--anonymize", help="Replace hosts, addresses, names, paths and tokens, for showing it in public."),
]


def format_option(kind: Kind[Any], words: str = "") -> Any:
    """``--format``: its values are the formats of ``kind``; ``words``: its help where it does not go by FILE's name."""
    names = "|".join(one.name for one in kind.formats())
    told = words or f"Default: by the name of FILE, else {kind.default}."
    return typer.Option("--format", "-f", metavar=f"[{names}]", help=told, show_default=False)


@dataclass(frozen=True, slots=True)
class Part:
    """What of the input is wanted, as the options say it."""

    unit: list[str] | None = None
    boot: str | None = None
    since: str | None = None
    until: str | None = None
    host: str | None = None
    directory: str | None = None  # of journals, in place of this machine's

    @property
    def chosen(self) -> bool:
        """Whether any option was given."""
        return bool(self.unit) or any((self.boot, self.since, self.until, self.host, self.directory))

    def selection(self) -> Selection:
        """For files and pipes."""
        from analyzer.records.select import Selection

        return Selection(tuple(self.unit or ()), self.boot, self.since, self.until, self.host)

    def journal(self) -> Input:
        """This machine's journal; all but the host is chosen by ``journalctl``."""
        from analyzer.sources.local_journal import Query, journal_input

        query = Query(tuple(self.unit or ()), self.boot, self.since, self.until, self.directory)
        return journal_input(query)


NO_PART = Part()


def names_of(paths: Sequence[str] | None) -> list[str]:
    """What was named, with quoted patterns replaced by the files they match."""
    from analyzer.sources.inputs import expand_globs

    return expand_globs(paths or ())


def open_log(paths: Sequence[str], part: Part = NO_PART, outputs: Sequence[Destination] = ()) -> Log:
    """Read ``paths``, piped input when there are none, or this machine's journal; each unreadable one is told.

    Raises ``UsageError`` when there is nothing to read or to choose by, or when one of ``outputs`` is among what was
    read (of folders known only now), ``typer.Exit`` (3) when no input could be read.
    """
    if part.directory is not None and paths:
        raise UsageError("--directory is for the journal, without a PATH", hint="Leave one of them out")
    local = part.directory is not None or (not paths and _wants_journal(part))
    if not paths and not local:
        paths = [STDIN]
        for place in outputs:
            place.check(paths)
    with Progress() as observer:
        if local:
            only_host = Part(host=part.host).selection() if part.host is not None else None
            log = load(part.journal(), observer=observer, keep_going=True, select=only_host)
        else:
            wanted = part.selection() if part.chosen else None
            log = load(*paths, stdin=_stdin(paths), observer=observer, keep_going=True, select=wanted)
    for error in log.errors:
        complain(error.one_line())
    if not log.log_records.sources:
        tell_unread(log)
    read = [name for source in log.log_records.sources for name in (source.path, source.path.partition("!")[0])]
    for place in outputs:
        place.check(read)
    return log


def write_report(
    paths: Sequence[str] | None,
    part: Part,
    options: Options,
    *writes: tuple[Destination, Format[Report]],
    rules: Sequence[str] | None = None,
    anonymize: bool = False,
    no_color: bool = False,
) -> Report:
    """Read and analyse ``paths`` and write what was found to each place; the report.

    ``rules``: files with rules of the user's own; ``anonymize``: with stand-ins for names. Raises ``typer.Exit`` (3)
    after writing when an input could not be read, and what ``open_log`` raises.
    """
    names = names_of(paths)
    places = [place for place, _ in writes]
    check_outputs(places, names)
    own = load_rules(rules)  # before minutes are spent on reading
    log = open_log(names, part, places)
    found = analyze(log, rules=own)
    report = found.anonymized(log).report if anonymize else found.report
    select_starts(report.starts, options.start)  # a start that does not exist is told before anything is written
    for place, chosen in writes:
        place.write(chosen.render(report, suited(options, place, no_color=no_color)))
    tell_unread(log)
    return report


def tell_unread(log: Log | None) -> None:
    """Raises ``typer.Exit`` (3) when an input could not be read; which, was said on reading."""
    if log is not None and log.errors:
        raise typer.Exit(int(ExitCode.BAD_INPUT))


def _wants_journal(part: Part) -> bool:
    """Without a PATH: whether nothing is piped in. A device or a socket is no pipe once an option chooses a part."""
    stream = sys.stdin
    if stream is None or stream.isatty():
        return True
    if not part.chosen:
        return False
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):
        return False  # not a file at all: a stream that somebody put there
    return not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode))


def _stdin(paths: Sequence[str]) -> BinaryIO | None:
    if STDIN not in paths:
        return None
    stream = sys.stdin
    if stream is None:
        raise UsageError("standard input is missing", hint="Name a file: k3slog analyze k3s.log")
    return stream.buffer
