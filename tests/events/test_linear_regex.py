"""A user's expressions: run on RE2, or refused where only Python's backtracking engine is there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from analyzer.events.catalogue import rules
from analyzer.events.linear_regex import TEXT_LIMIT, LinearPattern

EXPLODE = [
    "(?:a?){30}a{30}$",
    "a*a*a*a*a*a*b",
    "(a+)+$",
    "(a*)*b",
    "(.*)*b",
    "(?:a|b+)+c",
    "(a|aa)+$",
    "(a|a?)+$",
    "((ab)*)*c",
    "(\\w+\\s?)*:",
    "(?:x+y?){10,}z",
    "(a{1,9}){1,30}b",
    "(.*?,)+z",
    "(\\d+|\\w+)*$",
    "a.*b.*c.*d.*e",
    "(?i:(a+))+b",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    ".*.*.*.*=$",
]
PLAIN = [
    "a.*b",
    r"since (?P<since>\S+)",
    r"^(?:a|b)+$",
    "(?:foo|bar)+",
    r"\d{1,3}(?:\.\d{1,3}){3}",
    "(a(b)?)?",
    "[ab]+c*",
    r"(?s)^Error: (?P<cause>.+)$",
    "(?:ab){3}",
    r"(?P<n>\d+) of (?P<m>\d+) members, (?P<who>\S+) since (?P<when>.+)",
]
HOSTILE = ["a" * 5000, "ab" * 2500, "aA" * 2500, "x" * 4999 + "!", "a,b " * 1200, "1" * 4000 + "\ud800"]
SEARCHES = """
import sys
from analyzer.events.linear_regex import LinearPattern
for pattern in {patterns!r}:
    one = LinearPattern(pattern)
    for text in {texts!r}:
        one.search(text)
print("done")
"""


@pytest.fixture
def without_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)


def test_no_expression_takes_long_on_any_text() -> None:
    """In a process of its own: Python's engine could not be interrupted."""
    code = SEARCHES.format(patterns=EXPLODE + PLAIN, texts=HOSTILE)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr) == ("done\n", "")


def test_expressions_find_what_they_name() -> None:
    hit = LinearPattern(r"(?P<n>\d+) of (?P<m>\d+), (?P<why>.*)").search("it has 2 of 3, häßlich \ud800")
    assert hit is not None
    assert hit.groupdict() == {"n": "2", "m": "3", "why": "häßlich ?"}
    assert LinearPattern("b").search("a" * TEXT_LIMIT + "b") is None
    assert LinearPattern("b").search("a" * (TEXT_LIMIT - 1) + "b") is not None


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a(", "missing ): a("),
        ("(?!x).*y", "invalid perl operator: (?!"),
        (r"(a+)\1", r"invalid escape sequence: \1"),
        ("a{1,9999}", "invalid repetition size: {1,9999}"),
        ("*", "no argument"),
        ("(?:a{1,99}){1,99}é", "invalid repetition size"),
        ("[z-a]", "invalid character class range: z-a"),
    ],
)
def test_what_re2_does_not_know_is_said_in_plain_words(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match="is not a regular expression of RE2: ") as caught:
        LinearPattern(pattern)
    assert words in str(caught.value)
    assert "b'" not in str(caught.value)


def test_memory_is_bounded() -> None:
    with pytest.raises(ValueError, match="pattern too large"):
        LinearPattern(r"(?:\pL{1000}|" * 40 + "a" + ")" * 40)


@pytest.mark.usefixtures("without_re2")
def test_without_re2_one_repeat_or_choice_is_the_most() -> None:
    for pattern in [*EXPLODE, "a.*b.*", "(a|aa)+", r"(a+)\1", "(?:a?){2}", "(?P<a>.)*(?P=a)"]:
        with pytest.raises(ValueError, match="only the package google-re2 runs"):
            LinearPattern(pattern)
    with pytest.raises(ValueError, match="is not a regular expression: "):
        LinearPattern("a(")
    for pattern in [r"since (?P<since>\S+)", "a.*b", "(?!x)y", "one|two", "(?:ab){3}", "^[a-z]*$"]:
        one = LinearPattern(pattern)
        begin = time.process_time()
        for text in HOSTILE:
            one.search(text)
        assert time.process_time() - begin < 2.0


def test_of_our_own_expressions_only_those_with_look_around_could_not_be_a_users() -> None:
    refused = []
    for rule in rules():
        try:
            LinearPattern(rule.match.pattern if rule.match is not None else "")
        except ValueError as error:
            refused.append(str(error).rpartition(": ")[2])
    assert set(refused) <= {"(?!", "(?=", "(?<!", "(?<="}
    assert len(refused) < 26


@pytest.mark.long
@pytest.mark.parametrize("pattern", ["(?:a?){30}a{30}$", "a*a*a*a*a*a*b"])
def test_analyze_with_such_a_rule_comes_to_an_end(tmp_path: Path, pattern: str) -> None:
    own, log = tmp_path / "own.toml", tmp_path / "k3s.log"
    own.write_text(f"[[mark]]\nid = 'aaa'\nkind = 'problem'\nany = ['aaaa']\nmatch = '{pattern}'\ntitle = 'As'\n")
    line = 'Feb 03 10:20:30 n k3s[1]: time="2026-02-03T10:20:30Z" level=error msg="%s"\n'
    log.write_text(line % "Starting k3s v1.33.4+k3s1 (0)" + (line % ("a" * 4000)) * 50)
    ran = analyze(log, own)
    assert ran.returncode == 0
    assert ran.stderr == ""


def test_an_expression_that_is_refused_is_told_with_file_and_line(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[[mark]]\nid = 'aaa'\nkind = 'problem'\nany = ['aaaa']\nmatch = '(?=a)(a+)+'\ntitle = 'As'\n")
    ran = analyze(own, own)
    said, *hints = ran.stderr.splitlines()
    assert ran.returncode == 3
    assert said.startswith(f'k3slog: {own}, line 5: [[mark]] of "aaa": match is not a regular expression of RE2: ')
    assert hints == []


def analyze(log: Path, own: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "analyzer.cli.main", "analyze", str(log), "--rules", str(own)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
