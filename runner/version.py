"""The version of the package, known to all floors."""

__version__ = "0.1.0"
