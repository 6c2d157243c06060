"""Analysis: from starts to windows, blame, phases and findings."""

from analyzer.analysis.build import Studied, analyze_book

__all__ = ["Studied", "analyze_book"]
