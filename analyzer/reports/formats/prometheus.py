"""Metrics in Prometheus' text format, for the textfile collector of node_exporter."""

from analyzer.reports.format import later
from analyzer.reports.kinds import FLEET

FLEET.add("prometheus", later("analyzer.reports.fleet_prometheus:render"), ".prom")
