"""How much of a text belongs to one record."""

from __future__ import annotations

import io

import pytest

from analyzer.records import LogRecords, read_log_records


def broken_list(hooks: int) -> LogRecords:
    """A poll whose check list stands in lines of its own: ping, ``hooks`` hooks, one that fails, and the end."""
    checks = ["[+]ping ok", *(f"[+]poststarthook/hook-{n} ok" for n in range(hooks)), "[-]etcd failed: reason withheld"]
    body = "\n".join([*checks, "readyz check failed"])
    poll = f'Polling for API server readiness: GET /readyz failed: an error on the server (\\"{body}\\") has prevented'
    rows = [f'time="2026-03-01T12:00:0{n}Z" level=info msg="{text}"' for n, text in enumerate(["one", poll, "two"])]
    found, errors = read_log_records(["-"], stdin=io.BytesIO(("\n".join(rows) + "\n").encode()))
    assert not errors
    return found


@pytest.mark.parametrize(("hooks", "joined", "records"), [(60, 62, 3), (198, 200, 3), (199, 200, 4)])
def test_a_list_of_two_hundred_lines_is_one_record_and_no_longer_one(hooks: int, joined: int, records: int) -> None:
    found = broken_list(hooks)
    assert found.ledger.reasons["record broken over several lines"] == joined
    assert len(found.records) == records
    assert (found.records[1].message.count("[+]"), found.records[-1].message) == (hooks + 1, "two")


HEAD = 'Mar 01 06:03:24 node-a k3s[9]: time="2026-03-01T06:03:24Z" level=fatal msg='


@pytest.mark.parametrize("blank", [" ", "\xa0", "\u2009", "\t"])
@pytest.mark.parametrize("head", [HEAD, HEAD.partition("k3s[9]: ")[2]], ids=["journal", "logrus"])
def test_blanks_of_any_kind_between_the_words_of_a_line_are_read(head: str, blank: str) -> None:
    line = f'{head}"flannel exited: no way"'.replace(" ", blank)
    found, _ = read_log_records(["-"], stdin=io.BytesIO(line.encode()))
    [record] = found.records
    assert (record.message, record.level) == ("flannel exited: no way", "fatal")


def test_a_tab_in_a_message_stays() -> None:
    found, _ = read_log_records(["-"], stdin=io.BytesIO(f'{HEAD}"one\ttwo"'.encode()))
    assert found.records[0].message == "one\ttwo"
