"""Parquet, for pandas and its like."""

from analyzer.reports.format import later
from analyzer.reports.kinds import TIMELINE

TIMELINE.add("parquet", later("analyzer.reports.tables:parquet_timeline"), ".parquet", binary=True)
