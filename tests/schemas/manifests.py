"""Random files, right and wrong, made along a schema: mostly what a key takes, at its borders, now and then not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from runner.messages import Json

TIMES = "90s 2m 1h30m 1h_30m 0s 0 00.0h 5 1.5h .5s 1h30 500ms 1d 1w 90S 1H"
KEPT = "200_turns 1_turn 0_turns 10_turn 60% 33.5_% 100% 101% 0% 0.0% 00.5% summarize summarise"
SIZES = "10MB 10mb 1kB 1KB 1kb 1K 1k 2GiB 0MB 1.5MB 10TB B"
REFERENCES = ("${HOME_OF_NOBODY}", "a ${HOME_OF_NOBODY} b", "${env:HOME_OF_NOBODY}", "${a}")
NAMES = ("a", "a_1", "A", "1a", "_a", "a-b", "ä", "", "now")

words = st.sampled_from(
    [*(text.replace("_", " ") for text in f"{TIMES} {SIZES} {KEPT}".split()), *NAMES, "tools.weather", "x:Y"]
)
texts = words | st.text("abc :/.-_%#é✓", max_size=6) | st.sampled_from(REFERENCES)
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-3, 3) | texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=4
)


_written = st.integers(0, 29).flatmap(lambda dice: texts if dice == 0 else texts.map(lambda text: text or "x"))


def manifests(schema: Json, odds: int = 20) -> st.SearchStrategy[Json]:
    """Manifests, or conversations files, along their schema; sometimes with a key that is none.

    One value in `odds` is anything.
    """
    strange = st.dictionaries(st.sampled_from(["modl", "Model", "x", "batch_size"]), anything, max_size=1)
    right = _Along(schema.get("definitions", {}), odds).object(schema)
    both = st.tuples(right, strange).map(lambda parts: parts[0] | parts[1])
    return st.integers(0, 19).flatmap(lambda dice: both if dice == 0 else right)


def matched(schema: Json) -> st.SearchStrategy[Any]:
    """Values that hold matchers, along the definitions of a schema."""
    along = _Along(schema["definitions"], 30)
    matcher = along.object(schema["definitions"]["matcher"])
    return matcher | st.dictionaries(st.sampled_from([*NAMES, "$x", "$regex"]), matcher | texts, max_size=2)


class _Along:
    """Makes values along a schema and its definitions."""

    def __init__(self, definitions: Json, odds: int) -> None:
        self._odds = odds
        self._named = {f"#/definitions/{name}": self._later(schema) for name, schema in definitions.items()}
        self._of_kind = {
            "object": self.object,
            "array": self._array,
            "string": lambda schema: _written if "minLength" in schema else texts,
            "integer": _number,
            "number": _number,
            "boolean": lambda schema: st.booleans(),
            "null": lambda schema: st.none(),
        }

    def _later(self, schema: Json) -> st.SearchStrategy[Any]:
        """A definition may name itself."""
        return st.deferred(lambda: self._right(schema))

    def _value(self, schema: Json) -> st.SearchStrategy[Any]:
        """What fits a schema or is near it, and now and then anything."""
        right = self._right(schema)
        return st.integers(0, self._odds - 1).flatmap(lambda dice: anything if dice == 0 else right)

    def _right(self, schema: Json) -> st.SearchStrategy[Any]:
        if schema == {}:
            return anything
        if "$ref" in schema:
            return self._named[schema["$ref"]]
        if "const" in schema:
            is_number = not isinstance(schema["const"], bool)
            near = [float(schema["const"]), str(schema["const"]), 2] if is_number else [1, False]
            return st.sampled_from([schema["const"], *near, True])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        arms = [arm for arm in schema.get("anyOf", ()) if "required" not in arm or "type" in arm]
        if arms:
            return st.one_of([self._value(arm) for arm in arms])
        kinds = schema.get("type", [])
        made = [self._of_kind[kind](schema) for kind in (kinds if isinstance(kinds, list) else [kinds])]
        if not made and "properties" in schema:
            made = [self.object(schema), anything]
        made += [self._right(arm) for arm in schema.get("allOf", ()) if "$ref" in arm]
        return st.one_of(made or [anything])

    def object(self, schema: Json) -> st.SearchStrategy[Json]:
        keys = {name: self._value(inner) for name, inner in schema.get("properties", {}).items()}
        for each in schema.get("allOf", ()):
            then = each.get("then", {}).get("properties", {})
            keys |= {name: self._value(inner) for name, inner in then.items() if name not in keys}
        for inner in schema.get("patternProperties", {}).values():
            if inner is not False:
                return st.dictionaries(st.sampled_from(NAMES), self._value(inner), max_size=3)
        if not keys:
            inner = schema.get("additionalProperties")
            return st.dictionaries(
                st.sampled_from(NAMES), self._value(inner) if isinstance(inner, dict) else anything, max_size=2
            )
        if schema.get("maxProperties") == 1:
            one = st.sampled_from(sorted(keys)).map(lambda name: [name])
            two = st.lists(st.sampled_from(sorted(keys)), max_size=2, unique=True)
            names = st.integers(0, 9).flatmap(lambda dice: two if dice == 0 else one)
            return names.flatmap(lambda chosen: st.fixed_dictionaries({name: keys[name] for name in chosen}))
        required = st.integers(0, 29).map(lambda dice: [] if dice == 0 else schema.get("required", []))
        chosen = st.tuples(required, st.lists(st.sampled_from(sorted(keys)), max_size=2, unique=True))
        return chosen.flatmap(lambda both: st.fixed_dictionaries({name: keys[name] for name in (*both[0], *both[1])}))

    def _array(self, schema: Json) -> st.SearchStrategy[Any]:
        most = schema.get("maxItems", 2) + 1
        least = st.integers(0, 19).map(lambda dice: 0 if dice == 0 else schema.get("minItems", 0))
        items = self._value(schema.get("items", {}))
        return least.flatmap(lambda number: st.lists(items, min_size=number, max_size=most))


def _number(schema: Json) -> st.SearchStrategy[Any]:
    borders = [schema[key] for key in ("minimum", "maximum", "exclusiveMinimum") if key in schema]
    near = [value for border in borders for value in (border - 1, border, border + 1, border + 0.5, float(border))]
    return st.sampled_from([*near, 0, 1, 5.0, 10**30])
