"""Texts of chosen lines are noticed, whole ones are not suspected."""

from __future__ import annotations

import pytest

from analyzer.starts import Start, find_starts
from tests.kit.handmade import RBAC, Journal


def only(journal: Journal) -> Start:
    [start] = journal.starts()
    return start


def test_a_whole_start_is_not_suspected() -> None:
    journal = Journal().begin().serving(3.0).ticking(3.1, 9.0).poll(2.0).listed(4.0, RBAC).running(9.5)
    assert not only(journal).filtered


def test_polls_with_nothing_between_were_chosen() -> None:
    journal = Journal().banner(0.1).poll(2.0).listed(4.0, RBAC).listed(8.0, RBAC).running(9.5)
    start = only(journal)
    assert start.filtered
    report = journal.report()
    assert report.poller.implied == 0
    assert report.bottleneck.certainty != "certain", "a list in which others failed may have been left out"


def test_everyday_lines_of_k3s_between_the_polls_are_enough() -> None:
    journal = Journal().banner(0.1).poll(2.0).say(3.0, "a").say(4.0, "b").say(5.0, "c").poll(8.0, "EOF").running(9.5)
    assert not only(journal).filtered


def test_only_warnings_were_chosen() -> None:
    journal = Journal()
    for number in range(9):
        journal.kube(number, f"trouble {number}", severity="E")
    assert only(journal).filtered
    journal.say(9.0, "an everyday line")
    assert not only(journal).filtered


@pytest.mark.parametrize(("loud", "chosen"), [(2, False), (3, True)])
def test_three_warnings_and_nothing_else_beside_polls_were_chosen(loud: int, chosen: bool) -> None:
    journal = Journal().poll(0.5, "EOF")
    for number in range(loud):
        journal.say(number + 1.0, f"{number} trouble of another kind", "warning")
    assert only(journal).filtered is chosen


def test_a_begin_by_systemd_without_the_banner_lacks_lines() -> None:
    journal = Journal().systemd(0.0, "Starting k3s.service - Lightweight Kubernetes...").serving(3.0).ticking(3.1, 9.0)
    start = only(journal)
    assert start.filtered
    begun = start.first_of_process
    assert begun is not None and "Starting k3s.service" in begun.message, "its own first line may be missing"
    whole = only(Journal().begin().serving(3.0).ticking(3.1, 9.0))
    assert whole.first_of_process is whole.process[0]


def test_chosen_last_words_before_the_next_process_may_be_those_of_a_stop() -> None:
    journal = Journal("v1.33.4+k3s1").banner(0.1).poll(2.0).listed(4.0, RBAC).running(5.3)
    alone = journal.report()
    assert alone.outcome == "ready", "nothing in the text speaks of an end"
    journal.pid = 2000
    journal.banner(20.0)
    first, _ = journal.studied()
    assert (first.report.outcome, first.report.ready.upper) == ("incomplete", None)
    later = Journal("v1.33.4+k3s1").banner(0.1).poll(2.0).listed(4.0, RBAC).running(5.3).say(9.0, "an everyday line")
    later.pid = 2000
    later.banner(20.0)
    first, _ = later.studied()
    assert first.report.outcome == "ready", "it lived on"


def test_within_one_boot_a_start_after_nothing_tells_of_no_end() -> None:
    journal = Journal().begin().serving(3.0).ticking(3.1, 9.0)
    journal.pid = 2000
    journal.begin(20.0)
    first, _ = journal.studied()
    assert (first.report.outcome, first.report.end.kind) == ("incomplete", "running")
    broken = Journal().begin().serving(3.0).ticking(3.1, 9.0)
    broken.pid, broken.boot = 2000, "c" * 32
    broken.begin(200.0)
    first, _ = broken.studied()
    assert first.report.end.kind == "running", "another boot: what happened in between is not known"


def test_how_many_warnings_alone_were_chosen() -> None:
    def chosen(count: int) -> bool:
        journal = Journal()
        words = ("disk", "pods", "evict", "quota", "lease", "image", "mount", "route")
        for number, word in enumerate(words[:count]):
            journal.say(number, word, "warning")
        return only(journal).filtered

    assert [chosen(7), chosen(8)] == [False, True]


@pytest.mark.parametrize(("words", "chosen"), [("", True), ("a", True), ("ab", True), ("abc", False)])
def test_two_everyday_lines_between_the_polls_are_too_few(words: str, chosen: bool) -> None:
    journal = Journal().banner(0.1).poll(2.0)
    for number, word in enumerate(words):
        journal.say(3.0 + number, word)
    assert only(journal.poll(8.0, "EOF").running(9.5)).filtered is chosen


@pytest.mark.parametrize(
    ("word", "lines", "chosen"),
    [("token", 4, True), ("node", 4, False), ("node", 5, True), ("key", 5, False), ("token", 3, False)],
)
def test_how_long_a_word_that_all_lines_share_must_be(word: str, lines: int, chosen: bool) -> None:
    journal = Journal()
    beginnings = (
        "Alpha bravo charlie dd",
        "Hotel juliet lima pap",
        "Quebec sierra uniform",
        "Zulu bib hubub fiff",
        "Mum",
    )
    for number, begin in enumerate(beginnings[:lines]):
        journal.kube(number, f"{begin} {word}")
    assert only(journal).filtered is chosen


LONG = "Alpha bravo charlie " + "dd " * 60  # 200 characters


@pytest.mark.parametrize(("line", "chosen"), [(LONG + "and then some token", True), ("Alpha bravo charlie dd", False)])
def test_the_word_is_looked_for_in_the_shortest_line(line: str, chosen: bool) -> None:
    """However late it stands in a long one."""
    journal = Journal().kube(0.0, line)
    for number, begin in enumerate(("Hotel juliet lima pap", "Quebec sierra uniform", "Zulu bib hubub fiff"), 1):
        journal.kube(number, f"{begin} token")
    assert only(journal).filtered is chosen


@pytest.mark.parametrize(("dropped", "chosen"), [(5, True), (4, False)])
def test_in_a_long_line_the_word_counts_within_two_hundred_characters(dropped: int, chosen: bool) -> None:
    journal = Journal()
    for number, begin in enumerate(("Alpha bravo", "Hotel juliet", "Quebec sierra", "Zulu bib hubub")):
        text = (begin.ljust(20) + ("abcdefghijklm"[number] + " ") * 90)[: 200 - dropped]
        journal.kube(number, f"{text}token")
    assert only(journal).filtered is chosen


def alike(lines: int, step_s: float, shapes: int, text: str = "token") -> Start:
    journal = Journal()
    begins = ("Alpha bravo", "Hotel juliet", "Quebec sierra", "Zulu bib hubub")
    for number in range(lines):
        journal.kube(number * step_s, f"{begins[number % shapes]:<20}{'abcdefghijkl'[number]}: {text}")
    return only(journal)


@pytest.mark.parametrize(
    ("lines", "step_s", "shapes", "chosen"),
    [(6, 1.0, 4, True), (5, 2.0, 4, False), (6, 0.9, 4, False), (12, 1.0, 3, False)],
)
def test_a_report_says_that_lines_were_chosen_only_of_many_over_seconds(
    lines: int, step_s: float, shapes: int, chosen: bool
) -> None:
    """A few that are alike stand below one another in any text."""
    assert alike(lines, step_s, shapes).chosen is chosen


def test_a_word_of_a_path_chooses_nothing() -> None:
    assert not alike(8, 1.0, 4, "/var/lib/token/x").chosen


@pytest.mark.parametrize(("shapes", "chosen"), [(4, True), (3, False)])
def test_one_trouble_that_is_said_again_and_again_is_no_choice(shapes: int, chosen: bool) -> None:
    journal = Journal()
    for number in range(12):
        journal.say(number, ("disk", "pods", "evict", "quota")[number % shapes] + " is no more", "error")
    start = only(journal)
    assert start.filtered and start.chosen is chosen


def test_no_part_of_a_whole_start_is_called_chosen() -> None:
    journal = Journal().begin().serving(3.0).ticking(3.1, 9.0).poll(2.0).listed(4.0, RBAC).running(9.5)
    for number in range(30):
        journal.kube(10.0 + number / 50, f"Starting {'abcdefghij'[number % 10] * 9} controller")
    rows = journal.short().decode().splitlines()
    for length in (4, 8, 12, 20):
        for at in range(0, len(rows) - length, 3):
            text = "\n".join(rows[at : at + length]) + "\n"
            assert not any(start.chosen for start in find_starts(journal.log_records(text.encode()).records)), text


def test_lines_that_all_have_one_of_some_searched_words_were_chosen() -> None:
    def chosen(*others: str) -> bool:
        journal = Journal()
        words = (
            "disk error",
            "pod failed",
            "no route: timed out",
            "was refused",
            "is invalid",
            "cannot go",
            "panic",
            "unable",
        )
        for number, word in enumerate((*words, *others)):
            journal.say(2.0 * number, f"{number} {word}")
        return only(journal).filtered

    assert chosen()
    assert not chosen("all is well")


def test_a_fragment_with_checks_and_hardly_anything_beside_them_was_chosen() -> None:
    """An API server that begins to serve writes a hundred lines in the seconds in which its checks are listed."""

    def outcome(lines: int) -> str:
        journal = Journal()
        for number in range(lines):
            journal.kube(0.1 * number, f"{number} everyday words")
        journal.listed(4.0, RBAC).say(9.0, 'signal received: "terminated", canceling context...', "warning")
        return journal.report().outcome

    assert outcome(3) == "incomplete"
    assert outcome(30) == "stopped"
