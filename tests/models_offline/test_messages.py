import subprocess
import sys

import pytest

from tests.models_offline.score import FILES, load, score, tools, wrong


def test_nine_of_ten_of_the_messages_that_the_rules_were_written_with_are_right():
    right, total = score(FILES["seen"])
    assert right >= 0.95 * total, "\n".join("\n  ".join([case, *told]) for case, told in wrong(FILES["seen"]))


def test_the_messages_are_for_at_least_eight_unlike_tools_and_some_for_none():
    turns = [turn for case in load(FILES["seen"]) for turn in case.get("turns") or [case]]
    called = {name for turn in turns for call in turn.get("calls") or () for name in call}
    assert called == set(tools())
    assert len(called) >= 8
    assert sum(turn.get("calls") == [] for turn in turns) >= 10
    assert sum("asks" in turn for turn in turns) >= 8


@pytest.mark.parametrize("name", [name for name, path in FILES.items() if path.exists()])
def test_each_case_is_named_once_and_expects_something_that_the_tools_can_do(name):
    known = tools()
    cases = load(FILES[name])
    assert len({case["case"] for case in cases}) == len(cases)
    for case in cases:
        for turn in case.get("turns") or [case]:
            assert ("calls" in turn) != ("asks" in turn), case
            for call in turn.get("calls") or ():
                [(tool, args)] = call.items()
                assert set(args) <= set(known[tool]["declaration"]["parametersJsonSchema"]["properties"]), case


def test_the_answers_do_not_depend_on_the_hash_seed_of_the_process():
    code = (
        "from tests.models_offline.score import Conversation\n"
        "chat = Conversation()\n"
        "for text in ('hi', 'weather in Paris and Rome tomorrow', 'and in Oslo?', '5 km in miles', 'lights'):\n"
        "    print(chat.say(text))\n"
    )
    told = set()
    for seed in ("1", "2", "3"):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True)
        told.add(done.stdout)
    assert len(told) == 1
    assert "Paris" in told.pop()
