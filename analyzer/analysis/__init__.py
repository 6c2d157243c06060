"""Analysis: from starts to windows, blame, phases and findings."""

from analyzer.analysis.log_report import analyze_records

__all__ = ["analyze_records"]
