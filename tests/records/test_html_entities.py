"""Pastes out of a page's source: entities are turned back where the whole text shows them, and only there."""

from __future__ import annotations

import html
import io

import pytest

from analyzer.records import LogRecord, read_log_records

HEAD = "Mar 01 06:03:22 node-a k3s[1289]: "
ROWS = [
    "Mar 01 06:03:22 node-a systemd[1]: Starting k3s.service - Lightweight Kubernetes...",
    HEAD + 'time="2026-03-01T06:03:22Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"',
    HEAD + 'I0301 06:03:22.000010    1289 a.go:1] "Starting controller" name="x" err="<nil> & more"',
    HEAD + """time="2026-03-01T06:03:23Z" level=info msg="set it to 'cluster' or \\"pod\\"\"""",
    HEAD + '{"level":"info","ts":"2026-03-01T06:03:23.000001Z","caller":"a/b.go:1","msg":"opened backend db"}',
]


def records(*rows: str) -> list[LogRecord]:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return log_records.records


@pytest.mark.parametrize("times", [1, 2, 3])
def test_an_escaped_text_is_read_as_the_text(times: int) -> None:
    rows = ROWS
    for _ in range(times):
        rows = [html.escape(row) for row in rows]
    assert [(r.message, r.payload, r.level) for r in records(*rows)] == [
        (r.message, r.payload, r.level) for r in records(*ROWS)
    ]


def test_numbers_stand_for_characters_too() -> None:
    [record] = records("time=&#34;2026-03-01T06:03:22Z&#x22; level=info msg=&#34;it&#39;s a &#x3c;b&#x3E;&#34;")
    assert record.message == "it's a <b>"


def test_entities_that_the_program_wrote_stay() -> None:
    rows = [
        HEAD + 'time="2026-03-01T06:03:22Z" level=info msg="body: &quot;x&quot; &amp; time=&quot;2026&quot;"',
        HEAD + "I0301 06:03:22.000010    1289 a.go:1] said &lt;nil&gt;",
    ]
    assert [r.message for r in records(*rows)] == [
        "body: &quot;x&quot; &amp; time=&quot;2026&quot;",
        "said &lt;nil&gt;",
    ]


def test_after_an_escaped_part_the_rest_is_itself() -> None:
    rows = [html.escape(ROWS[1]), ROWS[3], HEAD + "I0301 06:03:24.000010    1289 a.go:1] said &lt;nil&gt;"]
    assert records(*rows)[-1].message == "said &lt;nil&gt;"


def test_entities_of_no_character_stay_and_control_characters_go() -> None:
    [record] = records(
        "time=&quot;2026-03-01T06:03:22Z&quot; level=info msg=&quot;a&#9999999;b&#27;[31mc&#0;&notin;&quot;"
    )
    assert record.message == "a&#9999999;bc&notin;"
