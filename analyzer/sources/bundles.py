"""Support bundles of Rancher's log collector: which of their files tell of starts, and what they say about the rest.

Layout: ``journald/k3s`` (no suffix, ``journalctl`` text), ``systemlogs/`` (copies of ``/var/log``), ``k3s/podlogs``,
``systeminfo/date`` and ``systeminfo/hostname``, all below ``HOST-YYYY-MM-DD_HH_MM_SS/``, whose date is the node's
local time when collecting began. The text files have no year of their own.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from analyzer.sources.pod_files import pod_of
from analyzer.sources.source import Bundle, Bytes
from analyzer.sources.unpack import is_damage
from analyzer.timebase import MONTHS

_TOLD = re.compile(r"(?P<root>(?:.*/)?)systeminfo/(?P<what>date|hostname)")
_LAYOUT = re.compile(r"(?P<root>(?:.*?/)?)(?:journald|systemlogs|systeminfo|k3s|rke2|networking|etcd)/")
_NAMED = re.compile(r"(?:^|-)(\d{4})-(\d\d)-(\d\d)_(\d\d)_(\d\d)_(\d\d)$")
# `date` by the C locale, by English ones ("Sat 01 Mar 2025 06:10:00 AM UTC"), by those that keep the C locale's month
# ("Mi 3. Sep 06:10:00 UTC 2025") and as ISO. Other months are not guessed: the bundle's name has the date too.
_DATE = re.compile(
    r"(?:(?P<year>\d{4})-(?P<number>\d\d)-(?P<day>\d\d)[T ]"
    r"|(?:\w{2,4}[.,]? )?(?:(?P<m1>[A-Z][a-z]{2}) +(?P<d1>\d{1,2})|(?P<d2>\d{1,2})\.? (?P<m2>[A-Z][a-z]{2})\.?)"
    r"(?: (?P<y1>\d{4}),?)? )"
    r"(?P<time>\d\d:\d\d:\d\d)(?: (?P<half>AM|PM))?(?: ?(?P<zone>[A-Z]{1,5}|[+-]\d\d(?::?\d\d)?))?(?: (?P<y2>\d{4}))?"
)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})")
# Logs of other programs, tables and dumps.
_OTHERS = re.compile(
    r"(?:.*/)?(?:systeminfo|networking|etcd|k8s|rancher|docker)/|"
    r"(?:.*/)?(?:k3s|rke2)/(?:kubectl|crictl|certs|manifests|directories|containerd\.log|check-config|version)|"
    r"(?:.*/)?systemlogs/audit/|(?:.*/)?journald/(?:docker|containerd)$|(?:.*/)?collector-output\.log$"
)
_PODS = re.compile(r"(?:.*/)?(?:k3s|rke2)/podlogs/")
OTHER_PART = "part of the bundle that tells nothing about starts"
_LIMIT = 4096


class Bundles:
    """The bundles in one folder or archive, by the path in front of their layout. ``top`` is its name without ends."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._roots: dict[str, Bundle] = {}

    def learn(self, inner: str, stream: Bytes) -> bool:
        """Take what ``systeminfo/date`` and ``systeminfo/hostname`` say; ``False`` for any other file, left unread."""
        match = _TOLD.fullmatch(inner)
        if match is None:
            return False
        try:
            text = (stream.read(_LIMIT) or b"").decode("utf-8", "replace").strip()
        except Exception as error:
            if not is_damage(error):
                raise
            return True  # damage shows itself again where the archive is read on
        bundle = self._bundle(match["root"])
        if match["what"] == "hostname":
            if _HOST.fullmatch(text):
                bundle.host = text
            return True
        told = parse_date(text)
        if told is not None:
            (bundle.wall, bundle.offset_s), bundle.told_by = told, "systeminfo/date"
        return True

    def of(self, inner: str) -> Bundle | None:
        """The bundle that a file belongs to, ``None`` outside of any."""
        match = _LAYOUT.match(inner)
        return self._bundle(match["root"]) if match is not None else None

    def unwanted(self, inner: str) -> str | None:
        """Why a file of a bundle is passed over, ``None`` when it is not (or is in no bundle)."""
        if _PODS.match(inner):  # RKE2's API server and its datastore are pods; the other pods tell nothing of starts
            return OTHER_PART if pod_of(inner) is None else None
        return OTHER_PART if _OTHERS.match(inner) else None

    def _bundle(self, root: str) -> Bundle:
        bundle = self._roots.get(root)
        if bundle is None:
            bundle = self._roots[root] = Bundle(root)
            match = _NAMED.search(root.rstrip("/").rpartition("/")[2] or self._top)
            moment = _moment(*(int(part) for part in match.groups())) if match is not None else None
            if moment is not None:
                bundle.wall, bundle.told_by = moment, "the name"
        return bundle


def parse_date(text: str) -> tuple[int, int | None] | None:
    """What ``date`` printed, as ``(wall µs, offset in s)``; the offset is ``None`` where letters could mean several.

    Only ``UTC``, ``GMT`` and numbers name a zone for certain.
    """
    match = _DATE.search(text)
    if match is None:
        return None
    year = match["year"] or match["y1"] or match["y2"]
    name = match["m1"] or match["m2"]
    if year is None or (name is not None and name not in MONTHS):
        return None
    month = int(match["number"]) if name is None else MONTHS.index(name) + 1
    day = int(match["day"] or match["d1"] or match["d2"])
    hour, minute, second = (int(part) for part in match["time"].split(":"))
    if match["half"] is not None:
        hour = hour % 12 + (12 if match["half"] == "PM" else 0)
    wall = _moment(int(year), month, day, hour, minute, second)
    if wall is None:
        return None
    zone = match["zone"] or ""
    if zone in ("UTC", "GMT", "Z"):
        return wall, 0
    if zone[:1] in ("+", "-"):
        zone = zone.replace(":", "")
        seconds = int(zone[1:3]) * 3600 + int(zone[3:5] or 0) * 60
        return wall, -seconds if zone[0] == "-" else seconds
    return wall, None


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
