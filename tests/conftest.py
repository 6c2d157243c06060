"""What holds for every test: how many may be skipped, and how long one may take."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.kit")

SLOW_S = 1800
SOME = 2  # parameters of one test


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "max_skips", "a run with more skipped tests fails: what should run here was not installed", default="0"
    )


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipBudget(config), "skip budget")


@pytest.hookimpl(tryfirst=True)  # before the markers choose
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is long, and how long it may take.

    Of the many parameters of one test ``make test`` tries some, evenly chosen; ``make cov``, and so CI, tries them all.
    The slow suites get a longer limit than the one in pyproject.toml, unless they name their own.
    """
    of_one: dict[str, list[pytest.Item]] = {}
    for item in items:
        of_one.setdefault(item.nodeid.partition("[")[0], []).append(item)
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_S))
    for alike in of_one.values():
        every = -(-len(alike) // SOME)
        for number, item in enumerate(alike):
            if number % every:
                item.add_marker(pytest.mark.long)


@pytest.fixture
def nothing_collected() -> Iterator[None]:
    """Nobody's finalizer runs at the bottom of a deep recursion: it would fail there, and the test be blamed for it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class SkipBudget:
    """Counts skips where the results come together (in the controller of pytest-xdist)."""

    def __init__(self, config: pytest.Config) -> None:
        self.skipped: dict[str, str] = {}
        self.most = int(config.getini("max_skips"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        self.skipped[report.nodeid] = reason.removeprefix("Skipped: ")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if len(self.skipped) > self.most and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.skipped:
            return
        over = len(self.skipped) > self.most
        terminalreporter.section(f"skipped: {len(self.skipped)}, allowed: {self.most}", red=over, bold=over)
        for name, reason in sorted(self.skipped.items()):
            terminalreporter.line(f"{name}: {reason}")
