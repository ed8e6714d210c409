import pytest

from runner.models.offline.wording import worded

PARIS = {
    "place": "Paris, France",
    "temperature": 12.5,
    "feels_like": 11.0,
    "unit": "celsius",
    "conditions": "light rain",
    "humidity_percent": 81,
    "wind_kmh": 14,
}


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (PARIS, "Paris, France: temperature 12.5 °C, feels like 11 °C, light rain, humidity 81%, wind 14 km/h."),
        ({"value": 3.107, "unit": "mile"}, "3.107 mile."),
        ({"symbol": "AAPL", "price": 231.4, "currency": "USD"}, "AAPL: price 231.4 USD."),
        ({"change_percent": -0.8, "volume": 20}, "Change -0.8%, volume 20."),
        ({"translation": "Bonjour"}, "Translation: Bonjour."),
        ({"result": 5}, "5."),
        ({"result": [1, 2, 3]}, "1, 2 and 3."),
        ({"result": True}, "Yes."),
        ({"ok": True}, "Done."),
        ({}, "Done."),
        ({"events": []}, "Events: none."),
        ({"id": 17, "paid": False, "note": None}, "Id 17, paid: no, note: not known."),
        ({"error": "UnknownPlaceError: no such place"}, "Tool failed: UnknownPlaceError: no such place."),
        ({"error": {"code": 404, "message": "Not found."}}, "Tool failed: Not found (code 404)."),
    ],
)  # fmt: skip
def test_a_result_is_worded_as_a_sentence(result, text):
    assert worded([("tool", {}, result)]) == text


def test_lists_of_objects_become_lines_and_a_unit_beside_them_is_said_with_their_numbers():
    result = {
        "place": "Paris",
        "unit": "celsius",
        "days": [{"date": "2026-11-22", "high": 12}, {"date": "2026-11-23", "high": 10}],
    }
    assert worded([("tool", {}, result)]) == "Paris:\nDays:\n- 2026-11-22: high 12 °C\n- 2026-11-23: high 10 °C"


def test_several_results_are_told_apart_by_what_was_asked_for():
    results = [
        ("set_light", {"room": "living_room"}, {"ok": True}),
        ("set_light", {"room": "kitchen"}, {"error": "no lamp"}),
    ]
    assert worded(results) == "- Living room: done.\n- Set light (kitchen) failed: no lamp."


def test_results_of_different_tools_are_told_apart_by_their_names():
    assert (
        worded([("add", {}, {"result": 5}), ("get_time", {}, {"result": "12:30"})]) == "- Add: 5.\n- Get time: 12:30."
    )
