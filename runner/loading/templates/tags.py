"""Whether a text is a template, told without loading the template engine."""

from __future__ import annotations

import re

_TAG = re.compile(r"\{[{%#]")


def is_template(text: str) -> bool:
    """Whether there is anything to render in a text."""
    return _TAG.search(text) is not None
