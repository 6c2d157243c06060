"""By how much a certificate and a clock miss one another, from the two moments that an x509 error names.

Go's crypto/x509 prints ``current time A is after B`` (B: the certificate's end) or ``… is before B`` (its begin).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_TIMES = re.compile(
    r"current time (?P<now>\d{4}-\d\d-\d\dT[\d:]{8}(?:Z|[+-]\d\d:\d\d)) is (?P<side>after|before) "
    r"(?P<limit>\d{4}-\d\d-\d\dT[\d:]{8}(?:Z|[+-]\d\d:\d\d))"
)


def missed_by(text: str) -> str:
    """A sentence with the two moments and what lies between them; empty where the text does not name them."""
    found = _TIMES.search(text)
    if found is None:
        return ""
    try:
        now, limit = (datetime.fromisoformat(found[name]) for name in ("now", "limit"))
    except ValueError:  # no day of any calendar
        return ""
    apart = _words(abs(limit - now))
    if found["side"] == "before":
        return (
            f"The certificate begins {apart} after this machine's present time: it was made under a later clock, "
            "so one of the two clocks was or is wrong."
        )
    return f"The certificate ended {apart} before this machine's present time."


def _words(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)} days"
    if minutes >= 120:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(length.total_seconds())} s"
