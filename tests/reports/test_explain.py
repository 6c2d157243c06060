"""Every name of every kind is explained, and pasted messages find their entry."""

from __future__ import annotations

import json

import pytest

from analyzer.events import catalogue, finding_info, poll_errors
from analyzer.events.terms import terms
from analyzer.events.versions import check_list, known_minors
from analyzer.reports import explain, explain_views

EVERY = [(kind, name) for kind, known in explain.names().items() for name in known]
FINDINGS = set(explain.names()["finding"])
NEEDED = {
    "check": {"What it waits for", "Limit", "What to do"},
    "error": {"What it means", "How bad", "Texts", "What to do"},
    "milestone": {"What it says", "The line"},
    "phase": {"What it covers", "Ends with"},
    "finding": {"What it says", "How bad", "What to do"},
    "pattern": {"The line", "What to do", "Reported as"},
    "noise": {"The line", "What to do"},
    "witness": {"The line", "Why", "Releases"},
}


@pytest.mark.parametrize("kind", list(explain.KINDS))
def test_every_name_is_explained_without_an_empty_section(kind: str) -> None:
    assert {entry.name for entry in explain.entries(kind)} == set(explain.names()[kind])
    for entry in explain.entries(kind):
        name = entry.name
        assert {e.kind for e in explain.find(name)} >= {"finding" if kind == "pattern" and name in FINDINGS else kind}
        titles = {section.title for section in entry.sections}
        assert titles >= NEEDED[kind], (name, NEEDED[kind] - titles)
        assert len(entry.summary.strip(" .")) > 10, name
        for section in entry.sections:
            assert section.lines, (name, section.title)
            assert all(line.strip(" .·") for line in section.lines), (name, section.title)


def test_all_that_a_report_can_name_has_an_entry() -> None:
    known = explain.names()
    assert {name for minor in known_minors() for name in check_list(minor)} <= set(known["check"])
    assert set(poll_errors.severities()) <= set(known["error"])
    assert set(terms("milestone")) <= set(known["milestone"])
    assert {about.id for about in finding_info.known_findings()} == set(known["finding"])


@pytest.mark.parametrize(
    "name",
    [
        "rbac/bootstrap-roles", "poststarthook/rbac/bootstrap-roles", "RBAC/bootstrap-roles",
        "[-]poststarthook/rbac/bootstrap-roles failed: reason withheld", "[+]poststarthook/rbac/bootstrap-roles ok",
    ],
)  # fmt: skip
def test_a_check_is_found_as_lists_and_people_write_it(name: str) -> None:
    [entry] = explain.find(name)
    assert entry.name == "poststarthook/rbac/bootstrap-roles"
    sections = {section.title: " ".join(section.lines) for section in entry.sections}
    assert "30 s" in sections["Limit"]
    assert "slow_datastore" in sections["Findings about it"]
    assert "138 s" in sections["How long it takes"]
    assert "fatal-rbac" in sections["Lines that prove it"]


def test_dependencies_are_told_from_both_ends() -> None:
    [below] = explain.find("start-apiextensions-informers")
    [above] = explain.find("crd-informer-synced")
    assert "crd-informer-synced" in {s.title: s.lines for s in below.sections}["Waits for it"]
    assert {s.title: s.lines for s in above.sections}["Must pass before it"] == ("start-apiextensions-informers",)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("tls_timeout", ["error"]), ("tls-timeout", ["error"]), ("serving_securely", ["milestone"]),
     ("slow_datastore", ["finding"]),      ("certificates", ["milestone", "phase"]),
     ("wrong_token", ["finding"]), ("kms-provider-3", ["check"])],
)  # fmt: skip
def test_names_of_every_kind_are_found(name: str, kinds: list[str]) -> None:
    assert [entry.kind for entry in explain.find(name)] == kinds


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("x509: certificate signed by unknown authority", "x509_authority"),
        ("net/http: TLS handshake timeout", "tls_handshake_timeout"),
        ('level=info msg="Polling for API server readiness: GET /readyz failed: unknown"', "forbidden"),
        (
            'level=fatal msg="preparing server: bootstrap data already found and encrypted with different token"',
            "wrong_token",
        ),
        ("connect: connection refused", "connection_refused"),
        ("k3s is up and running", "k3s_running"),
    ],
)  # fmt: skip
def test_a_pasted_message_finds_its_entry(text: str, first: str) -> None:
    assert explain.recognise(text)[0].name == first


def test_a_pasted_error_names_its_class_and_its_pattern() -> None:
    found = {(e.kind, e.name) for e in explain.recognise("x509: certificate signed by unknown authority")}
    assert found >= {("error", "x509_unknown_authority"), ("pattern", "x509_authority")}
    assert ("error", "tls_timeout") in {(e.kind, e.name) for e in explain.recognise("net/http: TLS handshake timeout")}


def test_a_pasted_check_list_names_the_failing_checks() -> None:
    text = (
        'an error on the server ("[+]ping ok\\n[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\\n'
        'readyz check failed") has prevented the request from succeeding'
    )
    found = [(e.kind, e.name) for e in explain.recognise(text)]
    assert ("error", "readyz_failing") in found
    assert ("check", "poststarthook/rbac/bootstrap-roles") in found


@pytest.mark.long
def test_every_example_of_the_vocabulary_is_recognised() -> None:
    from analyzer.events.vocabulary import load

    missed = []
    for file in catalogue.FILES:
        for raw in load(file)["mark"]:
            examples = raw.get("example", [])
            for line in [examples] if isinstance(examples, str) else examples:
                if raw["id"] not in {entry.name for entry in explain.recognise(line)}:
                    missed.append((raw["id"], line))
    assert missed == []


def test_nothing_is_made_up() -> None:
    assert explain.recognise("the quick brown fox") == []
    assert explain.find("frobnicate") == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("rbac/bootstrap-role", "rbac/bootstrap-roles"), ("tls_timout", "tls_timeout"),
     ("slow_datastor", "slow_datastore"),      ("bootstrap-rolls", "rbac/bootstrap-roles"),
     ("serving", "serving_securely")],
)  # fmt: skip
def test_the_nearest_names_are_suggested(typed: str, meant: str) -> None:
    assert meant in explain.nearest(typed)


def test_text_fits_80_columns_and_every_format_holds_every_section() -> None:
    for _, name in EVERY[::7]:
        entries = explain.find(name)
        made = explain_views.text(entries)
        assert max(map(len, made.splitlines())) <= 80
        data = json.loads(explain_views.json_text(entries))
        assert [e["name"] for e in data["entries"]] == [e.name for e in entries]
        shown = explain_views.markdown(entries)
        for section in (s for e in entries for s in e.sections):
            assert section.title in made and f"### {section.title}" in shown


def test_an_advice_that_is_a_whole_sentence_has_one_full_stop() -> None:
    [entry] = [one for one in explain.find("slow_datastore") if one.kind == "finding"]
    assert not any(
        ".." in line for section in entry.sections for line in section.lines if section.title == "What to do"
    )
