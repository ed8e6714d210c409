"""`model:` and `generation:`: the model is known and takes the settings. All of it warns: Google may know better."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from runner.loading.diagnostics import Fix
from runner.loading.nodes import Mapping, Scalar, Sequence
from runner.loading.words import certain, listed, nearest, quoted
from runner.manifest.generation import Modality, Resolution, Tier
from runner.manifest.specs import DEFAULT_MODEL, model_spec_of
from runner.models.catalog import GoneModel, KnownModel, catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located

_VALUES = {
    "response_modalities": get_args(Modality),
    "media_resolution": get_args(Resolution),
    "service_tier": get_args(Tier),
}
_SAID = {
    "deprecated": ("W233", "{name} is deprecated for {model}", "Google advises to leave it out"),
    "ignored": ("W233", "{model} ignores {name}", "remove it"),
    "refused": ("W234", "{model} refuses {name}", "remove it"),
}


def check_model(subject: Subject) -> Iterator[Diagnostic]:
    """Whether Gemini models of these ids answer: the agent's, and those that may answer in its place."""
    found = gemini_name(subject)
    for place, node in () if found is None else (found, *fallback_names(subject)):
        yield from _answering(subject, place, node)


def _answering(subject: Subject, place: Located, node: Scalar) -> Iterator[Diagnostic]:
    name = node.text
    if "tunedModels/" in name or "endpoints/" in name:
        return
    known = catalog().find(name)
    if isinstance(known, GoneModel):
        yield _gone(subject, place, known)
    elif known is None:
        yield _unknown(subject, place, node)
    elif known.ends is not None:
        hint = f"use {known.instead}" if known.instead else None
        yield subject.say("W232", f"{known.name} is shut down on {known.ends}", place, hint=hint)


def _gone(subject: Subject, place: Located, known: GoneModel) -> Diagnostic:
    if known.answers:
        message = f"{known.name} is answered by {known.answers} today"
    else:
        message = f"{known.name} was shut down on {known.ended}"
    return subject.say("W232", message, place, hint=f"use {known.instead}", nearest=known.instead)


def _unknown(subject: Subject, place: Located, node: Scalar) -> Diagnostic:
    names = list(catalog().models)
    name = node.text.lower()
    sure = certain(name, names)
    near = sure or nearest(name, names)
    is_gemini = name.rsplit("/", 1)[-1].startswith(("gemini", "gemma", "learnlm"))
    message = f"{quoted(node.shown)} is not among the models known on {catalog().as_of}"
    if not is_gemini and near is None:
        message = f"{quoted(node.shown)} is not a Gemini model"
        return subject.say("W231", message, place, hint=f"such as {DEFAULT_MODEL}")
    fix = Fix(node.span, sure) if sure and node.written is None and node.text == node.shown else None
    hint = f"did you mean {quoted(near)}?" if near else None
    if name.endswith("-latest"):
        near, hint = DEFAULT_MODEL, f"name one, such as {DEFAULT_MODEL}"
    return subject.say("W231", message, place, hint=hint, nearest=near, fix=fix)


def check_generation(subject: Subject) -> Iterator[Diagnostic]:
    """Whether the model takes the settings it is given."""
    settings = subject.tree.get("generation")
    model = known_model(subject)
    if not isinstance(settings, Mapping):
        return
    for path in _given(settings):
        place = subject.at("generation", *path)
        assert place is not None  # noqa: S101  # its node was found there
        name = ".".join(path)
        if model is not None and name in model.settings:
            code, message, hint = _SAID[model.settings[name]]
            yield subject.say(code, message.format(name=name, model=model.name), place, hint=hint, span=place.key_span)
        elif name == "thinking.level" and model is not None:
            yield from _level(subject, place, model)
        elif model is not None and name in model.values:
            yield from _values(subject, place, model)
    yield from _both_thinking(subject)


def _given(settings: Mapping) -> Iterator[tuple[str, ...]]:
    for key, entry in settings.entries.items():
        if key == "thinking" and isinstance(entry.value, Mapping):
            yield from (("thinking", inner) for inner in entry.value.entries)
        else:
            yield (key,)


def _level(subject: Subject, place: Located, model: KnownModel) -> Iterator[Diagnostic]:
    node = place.node
    if not isinstance(node, Scalar) or model.levels is None or node.text in model.levels or node.is_unknown:
        return
    if node.text in {"minimal", "low", "medium", "high", "xhigh"}:
        near = model.levels[0] if node.text == "minimal" else model.levels[-1]
        message = f"{model.name} refuses the thinking level {node.text}: it has {listed(model.levels, 'and')}"
        yield subject.say("W234", message, place, hint=f"use {near}", nearest=near)


def _values(subject: Subject, place: Located, model: KnownModel) -> Iterator[Diagnostic]:
    """Values of a setting, one or a list, that the model does not take; what no model takes is told elsewhere."""
    name = str(place.path[-1])
    taken = model.values[name]
    items = range(len(place.node.items)) if isinstance(place.node, Sequence) else ()
    for path in [(*place.path, index) for index in items] or [place.path]:
        at, text = subject.at(*path), subject.text(*path)
        if at is not None and text is not None and text.text not in taken and text.text in _VALUES[name]:
            message = f"{model.name} refuses {name} {text.text}: it has {listed(taken, 'and')}"
            yield subject.say("W234", message, at, hint=f"use {taken[0]}")


def _both_thinking(subject: Subject) -> Iterator[Diagnostic]:
    level, budget = subject.at("generation", "thinking", "level"), subject.at("generation", "thinking", "budget")
    if level is not None and budget is not None:
        message = "level and budget exclude each other: the one is for Gemini 3 and later, the other for 2.5"
        yield subject.say("E114", message, budget, span=budget.key_span, hint="remove one of them")


def gemini_name(subject: Subject) -> tuple[Located, Scalar] | None:
    """Where the id of a Gemini model is written, if the manifest asks for one."""
    node = subject.tree.get("model")
    if isinstance(node, Scalar):
        spec = model_spec_of(node.text) if isinstance(node.value, str) and not node.is_unknown else None
        path: tuple[str, ...] = ("model",)
        is_gemini = isinstance(spec, dict) and spec["type"] == "gemini" and "name" in spec
    else:
        kind = subject.text("model", "type")
        path = ("model", "name")
        is_gemini = isinstance(node, Mapping) and (
            node.get("type") is None or (kind is not None and kind.text == "gemini")
        )
    place, text = subject.at(*path), subject.text(*path)
    return (place, text) if is_gemini and place is not None and text is not None else None


def fallback_names(subject: Subject) -> Iterator[tuple[Located, Scalar]]:
    """The ids in `model.fallback`, which is one or a list of them."""
    whole = subject.at("model", "fallback")
    if whole is None:
        return
    items = range(len(whole.node.items)) if isinstance(whole.node, Sequence) else ()
    for path in [(*whole.path, index) for index in items] or [whole.path]:
        place, text = subject.at(*path), subject.text(*path)
        if place is not None and text is not None:
            yield place, text


def known_model(subject: Subject) -> KnownModel | None:
    """The Gemini model that the manifest asks for, where it is known."""
    found = gemini_name(subject)
    name = found[1].text if found is not None else DEFAULT_MODEL if subject.tree.get("model") is None else None
    known = catalog().find(name) if name else None
    return known if isinstance(known, KnownModel) else None
