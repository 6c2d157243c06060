# ruff: noqa: E501 - real lines are shown whole
"""The check-list grammar: states are read through any escaping, and never invented at a cut."""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given, settings, strategies as st

from analyzer.events.event import ReadyzBody
from analyzer.events.readyz import MAX_NAME, parse_body, unescape
from analyzer.events.versions import check_list, known_minors

TRAILER = "readyz check failed"


def render(states: dict[str, str]) -> str:
    """A body as the API server writes it."""
    forms = {
        "ok": "[+]{} ok",
        "failing": "[-]{} failed: reason withheld",
        "excluded": "[+]{} excluded: ok",
        "grouped": "[+]{} excluded with etcd: ok",
    }
    return "".join(forms[state].format(name) + "\n" for name, state in states.items()) + TRAILER


def escape(text: str, depth: int) -> str:
    """Go- (or JSON-) quoted ``depth`` times, without the outer quotes."""
    for _ in range(depth):
        text = json.dumps(text)[1:-1]
    return text


def as_poll(body: str, depth: int) -> str:
    """The error text of a poll whose message was unquoted down to ``depth`` remaining levels."""
    return escape(f'an error on the server ("{escape(body, 1)}") has prevented the request from succeeding', depth - 1)


names = st.one_of(
    st.sampled_from(sorted({name for minor in known_minors() for name in check_list(minor)})),
    st.from_regex(r"(?:poststarthook/)?[a-z][a-z0-9./-]{0,30}[a-z0-9]", fullmatch=True).filter(
        lambda name: not name.endswith("ok")
    ),
)
bodies = st.dictionaries(names, st.sampled_from(["ok", "failing", "excluded", "grouped"]), min_size=1, max_size=38)


def states(body: ReadyzBody) -> dict[str, str]:
    found = dict.fromkeys(body.ok, "ok") | dict.fromkeys(body.failing, "failing")
    return found | dict.fromkeys(body.excluded, "excluded")


def plain(expected: dict[str, str]) -> dict[str, str]:
    return {name: "excluded" if state == "grouped" else state for name, state in expected.items()}


@given(bodies, st.integers(0, 3))
def test_round_trip_at_every_depth(expected: dict[str, str], depth: int) -> None:
    text = render(expected)
    shown = as_poll(text, depth) if depth else text
    body = parse_body(shown)
    assert body is not None
    assert states(body) == plain(expected)
    assert not body.cut
    assert body.endpoint == "readyz"
    assert body.reasons == ()


@pytest.mark.long
@settings(max_examples=300)
@given(
    bodies,
    st.integers(0, 3),
    st.data(),
    st.sampled_from(["", ">", "…", '") has prevented the request from succeeding']),
)
def test_a_cut_never_invents_a_state(expected: dict[str, str], depth: int, data: st.DataObject, mark: str) -> None:
    text = render(expected)
    shown = as_poll(text, depth) if depth else text
    at = data.draw(st.integers(0, len(shown)))
    body = parse_body(shown[:at] + mark)
    if body is None:
        return
    got = states(body)
    true = plain(expected)
    assert got.items() <= true.items()
    order = list(true)
    # What is shown is a beginning of the list: nothing in the middle is lost by a cut at the end.
    assert [name for name in order if name in got] == order[: len(got)]
    if len(got) < len(true):
        assert body.cut


@given(bodies, st.data())
def test_a_lost_beginning_never_invents_a_state_and_is_told(expected: dict[str, str], data: st.DataObject) -> None:
    text = render(expected)
    at = data.draw(st.integers(0, len(text)))
    body = parse_body(text[at:])
    if body is None:
        return
    assert states(body).items() <= plain(expected).items()


@pytest.mark.parametrize("minor", known_minors())
def test_html_entities_and_terminal_wraps_inside_names(minor: tuple[int, int]) -> None:
    listed = check_list(minor)
    expected = {name: "failing" if number % 5 == 0 else "ok" for number, name in enumerate(listed)}
    entities = html.escape(render(expected)).replace("+", "&#43;").replace("\n", "\\n")
    body = parse_body(entities)
    assert body is not None
    assert states(body) == expected
    for width in (72, 80, 120):
        text = escape(render(expected), 2)
        wrapped = " ".join(text[at : at + width] for at in range(0, len(text), width))
        body = parse_body(wrapped)
        assert body is not None
        got = states(body)
        assert got.items() <= expected.items()
        assert len(got) >= len(expected) * 0.9


def test_lines_with_prefixes_of_their_own_and_blank_lines() -> None:
    body = parse_body(
        "Dec 29 15:07:07 host kube-apiserver[5327]: [-]etcd failed: etcd client connection not yet established\n\n"
        "Dec 29 15:07:07 host kube-apiserver[5327]: [-]informer-sync failed: 2 informers not started yet: [*v1.Secret]\n"
    )
    assert body is not None
    assert body.failing == ("etcd", "informer-sync")
    assert dict(body.reasons) == {
        "etcd": "etcd client connection not yet established",
        "informer-sync": "2 informers not started yet: [*v1.Secret]",
    }
    assert body.cut
    assert body.endpoint is None


@pytest.mark.parametrize(
    ("text", "ok", "failing"),
    [
        ("[+]logok\n[-]etcd failed: reason withheld", ("log",), ("etcd",)),
        ("**_[-]informer-sync failed: reason withheld_**", (), ("informer-sync",)),
        ("> [+]ping ok\n> [-]etcd failed: reason withheld\n> healthz check failed", ("ping",), ("etcd",)),
        ("[-]etcd failed", (), ("etcd",)),
        ("[-]etcd faile", (), ()),
        ("[+]etcd o", (), ()),
        ("[+]etcd", (), ()),
        ("[+]etcd -readiness ok\n", ("etcd-readiness",), ()),
        ("[+]some-unknown check ok\n", (), ()),
        ("[+]x ok\n[-]x failed: reason withheld\n", (), ()),  # it cannot be both
        ("[-]x failed: not finished\n[-]x failed: reason withheld\n", (), ("x",)),
        (f"[+]{'a' * (MAX_NAME + 1)} ok\n", (), ()),
        ('[+]a"b ok\n[+]c ok\n', ("c",), ()),
        ("[-]etcd ok\n[+]log failed: reason withheld\n", (), ()),  # sign and word disagree
    ],
)
def test_lenient_where_the_meaning_is_clear_and_silent_where_not(
    text: str, ok: tuple[str, ...], failing: tuple[str, ...]
) -> None:
    body = parse_body(text)
    assert body is not None
    assert (body.ok, body.failing) == (ok, failing)


@pytest.mark.parametrize(
    "text", ["", "ok", "readyz check passed", "a [-] b", "the server is currently unable", "[x]ping ok"]
)
def test_texts_without_a_check_line_are_no_body(text: str) -> None:
    assert parse_body(text) is None


@pytest.mark.parametrize("word", ["readyz", "livez", "healthz"])
def test_the_endpoint_comes_from_the_trailer_or_the_header(word: str) -> None:
    trailer = parse_body(f"[+]ping ok\n{word} check failed")
    header = parse_body(f"etcd check failed: {word}\n[-]etcd failed: x")
    assert trailer is not None
    assert header is not None
    assert trailer.endpoint == header.endpoint == word


def test_a_cut_inside_a_name_is_told() -> None:
    body = parse_body(r"[+]ping ok\\n[+]poststarthook/boots")
    assert body is not None
    assert body.ok == ("ping",)
    assert body.cut


def test_missing_middle_counts_as_cut_although_the_trailer_is_there() -> None:
    body = parse_body("[+]ping ok\n…\n[-]etcd failed: reason withheld\nreadyz check failed")
    assert body is not None
    assert body.cut


@given(st.text(max_size=300))
def test_any_text_is_survived(text: str) -> None:
    body = parse_body(text)
    assert body is None or not set(body.ok) & set(body.failing)
    assert unescape(unescape(text)) is not None


@given(st.text(alphabet='[]+-ok\\n"faild: reswthyz\n', max_size=200))
def test_texts_that_look_like_bodies_are_survived(text: str) -> None:
    body = parse_body(text)
    if body is not None:
        for name in body.ok + body.failing:
            assert name in unescape(text).replace(" ", "").replace("\n", "") or name in unescape(text)
