"""What is a document of Loki, a table, and which of its columns count."""

from __future__ import annotations

import pytest

from analyzer.records.carriers.grafana import LOKI, TABLE


@pytest.mark.parametrize(("blanks", "document"), [(0, True), (62, True), (63, False)])
def test_how_far_into_a_list_its_first_object_is_looked_for(blanks: int, document: bool) -> None:
    assert LOKI.begins is not None
    assert LOKI.begins(b"[" + b" " * blanks + b'{"line": "x"}]') is document


@pytest.mark.parametrize(
    ("head", "document"),
    [
        (b'{"status":"success","data":{"result":[]}}\n', True),
        (b'{ "data" : {}}', True),
        (b'{"status":"success"}\n{"status":"success"}', False),
        (b'{"line":"x"}', False),
        (b"[1, 2]", False),
    ],
)
def test_the_answer_of_loki_stands_alone_in_its_line(head: bytes, document: bool) -> None:
    assert LOKI.begins is not None
    assert LOKI.begins(head) is document


@pytest.mark.parametrize(
    ("head", "table"),
    [
        (b'"Time","Line"\n', True),
        (b"Date\ttsNs\tMessage\n", True),
        (b"Time,Level\n", False),
        (b"Level,Line\n", False),
        (b"Line\n", False),
        (b"a,b,c,d,e,f,g,time,line\n", True),
        (b"Date,Host,Service,Content\n", True),
        (b'"@timestamp","host.name","@message"\n', True),
        (b'"TimeGenerated [UTC]",Computer,SyslogMessage\n', True),
        (b"a,b,c,d,e,f,g,h,time,line\n", False),
    ],
)
def test_a_table_has_a_column_of_times_and_one_of_lines(head: bytes, table: bool) -> None:
    assert TABLE.begins is not None
    assert TABLE.begins(head) is table
