"""Colours, one place for the library figures and the page.

Which of these an error class or an outcome has, and its marker, is data: :mod:`analyzer.events.terms`. Hues are from
the set of Okabe and Ito, which people with the common colour deficiencies tell apart; every meaning has a second code
besides its hue: bars differ in height and hatching, polls in the shape of their marker, printed ones are filled and
implied ones hollow.
"""

from __future__ import annotations

from typing import Final

LIGHT: Final[dict[str, str]] = {
    "paper": "#ffffff",
    "panel": "#f6f7f9",
    "ink": "#1b1f24",
    "muted": "#505a66",
    "line": "#c9d0d8",
    "grid": "#e3e7ec",
    "link": "#0b5cad",
    "focus": "#0b5cad",
    "failing": "#c44e00",
    "uncertain": "#a86800",
    "uncertain-fill": "#fbe6bd",
    "ok": "#00795a",
    "unseen": "#7c8794",
    "phase-a": "#b9d3ea",
    "phase-b": "#dfeaf4",
    "phase-ink": "#16324a",
    "gap": "#6b5b95",
    "transient": "#0064a6",
    "suspect": "#9a5b00",
    "fatal": "#b3261e",
    "success": "#00795a",
    "milestone": "#3b4652",
    "hue-1": "#0064a6",
    "hue-2": "#b3502b",
    "hue-3": "#a34d80",
    "hue-4": "#3f6b00",
    "hue-5": "#7a5a00",
    "hue-6": "#2f7f9e",
}

DARK: Final[dict[str, str]] = {
    "paper": "#14181d",
    "panel": "#1d232a",
    "ink": "#e8ecf1",
    "muted": "#a9b4c0",
    "line": "#3c4651",
    "grid": "#2a323b",
    "link": "#7cc0ff",
    "focus": "#7cc0ff",
    "failing": "#ff8a3d",
    "uncertain": "#f0b93a",
    "uncertain-fill": "#4a3a12",
    "ok": "#35c99a",
    "unseen": "#8996a3",
    "phase-a": "#2e5273",
    "phase-b": "#22394e",
    "phase-ink": "#e2effb",
    "gap": "#b7a6e3",
    "transient": "#66b8f2",
    "suspect": "#f0b93a",
    "fatal": "#ff8f87",
    "success": "#35c99a",
    "milestone": "#cfd8e1",
    "hue-1": "#66b8f2",
    "hue-2": "#ff9a66",
    "hue-3": "#e59bc6",
    "hue-4": "#a9d45c",
    "hue-5": "#e6c34a",
    "hue-6": "#7fd3ee",
}
