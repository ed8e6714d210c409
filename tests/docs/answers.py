"""What the local Gemini server says in the documents' examples: by the user's message, one reply a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers import Reply, calls, text, thought, usage, words

if TYPE_CHECKING:
    from tests.servers import RecordedRequest

KEY = "your-api-key"  # what the examples give as a key

SCRIPTS: dict[str, tuple[Reply, ...]] = {
    "What time is it in Lima?": (
        calls(("get_time", {"city": "Lima"})),
        words("It is 12:00 in Lima."),
    ),
    "Will it rain in Paris?": (calls(("get_weather", {"city": "Paris"})), words("No.")),
    "Say hello.": (words("Hello! How can I help?"),),
    "Order what I wish for.": (
        thought("A wish list.") + calls(("find_lamps", {"color": "white", "max_price": 50})),
        calls(("in_stock", {"name": "Arc"}), ("in_stock", {"name": "Disc"})),
        calls(("place_order", {"name": "Disc"})),
        words("I ordered one Disc for you.") + usage(prompt=310, candidates=12),
    ),
    "What did I order?": (words("One Disc, a white lamp for 35 euros."),),
    "Fetch both pages.": (
        calls(("fetch", {"page": "north"}), ("fetch", {"page": "south"})),
        words("Both pages are here."),
    ),
    "Remember the number 7.": (words("I will."),),
    "A table for 4 at Chez Anna.": (text('{"place": "Chez Anna", "people": 4}'),),
    "Which number?": (words("7."),),
    "How long is the guarantee?": (words("Two years."),),
    "Draw the sales.": (calls(("draw_chart", {"title": "Sales"})), words("Here they are.")),
    "Greet Ada.": (calls(("greeting", {"name": "Ada"})), words("Good morning, Ada!")),
    "Is it warm in Rome?": (
        calls(("get_weather", {"city": "Rome"}), ("get_weather", {"city": "Oslo"})),
        text("Rome: 18 degrees. ", "Oslo: 18 degrees."),
    ),
    "And in Oslo?": (words("18 degrees too."),),
    "Weather in Rome?": (calls(("get_weather", {"city": "Rome"}), ("get_weather", {"city": "Oslo"})), words("Fine.")),
}


def answer(request: RecordedRequest) -> Reply:
    """The reply to a request; one whose message no document has is a mistake of the document."""
    if request.user_text not in SCRIPTS:
        raise LookupError(f"tests/docs/answers.py has no answer to {request.user_text!r}")
    return SCRIPTS[request.user_text][request.step]
