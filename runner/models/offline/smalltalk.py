"""Messages that are for no tool: greetings, thanks, goodbyes, and other languages than English."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from runner.models.offline.lexicon import ENGLISH, FOREIGN
from runner.models.offline.phrases import either

if TYPE_CHECKING:
    from runner.models.offline.message import Message


_GREETING = either("""
hi+|hello+|hey+|howdy|yo|greetings|good (?:morning|afternoon|evening|day)|morning|there|today|everyone|again|all
how are you(?: doing)?|how's it going|how is it going|how do you do|what's up|whats up|sup|are you there|are you ok
nice to (?:meet|see) you
""")
_PRAISE = either("""
thanks?|thank you|thx|ty|cheers|a lot|so much|very much|many thanks|much appreciated|i appreciate it|no problem
great|cool|nice|perfect|awesome|excellent|wonderful|good|well done|good job|good bot|lovely|amazing|interesting
ok|okay|kk?|fine|got it|i see|alright|all right|right|sure|wow|haha|lol|yes|yeah|yep|how nice
that(?:'s| is) (?:great|all|good|nice|helpful|perfect|it)|you're (?:great|welcome|the best)|that was|it
(?:very )?helpful|for (?:that|your help|the help|the info)|for now
""")
_GOODBYE = either("""
bye+|goodbye|good bye|bye bye|see you|see ya|later|tomorrow|soon|then|cu|farewell|take care|good night|that's all
have a (?:nice|good|great) (?:day|one|evening|weekend|night)
""")
_CANCEL = either("""
never ?mind|forget (?:it|about it|that)|cancel(?: that| it)?|stop(?: it)?|no|nope|nah|no,? thanks?|no thank you
nothing|don't bother|leave it|skip it|i changed my mind|not now|drop it|abort|quit
""")
_ABOUT = either("""
what (?:can|do) you do|who are you|what are you|what(?:'s| is) your name|what(?: kind of)? tools do you have
what can i ask(?: you)?|how can you help(?: me)?|what are your (?:tools|skills|capabilities)|how do you work
are you (?:a |an )?(?:bot|robot|human|ai|real|person|gemini|chatgpt|language model)|help(?: me)?
which tools (?:can|do) you (?:use|have)|which model are you|list (?:your|the) tools
""")


def _all_of(pieces: str, *more: str) -> re.Pattern[str]:
    piece = rf"(?:{'|'.join((pieces, *more))})"
    return re.compile(rf"\W*{piece}(?:[\s,.!?:;)(-]+{piece})*\W*", re.IGNORECASE)


_CALM = "ok|okay|please|well|oh|and|just|now|you"
_KINDS = [
    ("noted", _all_of(_CALM, "yes|yeah|yep|yup|sure|fine|lol|haha|wow|got it|i see|alright|all right|right|kk?")),
    ("cancel", _all_of(_CANCEL, _CALM)),
    ("greeting", _all_of(_GREETING, _CALM)),
    ("thanks", _all_of(_PRAISE, _GREETING, _CALM)),
    ("goodbye", _all_of(_GOODBYE, _PRAISE, _CALM)),
    ("about", _all_of(_ABOUT, _GREETING, _CALM)),
]


def small_talk(message: Message) -> str:
    """The kind of small talk that all of a message is: noted, cancel, greeting, thanks, goodbye, about; or nothing."""
    text = re.sub(r"[^\w\s,.!?:;)('-]|\s+", " ", message.text).strip()
    if not text or not re.search(r"\w", text):
        return ""
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(text)), "") if len(text) < 120 else ""


def is_foreign(message: Message) -> bool:
    """Whether the message is likely not English: by its letters, or by small words of other languages."""
    outside = [word for word in message.words if not word.is_sign and not message.is_quoted(word.start, word.end)]
    letters = [letter for word in outside for letter in word.text if letter.isalpha()]
    if not letters:
        return False
    other = sum(not unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    english = len({word.low for word in outside} & ENGLISH)
    if other * 2 > len(letters):
        return english == 0
    foreign = len({word.low for word in outside} & FOREIGN - ENGLISH)
    return (foreign >= 2 and foreign > english) or (foreign == 1 and english == 0 and len(outside) >= 3)
