"""Cassettes: model calls recorded once and replayed without network, key or delay; see docs/cassettes.md."""

from runner.models.cassettes.cassette import Cassette
from runner.models.cassettes.fingerprints import fingerprint
from runner.models.cassettes.form import Exchange, Header, ToolResult
from runner.models.cassettes.recording import Recorder, RecordingModel
from runner.models.cassettes.redacting import Redactor
from runner.models.cassettes.replaying import ExtendingModel, Player, RecordedTools, ReplayModel
from runner.models.cassettes.session import CassetteSession, RecordMode, Way, cassette_path, decide
from runner.models.cassettes.telling import changes

__all__ = [
    "Cassette",
    "CassetteSession",
    "Exchange",
    "ExtendingModel",
    "Header",
    "Player",
    "RecordMode",
    "RecordedTools",
    "Recorder",
    "RecordingModel",
    "Redactor",
    "ReplayModel",
    "ToolResult",
    "Way",
    "cassette_path",
    "changes",
    "decide",
    "fingerprint",
]
