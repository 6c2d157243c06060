"""Text from a log stays text: no escape sequence reaches a terminal, no markup reaches a page, no formula a table."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.hostile.hostile_kit import k3slog

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\x1b]8;;http://evil\x07\u202egnp.exe\u2066"
MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def journal(hostile: str) -> bytes:
    """A short start in which every field that a report may show holds ``hostile``."""
    poll = (
        'level=info msg="Polling for API server readiness: GET /readyz failed: an error on the server '
        '(\\"[+]ping ok\\\\n[-]poststarthook/{0} failed: {0}\\\\n[-]etcd failed: reason withheld\\\\n'
        'readyz check failed\\") has prevented the request from succeeding"'
    )
    lines = [
        ("00", "systemd[1]: Starting k3s.service - Lightweight Kubernetes {0}..."),
        ("01", 'k3s[77]: time="2025-03-01T06:00:01Z" level=info msg="Starting k3s v1.33.4+k3s1{0} (148243c4)"'),
        ("03", 'k3s[77]: time="2025-03-01T06:00:03Z" ' + poll),
        ("05", 'k3s[77]: time="2025-03-01T06:00:05Z" ' + poll.replace("{0} failed: {0}", "b{0} failed: {0}")),
        ("06", "k3s[77]: W0301 06:00:06.000001      77 logging.go:1] {0} failed to list {0}"),
        ("07", 'k3s[77]: time="2025-03-01T06:00:07Z" level=fatal msg="{0} broke: {0}"'),
        ("07", "systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE"),
        ("07", "systemd[1]: k3s.service: Failed with result 'exit-code' {0}."),
    ]
    return "".join(f"Mar 01 06:00:{second} node-a {text.replace('{0}', hostile)}\n" for second, text in lines).encode()


def controls(text: str) -> set[str]:
    """Characters of ``text`` that can move a cursor, colour a terminal, or turn the direction of reading."""
    bidi = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
    return {c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in bidi}


@pytest.mark.parametrize("format", ["text", "markdown", "csv", "json"])
def test_no_control_character_reaches_stdout(format: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.txt"
    path.write_bytes(journal(ESCAPES))
    ran = k3slog("analyze", path, "--format", format, "--start", "all")
    assert ran.code == 0, ran.err
    assert "v1.33.4" in ran.out
    assert controls(ran.out.replace("\r\n", "\n")) == set()
    assert controls(ran.err) == set()


@pytest.mark.parametrize("table", ["starts", "polls", "checks", "hooks", "phases", "timeline"])
def test_no_control_character_reaches_a_table(table: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.txt"
    path.write_bytes(journal(ESCAPES))
    ran = k3slog("analyze", path, "--format", "csv", "--table", table)
    assert ran.code == 0, ran.err
    assert controls(ran.out.replace("\r\n", "\n")) == set()


def test_the_name_of_a_file_is_text_too(tmp_path: Path) -> None:
    path = tmp_path / "journal\x1b[31m\n.txt"
    ran = k3slog("analyze", path)
    assert ran.code == 3
    assert controls(ran.err) == set()
    assert len(ran.complaints) == 1


# Elements that load, run or restyle something; what a journal says must not change how many there are.
ACTIVE = ("script", "style", "link", "meta", "base", "iframe", "object", "embed", "img", "form", "title", "body")


class Elements(HTMLParser):
    """Counts the elements of a page as a browser's tokenizer would see them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.counts: dict[str, int] = {}
        self.handlers: list[str] = []
        self.links: list[str] = []  # that lead out of the page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.links += [value or "" for name, value in attrs if name in ("href", "src") and ":" in (value or "")]


def page_of(hostile: str, folder: Path) -> Elements:
    """The elements of the HTML report of a journal full of ``hostile``."""
    path, page = folder / "journal.txt", folder / "page.html"
    path.write_bytes(journal(hostile))
    ran = k3slog("analyze", path, "--html", page, "--force")
    assert ran.code == 0, ran.err
    elements = Elements()
    elements.feed(page.read_text())
    elements.close()
    return elements


@pytest.mark.parametrize(
    "hostile", [MARKUP, "<!--<script>", "]]>{{7*7}}${7*7}<%=1%>", "'\"><b>", "\u2028</SCRIPT >", ESCAPES]
)
def test_markup_in_a_log_adds_no_element_to_the_page(hostile: str, tmp_path: Path) -> None:
    plain, spoilt = page_of("harmless", tmp_path), page_of(hostile, tmp_path)
    assert {tag: spoilt.counts.get(tag, 0) for tag in ACTIVE} == {tag: plain.counts.get(tag, 0) for tag in ACTIVE}
    assert set(spoilt.counts) <= set(plain.counts)
    assert spoilt.handlers == []
    assert spoilt.links == []
    assert plain.counts["script"] >= 1


def test_a_table_for_a_spreadsheet_starts_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "journal.txt"
    path.write_bytes(journal("=cmd|' /C calc'!A0"))
    ran = k3slog("analyze", path, "--format", "csv", "--table", "checks")
    assert ran.code == 0, ran.err
    assert not any(cell.startswith("=") for line in ran.out.splitlines() for cell in line.split(","))


def test_markdown_renders_no_markup_of_the_log(tmp_path: Path) -> None:
    path = tmp_path / "journal.txt"
    path.write_bytes(journal("| a | `b` <b>c</b> [d](javascript:e)"))
    ran = k3slog("analyze", path, "--format", "markdown", "--start", "all")
    assert ran.code == 0, ran.err
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(ran.out)
    assert "<table>" in page
    assert "<b>" not in page
    assert 'href="javascript' not in page
