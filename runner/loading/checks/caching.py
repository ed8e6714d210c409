"""`cache:`: the files it names can be read, and there will be a cache. The second only warns: it runs without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.caching.minimum import minimum_of, too_few
from runner.errors import ManifestError
from runner.loading.checks.models import gemini_name
from runner.loading.include import OutsideError, inside, names_files
from runner.loading.nodes import Mapping, Scalar
from runner.manifest.specs import DEFAULT_MODEL
from runner.models.gemini.names import has_explicit_caching
from runner.tokens import tokens_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.caching.content import CachedContent
    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic

_DECLARATIONS = 1000  # tokens that tools may have: they are not loaded to be checked


def check_cache(subject: Subject) -> Iterator[Diagnostic]:
    """Whether the content can be read, and why there will be no cache."""
    place = subject.at("cache")
    if place is None or not isinstance(place.node, Mapping):
        return
    tokens: int | None = 0
    for item, node in subject.known_texts("cache", "content"):
        try:
            count = _content_of(subject, node).read_now().tokens
            tokens = None if tokens is None or count is None else tokens + count
        except OutsideError as error:
            yield subject.say(error.code, str(error), item, hint=error.hint)
            tokens = None
        except ManifestError as error:
            subject.reading.files.append(subject.folder / node.text)  # it may be written yet
            yield subject.say("E120", error.message, item)
            tokens = None
    if reason := _never(subject, tokens):
        yield subject.say("W235", f"no context cache will be made: {reason}", place, span=place.key_span)


def _content_of(subject: Subject, node: Scalar) -> CachedContent:
    from runner.caching.content import CachedContent
    from runner.named_files import Files

    if not names_files(node.text, subject.folder):
        return CachedContent([node.text])
    inside(node.text, subject.folder, subject.root)
    return CachedContent([Files(node.text, subject.folder, subject.root)])


def _never(subject: Subject, tokens: int | None) -> str | None:
    """Why the model and what the manifest holds make no cache; None where they do, or where that cannot be told."""
    found = gemini_name(subject)
    if found is None and subject.tree.get("model") is not None:
        node = subject.at("model")
        is_known = node is not None and not (isinstance(node.node, Scalar) and node.node.is_unknown)
        return "only Gemini models have one" if is_known else None
    model = DEFAULT_MODEL if found is None else found[1].text
    if not has_explicit_caching(model):
        return f"{model} has no explicit context caching (its implicit caching needs no setting)"
    if tokens is None:
        return None
    given = subject.at("cache", "min_tokens")
    own = given.node.value if given is not None and isinstance(given.node, Scalar) else None
    minimum = own if isinstance(own, int) else minimum_of(model)
    total = tokens + _instructions(subject)
    return too_few(total, minimum, model) if total else "there are no instructions, no tools and no content"


def _instructions(subject: Subject) -> int:
    """About how many tokens the instructions and the tools' declarations have, at most."""
    own, file = subject.text("instructions"), subject.sources.get("instructions")
    text = file.text if file is not None else own.text if own is not None else ""
    return tokens_in(text) + (_DECLARATIONS if subject.tree.get("tools") is not None else 0)
