"""Log shippers and the tools that show what they shipped."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from analyzer.testing.carrier_lines import Renderer, fields_of, lines, own_lines
from analyzer.testing.log_wording import Wall
from analyzer.testing.truth import SECOND, Entry

_UTC = Wall()


def _milli(us: int) -> str:
    return f"{_UTC.at(us):%Y-%m-%dT%H:%M:%S}.{us % SECOND // 1000:03d}Z"


def _nanos(us: int) -> str:
    return str(us * 1000 + us % 997)


def _labels(entry: Entry) -> dict[str, str]:
    return {"nodename": entry.host, "unit": entry.unit}


def _newest_first(entries: Sequence[Entry]) -> list[Entry]:
    return own_lines(entries)[::-1]


def _logcli(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    rows = []
    for entry in _newest_first(entries):
        labels = ", ".join(f'{k}="{v}"' for k, v in _labels(entry).items())
        rows.append(f"{wall.rfc3339(entry.realtime_us)} {{{labels}}} {entry.line.text}")
    return lines(rows)


def _logcli_jsonl(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    return lines(
        [
            json.dumps(
                {
                    "labels": _labels(e),
                    "line": e.line.text,
                    "timestamp": f"{wall.at(e.realtime_us):%Y-%m-%dT%H:%M:%S.%f}" + wall.colon(),
                }
            )
            for e in _newest_first(entries)
        ]
    )


def _loki(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    streams: dict[tuple[str, str], list[list[str]]] = {}
    for entry in _newest_first(entries):
        rows = streams.setdefault((entry.host, entry.unit), [])
        rows.append([_nanos(entry.realtime_us), entry.line.text])
    result = [{"stream": {"nodename": h, "unit": u}, "values": rows} for (h, u), rows in streams.items()]
    return lines([json.dumps({"status": "success", "data": {"resultType": "streams", "result": result}})])


def _grafana_txt(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    rows = ['Common labels: {"unit":"k3s.service"}', 'Line limit: "1000 (3 returned)"', "", ""]
    rows += [f"{e.realtime_us // 1000}\t{_milli(e.realtime_us)}\t{e.line.text}" for e in _newest_first(entries)]
    return lines(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _grafana_csv(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    rows = [["Date", "Time", "Line", "tsNs", "id"]]
    for entry in _newest_first(entries):
        local = f"{wall.at(entry.realtime_us):%Y-%m-%d %H:%M:%S}"
        ns = _nanos(entry.realtime_us)
        rows.append([_milli(entry.realtime_us), local, entry.line.text, ns, f"{ns}_ab12"])
    return _table(rows).encode()


def _grafana_excel(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    """The same table for a spreadsheet: tabs, UTF-16."""
    rows = [["Date", "Time", "Line", "tsNs", "id"]]
    for entry in _newest_first(entries):
        ns = _nanos(entry.realtime_us)
        rows.append([_milli(entry.realtime_us), "", entry.line.text, ns, f"{ns}_ab12"])
    out = io.StringIO()
    csv.writer(out, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return ("\ufeff" + out.getvalue()).encode("utf-16-le")


def _grafana_json(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    rows = [
        {
            "line": e.line.text,
            "timestamp": _nanos(e.realtime_us),
            "date": _milli(e.realtime_us),
            "fields": _labels(e),
        }
        for e in _newest_first(entries)
    ]
    return json.dumps(rows).encode()


def _kibana(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    rows = [["@timestamp", "message", "systemd.unit"]]
    for entry in _newest_first(entries):
        at = wall.at(entry.realtime_us)
        shown = f"{at:%b} {at.day}, {at:%Y @ %H:%M:%S}.{at.microsecond // 1000:03d}"
        rows.append([shown, entry.line.text, entry.unit])
    return _table(rows).encode()


def _filebeat(flat: bool) -> Renderer:
    def render(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
        rows = []
        for entry in entries:
            unit = "init.scope" if entry.line.ident == "systemd" else entry.unit
            row: dict[str, object] = {"@timestamp": _milli(entry.realtime_us), "message": entry.line.text}
            if flat:
                row |= {
                    "journald.pid": entry.line.pid,
                    "journald.host.boot_id": entry.boot_id,
                    "systemd.unit": unit,
                    "syslog.identifier": entry.line.ident,
                    "host.hostname": entry.host,
                }
                rows.append(json.dumps({"_index": "filebeat", "_source": row}))
            else:
                row |= {
                    "journald": {"pid": entry.line.pid, "host": {"boot_id": entry.boot_id}},
                    "systemd": {"unit": unit},
                    "syslog": {"identifier": entry.line.ident, "priority": entry.line.priority},
                    "host": {"hostname": entry.host},
                }
                rows.append(json.dumps(row))
        return lines(rows)

    return render


def _vector(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
    rows = []
    for entry in entries:
        row = fields_of(entry)
        row["message"], row["host"] = row.pop("MESSAGE"), row.pop("_HOSTNAME")
        row |= {"timestamp": f"{_UTC.at(entry.realtime_us):%Y-%m-%dT%H:%M:%S.%f}Z", "source_type": "journald"}
        rows.append(json.dumps(row))
    return lines(rows)


def _fluent_fields(entry: Entry) -> dict[str, str]:
    return {k: v for k, v in fields_of(entry).items() if k[:2] != "__"}


def _fluent_stdout(new: bool) -> Renderer:
    def render(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
        rows = []
        for number, entry in enumerate(entries):
            pairs = ", ".join(
                f"{json.dumps(k)}=>{json.dumps(v, ensure_ascii=False)}" for k, v in _fluent_fields(entry).items()
            )
            at = f"{entry.realtime_us // SECOND}.{entry.realtime_us % SECOND * 1000:09d}"
            when = f"[{at}, {{}}]" if new else at
            rows.append(f"[{number % 8}] host.{entry.unit}: [{when}, {{{pairs}}}]")
        return lines(rows)

    return render


def _fluent_json(stripped: bool, lower: bool = False) -> Renderer:
    """json_lines; ``Strip_Underscores`` takes the underscores off the names, ``Lowercase`` the capitals."""

    def render(entries: Sequence[Entry], wall: Wall, zone: str) -> bytes:
        rows = []
        for entry in entries:
            row: dict[str, object] = {"date": entry.realtime_us / SECOND}
            for key, value in _fluent_fields(entry).items():
                name = key.lstrip("_") if stripped else key
                row[name.lower() if lower else name] = value
            rows.append(json.dumps(row))
        return lines(rows)

    return render


RENDERERS: dict[str, Renderer] = {
    "logcli": _logcli,
    "logcli-jsonl": _logcli_jsonl,
    "loki": _loki,
    "grafana-txt": _grafana_txt,
    "grafana-csv": _grafana_csv,
    "grafana-excel": _grafana_excel,
    "grafana-json": _grafana_json,
    "kibana": _kibana,
    "filebeat": _filebeat(flat=False),
    "filebeat-flat": _filebeat(flat=True),
    "vector": _vector,
    "fluent-bit": _fluent_stdout(new=True),
    "fluent-bit-old": _fluent_stdout(new=False),
    "fluent-bit-json": _fluent_json(stripped=False),
    "fluent-bit-stripped": _fluent_json(stripped=True),
    "fluent-bit-lower": _fluent_json(stripped=False, lower=True),
}
OWN_LINES = frozenset(
    {"logcli", "logcli-jsonl", "loki", "grafana-txt", "grafana-csv", "grafana-excel", "grafana-json", "kibana"}
)
