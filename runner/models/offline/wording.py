"""Tool results in words: every number that is in them and no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.models.offline.lexicon import KEY_UNITS, word_set
from runner.models.offline.words import name_words, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.messages import Json

_WRAPPERS = frozenset({"result", "output", "data", "response", "results", "value", "answer"})
_TITLES = ("name", "title", "city", "place", "location", "symbol", "company", "label", "subject", "date", "id")
_UNIT_KEYS = ("currency", "unit", "units")
_WORTH = word_set("value amount price total cost balance quantity result sum temperature distance weight length size")
_DEGREES = {"celsius": "°C", "fahrenheit": "°F", "c": "°C", "f": "°F", "kelvin": "K", "°c": "°C", "°f": "°F"}
_WARMTHS = word_set("temperature temp high low max min feels apparent dew")
_PLAIN_KEYS = word_set("weekday condition conditions description summary weather")
_FINE = frozenset({"ok", "success", "done", "true", "completed"})
_MOST_ITEMS, _MOST_FACTS, _MOST_TEXT, _DEEPEST = 10, 24, 1500, 5
_SENTENCE = 160


def worded(results: Sequence[tuple[str, Json, Any]]) -> str:
    """What tools answered, as sentences or lists; `results` are (tool, arguments, response)."""
    if len(results) == 1:
        return _result(*results[0], label="")
    labels = [_label(name, args, results) for name, args, _ in results]
    return (
        "\n".join(_as_item(_result(*one, label=label)) for one, label in zip(results, labels, strict=True)) or "Done."
    )


def _label(name: str, args: Json, results: Sequence[tuple[str, Json, Any]]) -> str:
    """What sets a call apart from the others: its text arguments, where another call of the tool has different ones."""
    same = [other for tool, other, _ in results if tool == name]
    differing = [
        value.replace("_", " ")
        for key, value in args.items()
        if isinstance(value, str) and len(value) <= 60 and any(other.get(key) != value for other in same)
    ]
    return ", ".join(differing) or (_title(name) if len(same) < len(results) else "")


def _result(name: str, args: Json, response: Any, *, label: str) -> str:
    value = _unwrapped(response)
    if isinstance(value, dict) and value.get("error"):
        return _failure(name, value, label)
    if _says_nothing(value):
        return f"{_upper(label)}: done." if label else "Done."
    if isinstance(value, dict):
        return _record(value, label)
    if isinstance(value, list):
        text = _listing(value, {}, 0)
        if text.startswith("- "):
            return f"{label}:\n{text}" if label else text
    else:
        text = _scalar(value)
    return _sentence(f"{label}: {text}" if label else text)


def _unwrapped(response: Any) -> Any:
    """What a response holds when it only wraps it: `{"result": 5}` is 5."""
    for _ in range(3):
        if not (isinstance(response, dict) and len(response) == 1 and next(iter(response)) in _WRAPPERS):
            break
        response = next(iter(response.values()))
    return response


def _says_nothing(value: Any) -> bool:
    if value is None or value == {} or (isinstance(value, str) and not value.strip()):
        return True
    if isinstance(value, dict):
        return all(key in {"ok", "success", "status", "done"} and _is_fine(inner) for key, inner in value.items())
    return False


def _is_fine(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in _FINE)


def _failure(name: str, value: Json, label: str) -> str:
    error = value["error"]
    rest = {
        key: inner for key, inner in value.items() if key != "error" and not _is_empty(inner) and inner is not False
    }
    more = _facts(rest, {}, 1)
    if isinstance(error, dict) and error.get("message"):
        more = [*_facts({key: inner for key, inner in error.items() if key != "message"}, {}, 1), *more]
        error = error["message"]
    text = _compact(error, {}, 0)
    detail = f" ({', '.join(more)})" if more else ""
    what = _title(name) or "The tool"
    whose = f" ({label})" if label else ""
    return _sentence(f"{what}{whose} failed: {text.rstrip(' .') if detail else text}{detail}")


def _record(value: Json, label: str) -> str:
    """An object as one sentence where it is short, else as a list."""
    title_key = _title_key(value)
    title = _scalar(value[title_key]) if title_key else label
    rest = {key: inner for key, inner in value.items() if key != title_key}
    flat = {key: inner for key, inner in rest.items() if not isinstance(inner, (dict, list)) or not inner}
    deep = {key: inner for key, inner in rest.items() if key not in flat}
    if deep and any(_uses_unit(inner, _context(value)) for inner in deep.values()):
        flat = {key: inner for key, inner in flat.items() if key not in _UNIT_KEYS or inner != _context(value)["unit"]}
    facts = _facts(flat, value, 0)
    if len(facts) == 1 and not deep and not title:
        return _sentence(_only_fact(flat, facts[0]))
    lines = _sentence_or_list(title, facts)
    for key, inner in deep.items():
        lines.append(_section(key, inner, _context(value)))
    return "\n".join(line for line in lines if line)


def _sentence_or_list(title: str, facts: list[str]) -> list[str]:
    head = f"{title}: " if title else ""
    text = ", ".join(facts)
    if not facts:
        return [f"{title}:" if title else ""]
    if len(text) <= _SENTENCE * 2 and not any("\n" in fact or len(fact) > _SENTENCE for fact in facts):
        return [_sentence(f"{head}{text}")]
    return [head.strip(), *(f"- {fact}" for fact in facts)]


def _section(key: str, value: Any, context: Json) -> str:
    body = _listing(value, context, 0) if isinstance(value, list) else _listing([value], context, 0).removeprefix("- ")
    head = _upper(readable(key))
    return f"{head}:\n{body}" if body.startswith("- ") else f"{head}: {body}"


def _listing(items: list[Any], context: Json, depth: int) -> str:
    """A list as lines, or on one line where its items are short; how many more there are, where it is long."""
    if not items:
        return "nothing"
    shown, more = items[:_MOST_ITEMS], len(items) - _MOST_ITEMS
    texts = [_compact(item, context, depth) for item in shown]
    rest = [f"and {more} more"] if more > 0 else []
    if depth or (not any(isinstance(item, (dict, list)) for item in shown) and sum(map(len, texts)) < _SENTENCE):
        return _joined([*texts, *rest])
    return "\n".join(f"- {text}" for text in [*texts, *rest])


def _compact(value: Any, context: Json, depth: int) -> str:
    """Any value on one line."""
    if depth > _DEEPEST:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return _listing(value, context, depth + 1)
    if not isinstance(value, dict):
        return _scalar(value)
    title_key = _title_key(value)
    rest = {key: inner for key, inner in value.items() if key != title_key}
    facts = ", ".join(_facts(rest, {**context, **_context(value)}, depth + 1))
    if not title_key:
        return facts or "nothing"
    title = _scalar(value[title_key])
    return f"{title}: {facts}" if facts else title


def _facts(values: Json, context: Json, depth: int) -> list[str]:
    """The members of an object, each in a few words."""
    context = {**context, **_context(values)}
    spoken = _unit_spoken_with(values, context)
    facts = []
    for key, value in list(values.items())[:_MOST_FACTS]:
        if key != spoken:
            facts.append(_fact(key, value, context, depth))
    more = len(values) - _MOST_FACTS
    return [*facts, f"and {more} more"] if more > 0 else facts


def _context(values: Json) -> Json:
    """The unit that an object names for its numbers."""
    units = [values[key] for key in _UNIT_KEYS if isinstance(values.get(key), str) and values[key]]
    return {"unit": units[-1]} if units else {}


def _unit_spoken_with(values: Json, context: Json) -> str:
    """The key of the unit, where it is said together with a number."""
    key = next((key for key in _UNIT_KEYS if key in values and values[key] == context.get("unit")), "")
    return (
        key if key and any(_own_unit(one, value, context) for one, value in list(values.items())[:_MOST_FACTS]) else ""
    )


def _uses_unit(value: Any, context: Json) -> bool:
    """Whether a number somewhere in `value` is said with the unit of the object around it."""
    if isinstance(value, list):
        return any(_uses_unit(item, context) for item in value[:_MOST_ITEMS])
    if not isinstance(value, dict) or _context(value):
        return False
    return any(_own_unit(key, inner, context) for key, inner in list(value.items())[:_MOST_FACTS])


def _own_unit(key: str, value: Any, context: Json) -> str:
    """The unit of a number that has none in its key but one beside it."""
    unit = context.get("unit")
    words = name_words(key)
    if not isinstance(unit, str) or not _is_number(value) or not words or words[-1] in KEY_UNITS:
        return ""
    if unit.lower() in _DEGREES:
        return _DEGREES[unit.lower()] if _WARMTHS & set(words) or words == ["value"] else ""
    return unit if words[-1] in _WORTH else ""


def _fact(key: str, value: Any, context: Json, depth: int) -> str:
    name = readable(key)
    if _is_number(value):
        return _measure(key, value, context)
    if value is None or value in ([], {}):
        return f"{name}: {'not known' if value is None else 'none'}"
    if isinstance(value, bool):
        return f"{name}: {_scalar(value)}"
    if isinstance(value, (dict, list)):
        return f"{name} ({_compact(value, context, depth)})"
    if key in _PLAIN_KEYS and value:
        return _scalar(value)
    return (
        f"{name} {_scalar(value)}"
        if len(str(value)) < 40 and ":" not in str(value)[:-1]
        else f"{name}: {_scalar(value)}"
    )


def _measure(key: str, value: Any, context: Json) -> str:
    words = name_words(key)
    unit = KEY_UNITS.get(words[-1], "") if words else ""
    if unit:
        words = words[:-1]
    else:
        unit = _own_unit(key, value, context)
    number = f"{_scalar(value)} {unit}".rstrip() if unit != "%" else f"{_scalar(value)}%"
    name = " ".join(words)
    return number if name in {"", "value", "result"} else f"{name} {number}"


def _only_fact(values: Json, fact: str) -> str:
    """A result of one member: a text or a measure stands for itself."""
    key, value = next(iter(values.items()))
    return f"{readable(key)}: {_scalar(value)}" if isinstance(value, str) else fact


def _title_key(value: Json) -> str:
    texts = [key for key in _TITLES if isinstance(value.get(key), str) and value[key] and len(value[key]) <= 120]
    return texts[0] if texts and len(value) > 1 else ""


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        text = value.strip()
        if len(text) <= _MOST_TEXT:
            return text
        head = text[:_MOST_TEXT]
        cut = head[: head.rfind(" ")] if " " in head else head.rstrip("0123456789.,eE+-")  # never within a number
        return f"{cut} ... and {len(text) - len(cut)} more characters"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_empty(value: Any) -> bool:
    return value is None or value in ({}, [], "")


def _joined(texts: list[str]) -> str:
    if len(texts) > 1 and texts[-1].startswith("and "):
        return f"{', '.join(texts[:-1])} {texts[-1]}"
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _as_item(text: str) -> str:
    return f"- {text.replace(chr(10), chr(10) + '  ')}"


def _title(name: str) -> str:
    return _upper(readable(name)) if name else ""


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(text: str) -> str:
    return _upper(text) if text.endswith((".", "!", "?", ":", "\n")) else f"{_upper(text)}."
