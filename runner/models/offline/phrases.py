"""How people begin: what asks for knowledge, tells something, goes on with what was said, or answers a question."""

from __future__ import annotations

import re


def either(lines: str) -> str:
    """A pattern for any of the phrases, which are separated by `|` and line ends."""
    return "|".join(lines.strip().splitlines())


def _begins(lines: str, before: str = "") -> re.Pattern[str]:
    return re.compile(rf"^\W*{before}(?:{either(lines)})", re.IGNORECASE)


KNOWLEDGE = _begins(r"""
(?:why|explain|define|what causes|history of|teach me|when (?:was|did)|what is an? (?!.* in ))\b
who (?:is|was|wrote|invented|discovered|won|made|painted|founded|are|were)\b
what does .* mean\b
what(?:'s| is| was) the (?:capital|meaning|history|definition|difference|purpose|population|origin)\b
tell me (?:about|a joke|a story)\b
how (?:does|do|did) (?!you say|i|my|we|our)\w+ .*\bwork\b
(?:write|compose|sing|make up|recite) (?:me |us )?(?:an?|some|the) (?:\w+ )?(?:poem|story|essay|song|code|haiku)\b
(?:write|compose|sing|make up|recite) (?:me |us )?(?:an?|some|the) (?:\w+ )?(?:limerick|verse|rap|novel|script|joke)\b
""")
"""Asks for general knowledge, or for something made up."""

_FEELS = either(r"""
love|like|hate|enjoy|am|was|were|is|are|feel|felt|think|thought|had|went|saw|bought|prefer|believe|know|knew|got|wish
hope|miss|live|read|ate|sent|wrote|made|did|told|found|lost|said|\w{3,}ed
""")
STATEMENT = _begins(rf"""
(?:i|we|they|he|she|it|my \w+|the \w+) (?:really |just |also |always |never |don't |do not |have |so )*(?:{_FEELS})\b
(?:the|my) (?:\w+ ){{2,5}}(?:is|are|was|were)\b
""")
"""Tells something."""

FORBIDDEN = _begins(r"(?:don't|do not|never|dont) (?!forget|let)", before=r"(?:please )?")
"""Wants something not to be done."""

CONDITION = re.compile(r"^\W*(?:if|unless|when|once|whenever|as soon as)\b[^?]*(?:,|\bthen\b)", re.IGNORECASE)
"""Wants something done only if or when something else is so."""

NEED = re.compile(
    r"\b(?:i am|i'm) (?:looking|trying|searching|wondering)\b|\bi (?:would|'d) like\b|\b(?:need|please)\b",
    re.IGNORECASE,
)
"""Wants something although it sounds like a statement."""

OPENER = _begins(
    r"""
(?:and|what about|how about|also|now|then|or|same|again|no|sorry|i mean|i meant|actually|make (?:it|that|them))\b
(?:instead|what if|but|in|on|for|at|to|do (?:it|that|the same)|turn (?:it|them)|switch (?:it|them)|try)\b
""",
    before=r"(?:(?:ok(?:ay)?|so|well|great|thanks|thank you|and|but|no|sorry|oh|hmm)\W+)*",
)
"""Goes on with what was said before."""

REQUEST = _begins(
    r"""
(?:what|what's|whats|which|where|when|how|how's|is|are|was|will|can|could|do|does|should|would|whether|please)\b
(?:i (?:need|want|would|'d)|i'd|let's|get|show|tell|give|check|find|list)\b
""",
    before=r"(?:(?:hi|hello|hey|ok|okay|so|and|please|good \w+)\W+)*",
)
"""Asks for something."""

LOOKS_UP = _begins(r"""
(?:what|what's|whats|which|who|when|where|is|are|does|did|show|list|do (?:i|we) have|have i|any)\b
""")
"""Asks what there is, and for nothing to be changed."""

REPLY_LEAD = _begins(
    r"(?:to|for|about|that|say(?:ing)?|with|make it|tell (?:him|her|them)(?: that)?)\s+",
    before=r"(?:please |just )?(?:(?:it is|it's) )?",
)
"""What stands before the answer to a question."""

AND_ALSO = re.compile(
    r"\s*(?:[.;!?\n]+\s+(?:(?:and|then|also)\s+)*|,?\s+(?:and|then)\s+(?:(?:also|then)\s+)?|,\s+)", re.IGNORECASE
)
"""What stands between two requests in one message."""
