"""From a path to a checked manifest: read with positions, checked as a whole, every problem told where it stands."""

from runner.loading.diagnostics import Diagnostic, InvalidManifestError, Position
from runner.loading.manifests import LoadedManifest, check_manifest, load_manifest
from runner.loading.project_root import project_root

__all__ = [
    "Diagnostic",
    "InvalidManifestError",
    "LoadedManifest",
    "Position",
    "check_manifest",
    "load_manifest",
    "project_root",
]
