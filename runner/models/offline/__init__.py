"""The embedded model: rules that read tool declarations, for first runs without a key."""

from runner.models.offline.model import OfflineModel

__all__ = ["OfflineModel"]
