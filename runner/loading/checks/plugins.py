"""`model`, `executor` and `storage`: the plug-in is known, takes the options it is given, and has its driver."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from runner.loading.checks import project_modules
from runner.loading.checks.addresses import READERS, address_problems
from runner.loading.checks.tools import FOREIGN
from runner.loading.diagnostics import Fix, Span
from runner.loading.nodes import Mapping, Scalar
from runner.loading.secrets import is_secret_name
from runner.loading.words import certain, listed, nearest, normal, quoted
from runner.manifest.generation import GenerationPart
from runner.manifest.specs import MODEL_KEYS, model_spec_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.python_source import PythonFile
    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located
    from runner.registry import Registry

_OWNERS = {"batch_size": "rate_limiting"}
"""Options of one executor that authors give to another."""
_OTHER_NAMES = {
    "executor": {
        **dict.fromkeys(("parallel", "concurrent", "asyncio", "async_tool_executor"), "async"),
        **dict.fromkeys(("limited", "batch", "batched", "rate_limiting_async_executor", "rate_limit"), "rate_limiting"),
        **dict.fromkeys(("sequential", "serial", "sync"), "rate_limiting with batch_size: 1"),
    },
    "storage": {
        **dict.fromkeys(("in_memory", "inmemory", "ram", "local", "local_chat_storage", "none"), "memory:"),
        **dict.fromkeys(("file", "sqlite3", "sqlite_chat_storage", "db"), "sqlite:///chats.db"),
    },
}
_GENERAL = {"storage": ("retention",), "model": MODEL_KEYS}
"""Keys that all plug-ins of a kind have; none of them is an option of its own."""
_OTHER_OPTIONS = {
    "storage": {
        **dict.fromkeys(("path", "file", "filename", "database", "uri", "address", "dsn", "connection"), "url"),
        **dict.fromkeys(("ttl", "max_age", "keep", "keep_for", "expires", "expire_after", "delete_after"), "retention"),
    },
    "model": {
        **dict.fromkeys(("id", "model", "model_name"), "name"),
        **dict.fromkeys(("rpm", "rate_limit", "max_requests_per_minute", "requests"), "requests_per_minute"),
        **dict.fromkeys(("tpm", "max_tokens_per_minute"), "tokens_per_minute"),
        **dict.fromkeys(("region",), "location"),
        **dict.fromkeys(("project_id", "gcp_project", "google_cloud_project"), "project"),
        **dict.fromkeys(("vertexai", "vertex", "use_enterprise", "use_vertexai"), "enterprise"),
        **dict.fromkeys(("url", "endpoint", "api_base", "host"), "base_url"),
        **dict.fromkeys(("version",), "api_version"),
        **dict.fromkeys(("extra", "extra_fields", "body"), "extra_body"),
        **dict.fromkeys(("fallbacks", "fallback_models", "backup", "alternatives"), "fallback"),
    },
    "executor": dict.fromkeys(
        ("max_batch_size", "max_concurrency", "concurrency", "workers", "limit", "size"), "batch_size"
    ),
}


def check_plugins(subject: Subject) -> Iterator[Diagnostic]:
    """The three plug-ins of a manifest."""
    if not any(subject.tree.get(kind) for kind in ("model", "executor", "storage")):
        return
    from runner.plugins import EXECUTORS, MODELS, STORAGES

    for registry in (MODELS, EXECUTORS, STORAGES):
        place = subject.at(registry.kind)
        if place is not None:
            yield from _Plugin(subject, registry, place).problems()


class _Plugin:
    def __init__(self, subject: Subject, registry: Registry, place: Located) -> None:
        self._subject, self._registry, self._place, self._kind = subject, registry, place, registry.kind

        self._general = _GENERAL.get(self._kind, ())

    def problems(self) -> Iterator[Diagnostic]:
        found = self._written()
        if found is None:
            return
        name, options, where = found
        if name in self._registry.builtins:
            yield from self._builtin(name, options, where)
        elif self._registry.knows(name):
            return
        elif ":" in name and name.partition(":")[0] in self._registry.builtins:
            yield self._not_an_address(name, where)
        elif ":" in name:
            yield from self._project_class(name, options, where)
        else:
            yield self._unknown(name, where)

    def _written(self) -> tuple[str, dict[str, Any], Located] | None:
        """The plug-in's name, its options, and where the name stands; None where it cannot be told."""
        node = self._place.node
        if isinstance(node, Scalar):
            if node.is_unknown or not isinstance(node.value, str) or not node.text:
                return None
            spec = model_spec_of(node.text) if self._kind == "model" else spec_of(node.text)
            assert isinstance(spec, dict)  # noqa: S101  # made of a text
            return spec["type"], {key: value for key, value in spec.items() if key != "type"}, self._place
        if not isinstance(node, Mapping):
            return None
        kind = self._subject.text(self._kind, "type")
        options = {key: entry for key, entry in node.entries.items() if key != "type"}
        if kind is None:
            return ("gemini", options, self._place) if self._kind == "model" and node.get("type") is None else None
        where = self._subject.at(self._kind, "type")
        return (kind.text, options, where) if where is not None else None

    def _not_an_address(self, name: str, where: Located) -> Diagnostic:
        """A known name with something behind a colon that is no `//`."""
        known, _, rest = name.partition(":")
        hint = {"sqlite": f"write sqlite:///{rest.lstrip('/')}", "memory": 'write "memory:"'}.get(known)
        if self._kind == "model":
            hint = f"write {rest}" if known == "gemini" else f"write {known}"
        return self._subject.say(
            "E172", f"{_called(name, where)} is not an address of {known}", where, hint=hint or f"write {known}"
        )

    def _unknown(self, name: str, where: Located) -> Diagnostic:
        known = self._registry.names
        sure = certain(name, known)
        near = sure or _OTHER_NAMES.get(self._kind, {}).get(normal(name)) or nearest(name, known)
        if self._kind == "storage" and re.fullmatch(r"[\w./\-]+\.(?:db|sqlite3?)", name):
            near = f"sqlite:///{name}"
        span = _span_of(name, where)
        return self._subject.say(
            "E170",
            f"unknown {self._kind} {_called(name, where)}",
            where,
            span=span,
            hint=f"did you mean {quoted(near)}?" if near else None,
            nearest=near,
            notes=(f"known: {', '.join(known)}; one of your own is written module:Class",),
            fix=Fix(span, sure) if sure and span is not None else None,
        )

    def _builtin(self, name: str, options: dict[str, Any], where: Located) -> Iterator[Diagnostic]:
        if driver := self._registry.missing_driver(name):
            package, install = driver
            yield self._subject.say(
                "E173", f"the {self._kind} {quoted(name)} needs the package {package}", where, hint=install
            )
        parameters = self._registry.parameters(name)
        known = [option for option in parameters if option != "place"]
        yield from self._options(name, options, [*known, *self._general])
        meant = {self._meant(option, known)[0] for option in options if option not in known}
        for option in known:
            if option not in options and option not in meant and parameters[option].default is parameters[option].empty:
                yield self._lacking(name, option, where)
        if name == "hybrid" and "url" not in options:
            for option in {"cache", "database"} - {*options, *meant}:
                yield self._lacking(name, option, where)
        if self._kind == "storage" and isinstance(self._url(options), str):
            yield from self._storage_url(name, str(self._url(options)))

    def _options(self, name: str, options: dict[str, Any], known: list[str]) -> Iterator[Diagnostic]:
        for option in options:
            if option in known:
                continue
            place = self._subject.at(self._kind, option)
            if place is None:  # the address of a URL
                message = f"the {self._kind} {name} has no address"
                yield self._subject.say("E172", message, self._place, hint=f"write {name}")
                continue
            owner = _OWNERS.get(option)
            if owner and self._kind == "executor" and name != owner:
                message = f"{option} belongs to the executor {owner}; {name} runs all calls of a step at once"
                hint = f"write {{type: {owner}, {option}: ...}}, or remove it"
                yield self._subject.say("E174", message, place, span=place.key_span, hint=hint)
                continue
            yield self._unknown_option(name, option, known, place)

    def _unknown_option(self, name: str, option: str, known: list[str], place: Located) -> Diagnostic:
        near, is_sure = self._meant(option, known)
        hint = f"did you mean {quoted(near)}?" if near else None
        if near is None and self._kind == "model" and option in GenerationPart.model_fields:
            hint = "this key belongs under generation:"
        if is_secret_name(option):
            near, hint = None, "secrets are not written here: they come from the environment"
        present = place.parent.entries if isinstance(place.parent, Mapping) else {}
        return self._subject.say(
            "E102",
            f"unknown key {quoted(option)} in {self._kind} ({name})",
            place,
            span=place.key_span,
            hint=hint,
            nearest=near,
            notes=(f"keys here: {', '.join(['type', *known])}",),
            fix=Fix(place.key_span, near) if near and is_sure and near not in present else None,
        )

    def _meant(self, option: str, known: list[str]) -> tuple[str | None, bool]:
        """The option that a wrong one was meant to be, and whether it can only have been that."""
        if sure := certain(option, known):
            return sure, True
        other = _OTHER_OPTIONS.get(self._kind, {}).get(normal(option))
        return (other if other in known else nearest(option, known)), False

    def _lacking(self, name: str, option: str, where: Located) -> Diagnostic:
        example = {
            "url": f'write "{name}://host"' if name in READERS else 'write "sqlite:///chats.db"',
            "name": "add name: gemini-3.8-flash",
            "cache": "add cache: redis://localhost:6379/0",
            "database": "add database: with the URL of the database",
        }.get(option, f'add "{option}:"')
        return self._subject.say("E103", f"the {self._kind} {quoted(name)} lacks {quoted(option)}", where, hint=example)

    def _url(self, options: dict[str, Any]) -> object:
        found = self._subject.text(self._kind, "url")
        return found.text if found is not None else options.get("url")

    def _storage_url(self, name: str, url: str) -> Iterator[Diagnostic]:
        place = self._subject.at(self._kind, "url") or self._place
        for message, hint in address_problems(name, url):
            yield self._subject.say("E172", message, place, hint=hint)

    def _project_class(self, name: str, options: dict[str, Any], where: Located) -> Iterator[Diagnostic]:
        module, _, attribute = name.partition(":")
        roots = project_modules.roots_of(self._subject)
        if self._kind == "model" and not attribute.isidentifier():
            yield self._subject.say(
                "E170", f"{_called(name, where)} is not the id of a model", where, hint=f"write {attribute}"
            )
            return
        if not all(part.isidentifier() and not part.startswith("__") for part in module.split(".")):
            yield self._subject.say("E162", f"{_called(module, where)} is not a module name", where)
            return
        path = None if project_modules.is_foreign(module) else project_modules.find(module, roots)
        if path is None:
            near, _ = project_modules.meant(module, roots)
            hint = f"did you mean {quoted(near)}?" if near else None
            message = f"there is no module {_called(module, where)} in the project"
            notes: tuple[str, ...] = (f"modules are looked for in {listed([str(root) for root in roots])}",)
            if project_modules.is_foreign(module):
                hint, notes = None, (FOREIGN, *notes)
            yield self._subject.say("E160", message, where, hint=hint, notes=notes)
            return
        found = project_modules.read(path, self._subject)
        if found.problem is not None:
            yield found.problem
        else:
            yield from self._class(found, module, attribute, options, where)

    def _class(
        self, found: PythonFile, module: str, attribute: str, options: dict[str, Any], where: Located
    ) -> Iterator[Diagnostic]:
        definition = found.definitions.get(attribute)
        if attribute.startswith("_") or not attribute.isidentifier():
            yield self._subject.say("E161", f"{_called(attribute, where)} is not a public name", where)
        elif definition is None and not found.is_open:
            classes = [name for name, each in found.definitions.items() if isinstance(each.node, ast.ClassDef)]
            near = nearest(attribute, classes)
            hint = f"did you mean {quoted(near)}?" if near else None
            notes = (f"its classes: {', '.join(classes)}",) if classes else ()
            yield self._subject.say(
                "E161", f"{_called(module, where)} has no {_called(attribute, where)}", where, hint=hint, notes=notes
            )
        elif definition is not None and definition.kind in {"function", "value", "tool"}:
            yield self._subject.say("E171", f"{_called(f'{module}:{attribute}', where)} is not a class", where)
        elif definition is not None and isinstance(definition.node, ast.ClassDef):
            known = _init_parameters(definition.node)
            if known is not None:
                known += self._general
                for option in options:
                    if option not in known:
                        place = self._subject.at(self._kind, option) or where
                        yield self._unknown_option(attribute, option, known, place)


def _called(name: str, where: Located) -> str:
    """A name from the manifest as it is written there: what came from the environment is not shown."""
    node = where.node
    return quoted(node.shown if isinstance(node, Scalar) and node.variables else name)


def _span_of(name: str, where: Located) -> Span | None:
    """Where a plug-in's name is written, alone or as the scheme of a URL; None where it is not written so."""
    node = where.node
    if not isinstance(node, Scalar) or node.written is not None or node.variables:
        return None
    if node.text == name:
        return node.span
    source, start, end = node.span
    at = source.text.find(f"{name}://", start, end)
    return Span(source, at, at + len(name)) if at >= 0 else None


def _init_parameters(node: ast.ClassDef) -> list[str] | None:
    """The names a class's own `__init__` takes; None where it has none, or takes any."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__" and not statement.decorator_list:
            arguments = statement.args
            if arguments.kwarg is not None:
                return None
            return [each.arg for each in (*arguments.args[1:], *arguments.kwonlyargs) if each.arg != "place"]
    return None
