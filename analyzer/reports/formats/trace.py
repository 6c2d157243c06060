"""A Chrome trace, for Perfetto and other viewers."""

from analyzer.reports.format import later
from analyzer.reports.kinds import TIMELINE

TIMELINE.add("trace", later("analyzer.reports.chrome_trace:render"), ".trace.json")
