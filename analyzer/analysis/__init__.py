"""Analysis: from starts to windows, blame, phases and findings."""

from analyzer.analysis.start_reports import Studied, analyze_book

__all__ = ["Studied", "analyze_book"]
