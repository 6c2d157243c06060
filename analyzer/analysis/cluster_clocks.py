"""By how much the clocks of several hosts differ, as messages prove that both sides logged.

Every pair of messages of which one certainly came first is one bound: ``first`` on host A, ``then`` on host B, so the
clock of B is ahead of A's by at most the difference of their stamps. All bounds together are a graph in which the
shortest way is the tightest bound; bounds that contradict each other say nothing, and are all left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from analyzer.events.link_rules import Order, orders
from analyzer.results import ClockOffset, LinkMessage, StartReport

_MANY = 60  # of one kind in a start: the rest was left out
_AT_ONCE = frozenset(("leader_known",))  # several hosts log it; what else hosts share is not one message

Host = str
Edges = dict[tuple[Host, Host], float]  # (A, B) → by how much B's clock can be ahead of A's at most


@dataclass(frozen=True, slots=True)
class _Told:
    """A message with its moment on its host's clock."""

    message: LinkMessage
    low: float
    high: float
    place: tuple[int, int]


def offsets(
    starts: Mapping[Host, Sequence[StartReport]], against: Host, owner: Callable[[str], Host | None]
) -> tuple[ClockOffset, ...]:
    """By how much every host's clock is ahead of the one of ``against``; hosts that nothing compares are left out.

    ``owner`` says whose an address or a name is.
    """
    told = {host: list(_told(reports)) for host, reports in starts.items()}
    edges: Edges = {}
    for order in orders():
        found = _by_key(order, told) if order.by == "key" else _by_turn(order, told, starts, owner)
        for pair, most in found:
            edges[pair] = min(most, edges.get(pair, most))
    edges = {
        (a, b): most for (a, b), most in edges.items() if most + edges.get((b, a), most) >= 0 or (b, a) not in edges
    }
    above, below = _ways(edges, against, starts), _ways({(b, a): m for (a, b), m in edges.items()}, against, starts)
    if above is None or below is None:
        return ()
    made = []
    for host in starts:
        if host != against and (host in above or host in below):
            low = -below[host] if host in below else None
            made.append(ClockOffset(host, against, low, above.get(host)))
    return tuple(made)


def _told(reports: Sequence[StartReport]) -> Iterator[_Told]:
    for start in reports:
        if start.began_at is None:
            continue
        began = start.began_at.timestamp()
        for message in start.links.messages:
            yield _Told(message, began + message.low_s, began + message.high_s, (start.index, message.line))


def _by_key(order: Order, told: Mapping[Host, Sequence[_Told]]) -> Iterator[tuple[tuple[Host, Host], float]]:
    """The earliest of the one is before the latest of the other: true whichever of them belong together."""
    firsts, thens = _of(order.first, told), _of(order.then, told)
    for key, hosts in firsts.items():
        if len(hosts) > 1 or (len(thens.get(key, {})) > 1 and order.then not in _AT_ONCE):
            continue  # two hosts cannot be the same member
        ((first, own),) = hosts.items()
        for host, others in thens.get(key, {}).items():
            if host != first:
                yield (first, host), max(t.high for t in others) - min(t.low for t in own)


def _of(name: str, told: Mapping[Host, Sequence[_Told]]) -> dict[tuple[str, ...], dict[Host, list[_Told]]]:
    found: dict[tuple[str, ...], dict[Host, list[_Told]]] = {}
    for host, messages in told.items():
        for one in messages:
            if one.message.id == name:
                found.setdefault(one.message.key, {}).setdefault(host, []).append(one)
    return found


# ---------------------------------------------------------------- tunnels: one request, one answer


def _by_turn(
    order: Order,
    told: Mapping[Host, Sequence[_Told]],
    starts: Mapping[Host, Sequence[StartReport]],
    owner: Callable[[str], Host | None],
) -> Iterator[tuple[tuple[Host, Host], float]]:
    """The tunnels of a host to a server: the first that it had is the first that the server took, and so on.

    Only where both logs have equally many, nothing is lost, and each shows the time of the other's lines.
    """
    dials = order.first != "tunnel_taken"
    for host, server in _pairs(told, owner):
        tunnels = _tunnels(told[host], server, owner)
        taken = [t for t in told[server] if t.message.id == "tunnel_taken" and owner(t.message.of) == host]
        if len(tunnels) != len(taken) or not tunnels or len(taken) >= _MANY or _lossy(starts, host, server):
            continue
        if not (_covered([dial for dial, _ in tunnels], starts[server]) and _covered(taken, starts[host])):
            continue
        for (dial, up), took in zip(tunnels, sorted(taken, key=lambda t: t.place), strict=True):
            if dials:
                yield (host, server), took.high - dial.low
            elif up is not None:
                yield (server, host), up.high - took.low


def _pairs(told: Mapping[Host, Sequence[_Told]], owner: Callable[[str], Host | None]) -> Iterator[tuple[Host, Host]]:
    for host, messages in told.items():
        servers = (owner(t.message.to) for t in messages if t.message.id == "tunnel_dialled")
        for server in dict.fromkeys(servers):
            if server is not None and server != host and server in told:
                yield host, server


def _tunnels(
    messages: Sequence[_Told], server: Host, owner: Callable[[str], Host | None]
) -> list[tuple[_Told, _Told | None]]:
    """Every tunnel that came up, with the last try before it; in logs that say nothing of that, every try."""
    own = sorted((t for t in messages if t.message.to and owner(t.message.to) == server), key=lambda t: t.place)
    if not any(t.message.id == "tunnel_up" for t in messages):
        return [(t, None) for t in own if t.message.id == "tunnel_dialled"]
    made: list[tuple[_Told, _Told | None]] = []
    dialled: _Told | None = None
    for one in own:
        if one.message.id == "tunnel_dialled":
            dialled = one
        elif one.message.id == "tunnel_up":
            if dialled is None or dialled.place[0] != one.place[0]:
                return []  # its try is not in the log
            made.append((dialled, one))
            dialled = None
    return made


def _lossy(starts: Mapping[Host, Sequence[StartReport]], *hosts: Host) -> bool:
    return any(gap.kind == "lost" for host in hosts for start in starts[host] for gap in start.gaps)


def _covered(told: Sequence[_Told], reports: Sequence[StartReport]) -> bool:
    """Whether a log covers the moments of another one's messages, as their stamps stand."""
    spans = []
    for start in reports:
        last = start.end.at_s if start.end.at_s is not None else start.cut_at_s
        if start.began_at is not None and last is not None:
            began = start.began_at.timestamp()
            spans.append((began, began + last))
    return all(any(first <= t.high and t.low <= last for first, last in spans) for t in told)


# ---------------------------------------------------------------- the tightest bounds


def _ways(edges: Edges, begin: Host, hosts: Mapping[Host, object]) -> dict[Host, float] | None:
    """The shortest way from ``begin`` to every host (Bellman, Ford); ``None`` where bounds contradict each other."""
    way = {begin: 0.0}
    for _ in range(len(hosts) + 1):
        changed = False
        for (a, b), length in edges.items():
            if a in way and way[a] + length < way.get(b, float("inf")) - 1e-9:
                way[b], changed = way[a] + length, True
        if not changed:
            return way
    return None
