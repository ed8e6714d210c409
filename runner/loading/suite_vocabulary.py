"""What authors write for the keys of a conversations file: words of other frameworks, and keys in the wrong place.

By the type of the mapping a key stands in. Among the words are those of promptfoo (`tests`, `assert`, `vars`), of
deepeval (`input`, `expected_output`, `tools_called`), of ADK's evaluations (`query`, `expected_tool_use`, `eval_cases`)
and of chat APIs.
"""

from __future__ import annotations

from runner.loading.vocabulary import Vocabulary, words

_STUBS = words(
    "stubs",
    "mocks mock tool_mocks mocked_tools fixtures fakes tool_stubs stub mock_tools mock_responses tool_responses",
)
_JUDGE = "llm_rubric rubric llm_judge g_eval geval grader model_graded criteria llm_as_judge model_graded_closedqa"
_SUITE = {
    **words("agent", "manifest agent_file agent_path target provider providers agents subject"),
    **words(
        "cases",
        "tests test_cases testcases eval_cases evals eval_set scenarios conversations dialogs dialogues examples "
        "samples items goldens case suite",
    ),
    **words("defaults", "default default_test config settings options"),
    **_STUBS,
    **words("version", "format_version schema_version"),
    "schema": "$schema",
}
_CASE = {
    **words("name", "title id test test_name eval_id case scenario case_name eval_name"),
    **words("description", "desc summary about note comment"),
    **words("tags", "tag labels label markers groups group metadata"),
    **words("turns", "messages conversation steps dialog dialogue exchanges turn interactions"),
    **words("vars", "params inputs case_vars template_vars parameters"),
    **words("variables", "agent_variables variable agent_vars"),
    **words("repeat", "repeats runs trials num_runs repetitions iterations num_repeats"),
    **words("pass_rate", "min_pass_rate success_rate pass_threshold threshold"),
    **words("timeout", "max_time deadline time_limit"),
    **words("skip", "disabled ignore skipped xfail skip_reason"),
    **words("model", "provider llm model_name"),
    **words("now", "time clock date frozen_time freeze_time current_time"),
    **words("finally", "final after overall at_end whole_conversation"),
    **_STUBS,
}
_USER = "input prompt query user_message user_input user_content question message content text utterance"
_EXPECTED_REPLY = "output expected_output expected_response final_response reference expected_answer response answer"
_EXPECTED_CALLS = (
    "tools tool_calls expected_tools expected_tool_use expected_tool_calls function_calls tool_uses tools_called "
    "trajectory tool_trajectory"
)
_TURN = {
    **words("user", f"{_USER} human ask"),
    **words("expect", "assert asserts assertions expected expectations expects checks check evaluate then"),
    **words("assistant", "assistant_message pinned bot"),
    **words("replies", "scripted script model_replies responses model_output fake_replies"),
    **words("save", "extract capture store remember outputs"),
    **words("files", "attachments images image file media"),
}
_EXPECTED = {
    **words("calls", f"{_EXPECTED_CALLS} call"),
    **words("no_calls", "not_calls never_calls forbidden_tools never_called excluded_tools must_not_call no_tools"),
    **words("reply", f"{_EXPECTED_REPLY} text message assistant content replies"),
    **words("status", "outcome reason state ends"),
    **words("max_tokens", "tokens token_limit max_total_tokens"),
    **words("max_latency", "latency max_time timeout max_duration duration latency_ms max_ms"),
    **words("max_cost", "cost cost_usd budget max_price"),
    **words("max_steps", "steps max_iterations max_turns iterations max_model_calls"),
    **words("order", "call_order mode calls_order match_mode"),
    **words("allow_extra", "extra allow_extras extras allow_other_calls allow_extra_calls"),
}
_CALL = {
    **words("tool", "name tool_name function function_name call"),
    **words("args", "arguments tool_input input parameters params tool_args kwargs with"),
    **words("times", "count repeat number how_often"),
    **words("status", "outcome kind"),
    **words("result", "output return returns response tool_output"),
}
_REPLY = {
    **words("equals", "equal exact is eq exactly exact_match"),
    **words("contains", "contain includes include has contains_all text"),
    **words("icontains", "contains_ignore_case contains_insensitive icontain icontains_all"),
    **words("not_contains", "excludes exclude not_contain not_includes contains_none"),
    **words("starts_with", "startswith prefix begins_with starts"),
    **words("regex", "matches pattern match regexp re"),
    **words("not_regex", "not_matches not_match not_pattern"),
    **words("json", "is_json contains_json as_json json_value"),
    **words("judge", _JUDGE),
}
_JUDGE_KEYS = {
    **words("rubric", f"prompt question text value criterion instructions evaluation_steps {_JUDGE}"),
    **words("threshold", "min_score score pass_score"),
    **words("model", "provider judge_model llm"),
    **words("votes", "samples runs n verdicts"),
}
_STUB = {
    **words("when", "args arguments match where input if params"),
    **words("return", "returns result output response value return_value answer"),
    **words("error", "raise raises exception fail throws"),
    **words("passthrough", "pass_through real call_real call_through"),
    **words("delay", "latency sleep wait"),
}
_SCRIPTED = {
    **words("say", "text reply content message answer assistant"),
    **words("call", "tool name tool_call function tool_name"),
    **words("args", "arguments input parameters params kwargs"),
    **words("calls", "tool_calls parallel function_calls"),
    **words("fail", "error status http_status status_code"),
}

_BELONGS_TO_CASES = {
    **{key: f"cases.{key}" for key in ("name", "description", "tags", "vars", "variables", "skip", "turns", "finally")},
    **words("cases.turns", "turn user messages conversation"),
    "model": "defaults.model",
}
_BELONGS_TO_A_TURN = {
    **words("turns.user", _USER),
    **words("turns.expect", "expect assert asserts assertions expected expectations"),
    **{key: f"turns.{key}" for key in ("user", "replies", "save", "assistant", "files")},
    **words("turns.expect.calls", f"calls {_EXPECTED_CALLS}"),
    **words("turns.expect.reply", f"reply {_EXPECTED_REPLY}"),
    **words("finally.judge", f"judge {_JUDGE}"),
    **{key: f"turns.expect.{key}" for key in ("no_calls", "status", "max_tokens", "max_latency", "max_steps")},
}
_BELONGS_TO_EXPECT = {
    **{key: f"expect.{key}" for key in ("no_calls", "status", "max_tokens", "max_latency", "max_steps", "max_cost")},
    **words("expect.calls", f"calls {_EXPECTED_CALLS}"),
    **words("expect.reply", f"reply {_EXPECTED_REPLY} contains"),
    **words("expect.reply.judge", f"judge {_JUDGE}"),
    **{key: f"expect.{key}" for key in ("order", "allow_extra")},
}
_BELONGS_TO_REPLY = {
    **{
        key: f"reply.{key}"
        for key in [
            "equals",
            "contains",
            "icontains",
            "not_contains",
            "starts_with",
            "regex",
            "not_regex",
            "json",
            "judge",
        ]
    },
    **words("reply.judge", _JUDGE),
    **words("reply.contains", "includes include"),
    **words("reply.regex", "matches pattern"),
}
_TYPE_AS_KEY = "the kind of check is the key, such as contains: Paris"

CONVERSATIONS = Vocabulary(
    thing="a conversations file",
    keys="`agent:` and `cases:`",
    same={
        "SuiteFile": _SUITE,
        "CasePart": _CASE,
        "TurnPart": _TURN,
        "ExpectPart": _EXPECTED,
        "FinallyPart": _EXPECTED,
        "CallPart": _CALL,
        "ReplyPart": _REPLY,
        "JudgePart": _JUDGE_KEYS,
        "StubPart": _STUB,
        "ScriptedPart": _SCRIPTED,
        "ScriptedCallPart": {key: value for key, value in _SCRIPTED.items() if value in {"call", "args"}},
        "CountPart": {**words("min", "at_least minimum from"), **words("max", "at_most maximum to")},
    },
    other={
        "SuiteFile": _BELONGS_TO_CASES,
        "CasePart": _BELONGS_TO_A_TURN,
        "TurnPart": _BELONGS_TO_EXPECT,
        "ExpectPart": _BELONGS_TO_REPLY,
        "FinallyPart": {key: value for key, value in _BELONGS_TO_REPLY.items() if value != "reply.judge"},
    },
    hints={
        "TurnPart": {"role": 'write what the user says as user: "..."'},
        "CasePart": {"only": "choose cases with -k or --tag"},
        "ExpectPart": {"type": "a check is a key of its own, such as reply: Paris"},
        "ReplyPart": {"type": _TYPE_AS_KEY, "metric": _TYPE_AS_KEY},
        "CallPart": {
            "order": "the order belongs beside calls:",
            "parallel": "write parallel: [...] as an item of calls",
        },
        "StubPart": {
            "default": "write passthrough: true; without when: it answers every other call",
            "tool": "the tool is the key above",
        },
    },
    values={
        "ExpectPart.status": {
            **words("answered", "ok success done complete completed passed stop"),
            **words("failed", "error failure fail"),
            **words("limit", "max_iterations limited"),
        },
        "CallPart.status": {
            **words("ok", "success answered done passed"),
            **words("error", "failed failure fail"),
            **words("timeout", "timed_out"),
        },
        "order": {
            **words("ordered", "strict in_order sequence exact sequential"),
            **words("any_order", "unordered any set in_any_order"),
            **words("subset", "superset some partial contains"),
        },
        "on_turn_failure": {
            **words("stop", "abort halt break fail true"),
            **words("continue", "go_on proceed ignore false"),
        },
    },
    kinds={
        "CasePart": "a case: a mapping with name and turns",
        "TurnPart": "a turn: a mapping with user",
        "ExpectPart": "a mapping of what is expected",
        "FinallyPart": "a mapping of what is expected",
        "CallPart": "a tool's name, or a mapping with tool and args",
        "ReplyPart": "a text, or a mapping such as {contains: Paris}",
        "JudgePart": "a rubric, or a mapping with rubric",
        "StubPart": "a mapping with return, error or passthrough",
        "ScriptedPart": "a text, or a mapping with say, call, calls or fail",
        "ScriptedCallPart": "a mapping with call and args",
        "CountPart": "a whole number, or a mapping with min and max",
        "ModelSpec": "a model's id, or a mapping with name",
    },
    examples={
        "TurnPart": 'such as user: "Hello"',
        "ExpectPart": "such as {reply: Paris}",
        "StubPart": "such as {return: {temp_c: 18}}",
        "CountPart": "such as 2, or {min: 1, max: 2}",
        "ScriptedPart": 'such as {say: "18 degrees."}',
        "ScriptedCallPart": "such as {call: get_weather, args: {city: Paris}}",
        "ModelSpec": "such as gemini-3.8-flash",
    },
    missing={
        "SuiteFile.agent": 'add "agent:", the manifest relative to this file',
        "SuiteFile.cases": 'add "cases:", a list of conversations',
        "CasePart.name": 'add "name:", a few words',
        "CasePart.turns": 'add "turns:", a list with user: in each',
        "TurnPart.user": 'add "user:", the message',
    },
)
"""The words for a conversations file."""
