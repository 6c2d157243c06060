"""Whole reports as they were last looked at: ``gold/README.md`` says how to look again."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analyzer import __version__
from analyzer.cli.main import run
from analyzer.reports import text
from analyzer.results import Report
from tests.kit.made_reports import crash_loop, failed_start, fragment, hostile_start, ready_start, report_of

ROOT = Path(__file__).parents[2]
GOLD = Path(__file__).parent / "gold"
ACTUAL = GOLD / "actual"
SHOWN = 60  # lines of a diff
SAMPLES = (
    "agent-waits.short.txt",
    "copied-too-early.short.txt",
    "crash-loop-until-roles.short.txt",
    "etcd-three-servers.short-iso-precise.txt",
    "slow-rbac-one-core.short.txt",
)
FORMATS: dict[str, Callable[[Path], list[str]]] = {  # suffix → options that write the report to a file
    "txt": lambda out: ["--format", "text", "-o", str(out)],
    "md": lambda out: ["--format", "markdown", "-o", str(out)],
    "json": lambda out: ["--format", "json", "-o", str(out)],
    "html": lambda out: ["--html", str(out)],
}
MADE = {
    "ready": report_of(ready_start()),
    "crash-loop": crash_loop(13),
    "failed": report_of(failed_start(index=1)),
    "fragment": report_of(fragment()),
    "hostile": report_of(hostile_start()),
}


# where a line may or may not end, and what only a screen shows: all within one piece of text
_INLINE = re.compile(r'<wbr>|<span class="(?:option|screen)">([^<]*)</span>')


class _Words(HTMLParser):
    """The page as a reader without styles and scripts meets it: one line per piece of text."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden and (words := " ".join(data.split())):
            self.lines.append(words)


def words_of(page: str) -> str:
    parser = _Words()
    parser.feed(_INLINE.sub(r"\1", page))
    return "\n".join(parser.lines) + "\n"


def hold(name: str, made: str) -> None:
    """Compare with the kept file; show what differs and leave what was made beside it. Or keep what was made."""
    kept, actual = GOLD / name, ACTUAL / name
    if os.environ.get("K3SLOG_UPDATE_GOLD"):
        kept.write_text(made, encoding="utf-8")
        return
    expected = kept.read_text(encoding="utf-8")
    if made == expected:
        actual.unlink(missing_ok=True)
        return
    ACTUAL.mkdir(exist_ok=True)
    actual.write_text(made, encoding="utf-8")
    both = expected.splitlines(), made.splitlines()
    lines = list(difflib.unified_diff(*both, f"gold/{name}", f"gold/actual/{name}", n=1, lineterm=""))
    more = f"\n… {len(lines) - SHOWN} more lines" if len(lines) > SHOWN else ""
    pytest.fail("\n".join(lines[:SHOWN]) + more + "\n(meant so? make gold)", pytrace=False)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_gold_of_samples(sample: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    out = tmp_path / f"report.{suffix}"
    monkeypatch.setattr("sys.argv", ["k3slog", "analyze", f"sample_logs/{sample}", *FORMATS[suffix](out)])
    with pytest.raises(SystemExit):
        run()
    made = out.read_text(encoding="utf-8")
    if suffix == "html":
        made = words_of(made)
    made = re.sub(rf"\b{re.escape(__version__)}(?!\.?\d)", "VERSION", made)
    hold(f"{sample.split('.')[0]}.{'page.txt' if suffix == 'html' else suffix}", made)


@pytest.mark.parametrize("name", MADE)
def test_gold_of_made_reports(name: str) -> None:
    """Bytes at 80 columns of reports put together by hand, with what no sample holds."""
    report: Report = MADE[name]
    hold(f"made-{name}.txt", text.render(report))
