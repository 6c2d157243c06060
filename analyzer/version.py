"""The version of this package; the one place in which it stands."""

__version__ = "0.3.0"
