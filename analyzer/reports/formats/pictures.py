"""The timeline of one start as a picture; needs the optional renderer."""

from analyzer.reports.format import later
from analyzer.reports.kinds import REPORT

REPORT.add("png", later("analyzer.reports.pictures:png"), ".png", binary=True)
REPORT.add("svg", later("analyzer.reports.pictures:svg"), ".svg", binary=True)
