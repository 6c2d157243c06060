"""What a message is about: the images, addresses, names, files and flags that it names, to see what two share."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

_MOST = 4000  # characters of a message
_MANIFEST = re.compile(
    r"(?P<host>[\w.-]{1,253}(?::\d{1,5})?)/v2/(?P<image>[\w./-]{1,200})/(?:manifests|blobs)/(?P<tag>[\w.+-]{1,150}(?::[0-9a-f]{32,128})?)"
)
_URL = re.compile(
    r"\b(?P<scheme>https?|wss?|tcp)://(?P<host>\[[0-9a-fA-F:.]{2,60}\]|[\w.-]{1,253})(?::(?P<port>\d{1,5}))?[^\s\"'\\]*"
)
_IMAGE = re.compile(
    r"(?<![\w./:@-])(?:(?P<host>[\w-]+(?:\.[\w-]+)+(?::\d{1,5})?|localhost(?::\d{1,5})?)/)?"
    r"(?P<image>[a-z0-9][\w.-]{0,100}(?:/[\w.-]{1,100}){1,5}):"
    r"(?P<tag>[A-Za-z_][\w.+-]{0,120}|\d+\.[\w.+-]{1,120})(?![\w/])"
)
_ADDRESS = re.compile(
    r"(?<![\w.\[-])(?P<host>(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:.]{2,60}\]|[a-z][\w-]{0,62}(?:\.[\w-]{1,63})+)"
    r":(?P<port>\d{2,5})\b"
)
_LOOKUP = re.compile(r"\blookup (?P<name>[\w-]{1,63}(?:\.[\w-]{1,63})*)\.?(?: on [^\s\"]{1,100}?(?=: |\s|$))?")
_SOURCE = re.compile(r"(?<=tcp |udp )[^\s\">]{3,60}(?=->)")  # the own end of a connection
_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443"}
_PATH = re.compile(r"(?<![\w./:])(?P<path>/[\w@+.-]+(?:/[\w@+.-]+)+)")
_FLAG = re.compile(r"(?<![\w-])--(?P<flag>[a-z][a-z0-9-]{3,60})\b")
_DEEP = 5  # parts of a path that names more than where everything lies


@dataclass(frozen=True, slots=True)
class Things:
    """By kind, what a message names: ``image``, ``address`` (with its port), ``path``, ``flag``.

    ``hosts`` are the machines of the addresses, ``asked`` the names that DNS was asked for.
    """

    named: Mapping[str, frozenset[str]]
    hosts: frozenset[str]
    asked: frozenset[str]

    def share(self, other: Things) -> bool:
        """Whether both name one thing."""
        if self.named["image"] and other.named["image"]:
            return bool(self.named["image"] & other.named["image"])
        if any(self.named[kind] & other.named[kind] for kind in ("address", "path", "flag")):
            return True
        if self.asked & (other.hosts | other.asked) or other.asked & self.hosts:
            return True
        return any(_within(one, two) for one in self.named["path"] for two in other.named["path"])

    def differ(self, other: Things) -> bool:
        """Whether they name things of one kind, and none is the same."""
        both = any(self.named[kind] and other.named[kind] for kind in self.named)
        return both and not self.share(other)

    def __bool__(self) -> bool:
        return any(self.named.values()) or bool(self.asked)


def things(text: str) -> Things:
    """What a message names; this machine's own sockets and the ends of a connection that it made are nothing."""
    found: dict[str, set[str]] = {kind: set() for kind in ("image", "address", "path", "flag")}
    hosts: set[str] = set()
    rest = _SOURCE.sub("", text[:_MOST])
    asked = {hit["name"].lower() for hit in _LOOKUP.finditer(rest)}
    rest = _LOOKUP.sub(" ", rest)
    for shape in (_MANIFEST, _URL, _IMAGE, _ADDRESS):
        for hit in shape.finditer(rest):
            parts = hit.groupdict()
            if "image" in parts:
                found["image"].add(_image(hit))
            host, port = _host(parts)
            if host:
                hosts.add(host)
                found["address"].add(f"{host}:{port}")
        rest = shape.sub(" ", rest)
    found["path"] = {hit["path"].rstrip(".") for hit in _PATH.finditer(rest)}
    found["flag"] = {hit["flag"] for hit in _FLAG.finditer(rest)}
    return Things({kind: frozenset(values) for kind, values in found.items()}, frozenset(hosts), frozenset(asked))


def _image(hit: re.Match[str]) -> str:
    # A plus of a release is a minus in a tag; docker.io's library is left out as often as not.
    return f"{hit['image'].removeprefix('library/')}:{hit['tag'].replace('+', '-')}"


def _host(parts: Mapping[str, str | None]) -> tuple[str, str]:
    """Machine and port; empty for one of this machine's own."""
    host, port = (parts.get("host") or "").lower(), parts.get("port") or _PORTS.get(parts.get("scheme") or "", "443")
    if "port" not in parts and not host.endswith("]"):  # an image's registry, with or without a port
        host, _, own = host.partition(":")
        port = own or port
    host = host.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ("", "") if host == "localhost" else (host, port)
    return ("", "") if address.is_loopback or address.is_unspecified else (str(address), port)


def _within(one: str, two: str) -> bool:
    """Whether one path lies in the other, and that is no folder that holds everything."""
    short, long = sorted((one, two), key=len)
    return short.count("/") >= _DEEP and long.startswith(f"{short}/")
