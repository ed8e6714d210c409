"""What to write instead: hints for values of the wrong type or form."""

from __future__ import annotations

import re

from runner.loading.nodes import Mapping, Node, Scalar, Sequence
from runner.loading.scalars import old_bool, old_number
from runner.loading.secrets import holds_secret

_SHORT = 40
_UNITS = (
    (r"ms|msecs?|milliseconds?|millis", "ms"),
    (r"s|secs?|seconds?", "s"),
    (r"m|mins?|minutes?", "m"),
    (r"h|hrs?|hours?", "h"),
    (r"d|days?", "d"),
)
_NAMING = {"name", "module", "path", "file", "tool", "function", "import", "type"}
_ISO = re.compile(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


def for_type(wanted: str, node: Node) -> str | None:
    """How to write a value as what is wanted: a list, text, a number, true or false, a mapping."""
    if isinstance(node, Scalar):
        hint = _for_scalar(wanted, node)
        return None if hint is None or holds_secret(node.shown) else hint
    if isinstance(node, Sequence):
        return _for_list(wanted, node)
    return _for_mapping(wanted, node)


def _for_scalar(wanted: str, node: Scalar) -> str | None:
    text = node.shown
    if wanted in {"string_type", "texts"}:
        return f'put it in quotes: "{text}"' if node.plain and len(text) < _SHORT else None
    if wanted in {"list_type", "paths"}:
        return _as_list(text) if isinstance(node.value, str) else None
    if wanted == "mapping":
        return 'a space is missing after ":"' if re.match(r"\w+:\S", text) and "//" not in text else None
    if wanted == "bool_type":
        return f"{text} stands for neither" if node.written is not None else _for_bool(text, quoted=not node.plain)
    if wanted in {"int_type", "int_from_float", "float_type"}:
        return _for_number(wanted, text, node)
    return None


def _as_list(text: str) -> str:
    if text.startswith("-"):
        return "a space is missing after the dash"
    if not re.fullmatch(r"[\w ./,\-]+|[\w.]+:\w+", text) and '"' not in text:
        text = f'"{text}"'
    return f"write it as a list: [{text}]" if "\n" not in text and len(text) < _SHORT else "write it as a list"


def _for_bool(text: str, *, quoted: bool) -> str | None:
    old = old_bool(text)
    if old is not None:
        return f"in YAML 1.2 this is text; write {str(old).lower()}"
    if quoted and text.lower() in {"true", "false"}:
        return "remove the quotes"
    return {"1": "write true", "0": "write false"}.get(text)


def _for_number(wanted: str, text: str, node: Scalar) -> str | None:
    if node.written is not None:
        return f"{text} stands for no number"
    if not node.plain and re.fullmatch(r"[-+]?[0-9.]+", text):
        return "remove the quotes"
    if wanted == "float_type" and re.fullmatch(r"\d+,\d+", text):
        return f"write {text.replace(',', '.')}"
    grouped = re.fullmatch(r"[0-9]{1,3}(?:[_,' ][0-9]{3})+", text)
    if grouped:
        return f"write {re.sub('[^0-9]', '', text)}"
    if share := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%", text):
        return f"write {float(share[1]) / 100:g}"
    if thousands := re.fullmatch(r"([0-9]+)\s*[kK]", text):
        return f"write {thousands[1]}000"
    number = old_number(text)
    return f"write {number}" if number else None


def _for_list(wanted: str, node: Sequence) -> str | None:
    items = [item.text for item in node.items if isinstance(item, Scalar)]
    is_flow = node.span.source.text.startswith("[", node.span.start)
    marks = "brackets" if is_flow else "dash"
    if len(items) < len(node.items) or not items:
        is_split = wanted == "mapping" and node.items and all(isinstance(item, Mapping) for item in node.items)
        return "remove the dashes" if is_split else None
    if wanted == "dict_type":
        return f"write {{{items[0]}: ...}}"
    if wanted == "mapping":
        return None
    if len(items) == 1:
        return f"write it without the {marks}"
    return 'for several lines write "|" after the key' if wanted == "string_type" else None


def _for_mapping(wanted: str, node: Mapping) -> str | None:
    if wanted == "list_type":
        is_flow = node.span.source.text.startswith("{", node.span.start)
        hint = "put it in brackets: [{...}]" if is_flow else 'begin each item with "- "'
        return hint if node.entries else "write [] for none"
    if wanted != "string_type" or len(node.entries) != 1:
        return None
    key, entry = next(iter(node.entries.items()))
    if not isinstance(entry.value, Scalar) or len(key) + len(entry.value.shown) > _SHORT:
        return None
    return _as_text(key, entry.value, node)


def _as_text(key: str, inner: Scalar, node: Mapping) -> str | None:
    """How to write as one text what a colon has made a key and its value."""
    if key == "$regex":
        return "write the expression alone"
    if key in _NAMING:
        return f"write the name alone: {inner.shown}"
    if re.fullmatch(r"[\w.]+", key) and "." in key and inner.text.isidentifier():
        return f"write it without the space: {key}:{inner.shown}"
    is_flow = node.span.source.text.startswith("{", node.span.start)
    return None if is_flow else f'put the text in quotes: "{key}: {inner.shown}"'


def for_share(limit: object, node: Node) -> str | None:
    """A share written in per cent, as it is written here; `limit` is the most it may be."""
    given = node.value if isinstance(node, Scalar) and isinstance(node.value, (int, float)) else 0
    return f"write {given / 100:g}" if limit == 1 and 10 <= given <= 100 else None


def for_duration(node: Node) -> str | None:
    """A time written in another way, as it is written here."""
    if not isinstance(node, Scalar):
        return None
    text = node.shown.strip()
    if node.written is not None:
        return f"{text} stands for no time" if len(text) < _SHORT else None
    written = _duration(text)
    return f"write {written}" if written else None


def _duration(text: str) -> str | None:
    if clock := re.fullmatch(r"(\d+):(\d\d)(?::(\d\d))?", text):
        first, second, third = clock[1], clock[2], clock[3]
        if third:
            return f"{int(first)}h{int(second)}m{int(third)}s"
        return f"{int(first)}m{int(second)}s or {int(first)}h{int(second)}m"
    if (iso := _ISO.fullmatch(text.upper())) and any(iso.groups()):
        return "".join(f"{number}{unit}" for number, unit in zip(iso.groups(), "dhms", strict=True) if number)
    terms = re.findall(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+)", text)
    if weeks := re.fullmatch(r"(\d+)\s*(?:w|weeks?)", text.lower()):
        return f"{int(weeks[1]) * 7}d"
    if (
        terms
        and any(float(number) for number, _ in terms)
        and re.fullmatch(r"(?:\d+(?:\.\d+)?\s*[a-zA-Z]+[\s,]*(?:and\s+)?)+", text)
    ):
        written = [f"{number}{_unit(word)}" for number, word in terms]
        return "".join(written) if all(_unit(word) for _, word in terms) else None
    if re.fullmatch(r"\d+(?:\.\d+)?", text) and float(text) > 0:
        return f"{text}s"
    return None


def _unit(word: str) -> str:
    return next((unit for pattern, unit in _UNITS if re.fullmatch(pattern, word.lower())), "")


def for_size(node: Node) -> str | None:
    """A size written in another way, as it is written here."""
    if not isinstance(node, Scalar):
        return None
    text = node.shown.strip()
    digits = re.sub(r"[_,' ]", "", text)
    if digits.isdigit() and digits != text and int(digits):
        return f"write {int(digits)}"
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(k|m|g)(?:\w*bytes?|\s?chars?)", text.lower()):
        return f"write {found[1]}{'k' if found[2] == 'k' else found[2].upper()}B"
    return None


def for_percent(node: Node) -> str | None:
    """A share written in another way, as it is written here."""
    if not isinstance(node, Scalar) or node.written is not None:
        return None
    number = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]+)?)(?:\s*per ?cent)?", node.shown.strip().lower())
    share = 0.0 if number is None else float(number[1])
    share *= 100 if share < 1 else 1
    return f"write {share:g}%" if 2 <= share <= 100 else None


def for_history(node: Node) -> str | None:
    """What is kept of a history written in another way, as it is written here."""
    if not isinstance(node, Scalar) or node.written is not None:
        return None
    text = node.shown.strip().lower()
    if turns := re.fullmatch(r"(?:the )?(?:last )?([1-9][0-9]*)(\s*(?:turns?|messages?|exchanges?))?", text):
        written = "1 turn" if turns[1] == "1" else f"{turns[1]} turns"
        return f"write {written}" if turns[2] or int(turns[1]) > 100 else f"write {written}, or {turns[1]}%"
    if text in {"all", "full", "everything"}:
        return "remove the key: all is sent if it is left out"
    return "where chats are kept is the key storage" if ":" in text else for_percent(node)
