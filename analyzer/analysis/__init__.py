"""Analysis: from starts to windows, blame, phases and findings.

The whole of it is loaded when it is first asked for: what only looks at finished starts (episodes, goals) needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzer.analysis.log_report import analyze_records

__all__ = ["analyze_records"]


def __getattr__(name: str) -> Any:
    if name != "analyze_records":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from analyzer.analysis.log_report import analyze_records

    return analyze_records
