"""Runs the vocabulary over decoded records: one pass, records in, events out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from analyzer.events import catalogue, poll_errors, sequence, witness_rules
from analyzer.events.event import Event, HealthBlock, Placed, PollLine, PollUnchanged, WitnessLine
from analyzer.events.health import HealthAssembler
from analyzer.events.readyz import parse_body
from analyzer.records.log_record import LogRecord, Payload

POLL_PREFIX = "Polling for API server readiness: GET /readyz failed: "
_REMEMBERED_S = 31.0  # upstream's wait for a healthy API server polls in rounds of 30 s and reports the last answer
_UNCHANGED = "status unchanged"
_TELLING = len("Polling for API")  # less of the line may be anything that begins so


def detect(records: Iterable[LogRecord], extra: Sequence[catalogue.Rule] = ()) -> Iterator[Event]:
    """Every event of one process's records (its systemd lines among them), in the order of the records.

    ``extra``: the marks of a user's rules.

    A health block is yielded when its last line has been seen, so it may come after events of later records.
    """
    health = HealthAssembler()
    for record in records:
        yield from health.feed(record)
        message = record.message
        if message.startswith("Polling for API"):
            poll = _poll(record)
            if poll is not None:
                yield poll
                continue
        if record.payload in (Payload.KLOG, Payload.LOGRUS):
            rules = witness_rules.candidates(message, record.file, record.payload is Payload.LOGRUS, record.fields)
            if rules:
                yield WitnessLine(record, rules)
        if "[-]" in message and (block := _of_others(record)) is not None:
            yield block
        yield from catalogue.match(record, extra)
        if places := sequence.of_line(record):
            yield Placed(record, tuple(places))
    yield from health.finish()


def _of_others(record: LogRecord) -> HealthBlock | None:
    """A check list in the words of a component that gives up, or of kubectl."""
    message = record.message
    if record.payload in (Payload.KLOG, Payload.LOGRUS) and "n the server (" in message:
        # The last answer that it remembers: controller-manager up to 1.20, the 15-minute limit.
        return _quoted(record, message[message.index("n the server (") :], "readyz", _REMEMBERED_S)
    if record.payload is Payload.PLAIN and "Error from server (" in message:
        return _quoted(record, message, "")
    return None


def _quoted(record: LogRecord, text: str, otherwise: str, stale_s: float = 0.0) -> HealthBlock | None:
    """A check list that somebody else quotes; it says which endpoint only in its trailer or in the request."""
    body = parse_body(text)
    if body is None or not body.failing:
        return None
    asked = next((name for name in ("healthz", "livez", "readyz") if f"/{name}" in record.message), otherwise)
    whole = not (body.cut or record.truncated)
    return HealthBlock(record, body.failing, body.reasons, body.endpoint or asked, whole, stale_s)


def _poll(record: LogRecord) -> PollLine | PollUnchanged | None:
    if not record.message.startswith(POLL_PREFIX):
        # The pager or an ellipsis cut the line inside its fixed part: a poll was printed, its answer is lost.
        shown = record.message.rstrip(" .…>")
        if record.truncated and len(shown) >= _TELLING and POLL_PREFIX.startswith(shown):
            return PollUnchanged(record) if record.level == "debug" else PollLine(record, "", poll_errors.classify(""))
        return None
    text = record.message[len(POLL_PREFIX) :]
    if text.strip() == _UNCHANGED or (record.level == "debug" and _UNCHANGED.startswith(text.rstrip(" .…>"))):
        return PollUnchanged(record)
    return PollLine(record, text, poll_errors.classify(text))
