"""The servers behind an agent's own load balancer: what it asks at 127.0.0.1 is another machine."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts import Start

_LISTENS = re.compile(
    r"^Running load balancer (?:k3s|rke2)-(?P<kind>api-server-)?agent-load-balancer (?P<own>\S{3,60}) -> "
    r"\[(?P<servers>[^\]]{0,1000})\](?: \[default: (?P<usual>[^\]\s]{1,300})\])?"
)
_ADDED = re.compile(r"^Adding server to load balancer (?:k3s|rke2)-agent-load-balancer: (?P<server>\S{3,300})")
_USED = re.compile(
    r"^Updated load balancer (?:k3s|rke2)-agent-load-balancer server addresses -> \[(?P<servers>[^\]]{0,1000})\]"
)
_JOINS = re.compile(r"connection to cluster at https://(?P<server>[^\s/\"]{3,300})")
_TUNNEL = re.compile(r"^wss://(?P<server>[^/\s]{3,300})")
_DIALLED = re.compile(r"dial tcp[46]? (?P<server>[^\s\"]{3,300}?): ")
_OWN = "127.0.0.1:6444"  # what it is by default (lb-server-port)
_SERVER = re.compile(r"(?:\[[0-9a-fA-F:.]{2,60}\]|[\w.-]{1,253}):\d{1,5}")
_MOST = 3


def behind_balancer(start: Start, lines: Sequence[LogRecord]) -> tuple[str, tuple[str, ...]]:
    """The address at which the balancer for supervisors listens, and the servers behind it; empty: none is known.

    A server with an API server of its own listens at that address itself.
    """
    said = [record for record in lines if record.payload is Payload.LOGRUS]
    told = [hit for r in said if (hit := _LISTENS.match(r.message)) is not None and hit["kind"] is None]
    if not told and start.role != "agent":
        return "", ()
    own = told[-1]["own"] if told else _OWN
    servers = list(dict.fromkeys(one for one in _named(start, told, said) if one != own and not _is_own(one)))
    return (own, tuple(servers[:_MOST])) if servers else ("", ())


def _named(start: Start, told: Iterable[re.Match[str]], said: Sequence[LogRecord]) -> Iterable[str]:
    """The servers, by the surest lines first: the balancer's own, tunnels, what is joined, what was dialled."""
    for hit in told:
        yield from [hit["usual"]] if hit["usual"] else []
        yield from hit["servers"].split()
    for record in said:
        if (added := _ADDED.match(record.message)) is not None:
            yield added["server"]
        if (used := _USED.match(record.message)) is not None:
            yield from used["servers"].split()
        if record.message == "Connecting to proxy" and (url := _TUNNEL.match(record.fields.get("url", ""))) is not None:
            yield url["server"]
        if (joins := _JOINS.search(record.message)) is not None:
            yield joins["server"]
    port = "9345" if start.product == "rke2" else "6443"
    for record in said:
        for hit in _DIALLED.finditer(record.message):
            if hit["server"].endswith(f":{port}"):
                yield hit["server"]


def _is_own(server: str) -> bool:
    """Whether it is this machine itself, or no address with a port."""
    host = server.rpartition(":")[0]
    if _SERVER.fullmatch(server) is None or host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
