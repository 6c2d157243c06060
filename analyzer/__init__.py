"""k3slog: explains how a k3s or RKE2 server started, from its log.

>>> import analyzer
>>> log = analyzer.load("journal.txt")      # doctest: +SKIP
>>> a = analyzer.analyze(log)               # doctest: +SKIP
>>> a.timeline(); a.hooks(); a.starts()     # doctest: +SKIP

Names are loaded when they are first used, so that ``import analyzer`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzer.api import Analysis, Log, analyze, load, load_report, simulate
    from analyzer.errors import BadInputError, ExitCode, K3slogError, NoDataError, OutputError, UsageError
    from analyzer.many import ComparedStarts, ManyStarts, compare, fleet
    from analyzer.results import Report, StartReport
    from analyzer.window import Span, Window

from analyzer.version import __version__

_HOMES = {
    "Analysis": "analyzer.api",
    "BadInputError": "analyzer.errors",
    "ComparedStarts": "analyzer.many",
    "ExitCode": "analyzer.errors",
    "K3slogError": "analyzer.errors",
    "Log": "analyzer.api",
    "ManyStarts": "analyzer.many",
    "NoDataError": "analyzer.errors",
    "OutputError": "analyzer.errors",
    "Report": "analyzer.results",
    "Span": "analyzer.window",
    "StartReport": "analyzer.results",
    "UsageError": "analyzer.errors",
    "Window": "analyzer.window",
    "analyze": "analyzer.api",
    "compare": "analyzer.many",
    "fleet": "analyzer.many",
    "load": "analyzer.api",
    "load_report": "analyzer.api",
    "simulate": "analyzer.api",
}

__all__ = [
    "Analysis",
    "BadInputError",
    "ComparedStarts",
    "ExitCode",
    "K3slogError",
    "Log",
    "ManyStarts",
    "NoDataError",
    "OutputError",
    "Report",
    "Span",
    "StartReport",
    "UsageError",
    "Window",
    "__version__",
    "analyze",
    "compare",
    "fleet",
    "load",
    "load_report",
    "simulate",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
