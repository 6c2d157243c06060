"""A record is built as a draft and frozen once: nobody downstream can write into what was read."""

from __future__ import annotations

import io
from dataclasses import FrozenInstanceError, fields

import pytest

from analyzer.records import LogRecord, LogRecords, read_log_records
from analyzer.records.draft import Draft
from analyzer.records.log_record import Payload

LINE = b'Mar 01 06:03:32 node-1 k3s[1193]: time="2025-03-01T06:03:32Z" level=info msg="Starting k3s v1.32.1+k3s1"\n'


def read() -> LogRecords:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(LINE))
    assert not errors
    return log_records


def test_what_was_read_cannot_be_written_to() -> None:
    log_records = read()
    [record] = log_records.records
    for thing, name in ((record, "message"), (record, "seq"), (log_records, "records"), (log_records, "ledger")):
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, None)
    assert isinstance(log_records.records, tuple)


def test_a_draft_has_every_field_of_the_record_but_its_place() -> None:
    mine = {field.name: field for field in fields(Draft)}
    for field in fields(LogRecord):
        if field.name != "seq":
            assert mine[field.name].type == field.type, field.name
            assert (mine[field.name].default, mine[field.name].default_factory) == (
                field.default,
                field.default_factory,
            ), field.name


def test_a_record_is_what_its_draft_was() -> None:
    draft = Draft(2, 7, "raw", "words", Payload.KLOG, "info", pid=12, lost_before=True, unordered=True)
    record = draft.record(40)
    assert record == LogRecord(40, 2, 7, "raw", "words", Payload.KLOG, "info", pid=12, lost_before=True, unordered=True)
