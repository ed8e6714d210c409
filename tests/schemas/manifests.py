"""Random manifests, right and wrong, made along a schema: mostly what a key takes, at its borders, now and then not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from runner.messages import Json

TIMES = "90s 2m 1h30m 1h_30m 0s 0 00.0h 5 1.5h .5s 1h30 500ms 1d 1w 90S 1H"
SIZES = "10MB 10mb 1kB 1KB 1kb 1K 1k 2GiB 0MB 1.5MB 10TB B"
REFERENCES = ("${HOME_OF_NOBODY}", "a ${HOME_OF_NOBODY} b")
NAMES = ("a", "a_1", "A", "1a", "_a", "a-b", "ä", "", "now")

words = st.sampled_from(
    [*(text.replace("_", " ") for text in f"{TIMES} {SIZES}".split()), *NAMES, "tools.weather", "x:Y"]
)
texts = words | st.text("abc :/.-_%#é✓", max_size=6) | st.sampled_from(REFERENCES)
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-3, 3) | texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=4
)


def manifests(schema: Json) -> st.SearchStrategy[Json]:
    """Manifests along their schema; sometimes with a key that is none."""
    strange = st.dictionaries(st.sampled_from(["modl", "Model", "x", "batch_size"]), anything, max_size=1)
    right = _object(schema)
    both = st.tuples(right, strange).map(lambda parts: parts[0] | parts[1])
    return st.integers(0, 19).flatmap(lambda dice: both if dice == 0 else right)


def _value(schema: Json) -> st.SearchStrategy[Any]:
    """What fits a schema or is near it, and one time in twenty anything."""
    right = _right(schema)
    return st.integers(0, 19).flatmap(lambda dice: anything if dice == 0 else right)


def _right(schema: Json) -> st.SearchStrategy[Any]:
    if "anyOf" in schema:
        return st.one_of([_value(arm) for arm in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.sampled_from([schema["const"], float(schema["const"]), str(schema["const"]), 2, True])
    kinds = schema.get("type", [])
    return st.one_of([_OF_KIND[kind](schema) for kind in (kinds if isinstance(kinds, list) else [kinds])] or [anything])


def _object(schema: Json) -> st.SearchStrategy[Json]:
    keys = {name: _value(inner) for name, inner in schema.get("properties", {}).items()}
    for each in schema.get("allOf", ()):
        keys |= {name: _value(inner) for name, inner in each["then"]["properties"].items() if name not in keys}
    for inner in schema.get("patternProperties", {}).values():
        return st.dictionaries(st.sampled_from(NAMES), _value(inner), max_size=3)
    return st.lists(st.sampled_from(sorted(keys)), max_size=2, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: keys[name] for name in chosen})
    )


def _number(schema: Json) -> st.SearchStrategy[Any]:
    borders = [schema[key] for key in ("minimum", "maximum", "exclusiveMinimum") if key in schema]
    near = [value for border in borders for value in (border - 1, border, border + 1, border + 0.5, float(border))]
    return st.sampled_from([*near, 0, 1, 5.0, 10**30])


_OF_KIND = {
    "object": _object,
    "array": lambda schema: st.lists(_value(schema.get("items", {})), max_size=schema.get("maxItems", 2) + 1),
    "string": lambda schema: texts,
    "integer": _number,
    "number": _number,
    "boolean": lambda schema: st.booleans(),
    "null": lambda schema: st.none(),
}
