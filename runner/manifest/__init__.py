"""The manifest: what one YAML file says about an agent. Every key has one sentence."""

from runner.manifest.agent import FORMAT, AgentManifest
from runner.manifest.generation import GenerationPart
from runner.manifest.limits import CachePart, LimitsPart
from runner.manifest.specs import DEFAULT_MODEL, DEFAULT_STORAGE, ExecutorSpec, ModelSpec, Spec, StorageSpec
from runner.manifest.variables import Variable

__all__ = [
    "DEFAULT_MODEL",
    "DEFAULT_STORAGE",
    "FORMAT",
    "AgentManifest",
    "CachePart",
    "ExecutorSpec",
    "GenerationPart",
    "LimitsPart",
    "ModelSpec",
    "Spec",
    "StorageSpec",
    "Variable",
]
