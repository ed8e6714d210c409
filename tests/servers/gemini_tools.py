"""Rules of `tools` and `toolConfig`: declared names, modes, combinations."""

from __future__ import annotations

import re
from typing import Any

from .gemini_schema import BUILT_IN_TOOLS
from .refusals import Refusal

JSON = dict[str, Any]
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")


def declared_names(tools: list[JSON]) -> list[str]:
    """Return the names of all function declarations, in order."""
    return [each.get("name", "") for tool in tools for each in tool.get("functionDeclarations", ())]


def check_tools(body: JSON, *, combines: bool = True, without: frozenset[str] = frozenset()) -> None:
    """Raise the 400 for a wrong declaration, a built-in tool that is not there (`without`), or a `toolConfig` that does
    not suit the declarations.

    Models that do not combine take either functions or built-in tools, and neither beside a response in JSON.
    """
    tools: list[JSON] = body.get("tools", [])
    for at, tool in enumerate(tools):
        if not tool:
            raise Refusal(
                f"* GenerateContentRequest.tools[{at}]: required one_of 'tool_type' must have one initialized field"
            )
        for name in without.intersection(tool):
            raise Refusal(f"Tool {name} is not supported for this model.")
        if "fileSearch" in tool and not tool["fileSearch"].get("fileSearchStoreNames"):
            raise Refusal(f"* GenerateContentRequest.tools[{at}].file_search.file_search_store_names: is required.\n")
        for index, declaration in enumerate(tool.get("functionDeclarations", ())):
            _check_declaration(f"GenerateContentRequest.tools[{at}].function_declarations[{index}]", declaration)
    names = declared_names(tools)
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise Refusal(f"Duplicate function declaration found: {name}")
        seen.add(name)
    config = body.get("toolConfig", {})
    _check_calling_config(config.get("functionCallingConfig", {}), seen)
    built_in = any(key in tool for tool in tools for key in BUILT_IN_TOOLS)
    if not combines:
        _check_combination(body, functions=bool(names), built_in=built_in)
    if names and built_in and not config.get("includeServerSideToolInvocations"):
        raise Refusal(
            "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function "
            "calling."
        )


def _check_combination(body: JSON, *, functions: bool, built_in: bool) -> None:
    mime_type = body.get("generationConfig", {}).get("responseMimeType", "text/plain")
    if functions and built_in:
        raise Refusal("Tool use with function calling is unsupported")
    if (functions or built_in) and mime_type != "text/plain":
        what = "Function calling" if functions else "Tool use"
        raise Refusal(f"{what} with a response mime type: '{mime_type}' is unsupported")


def _check_declaration(where: str, declaration: JSON) -> None:
    if not NAME.fullmatch(declaration.get("name", "")):
        raise Refusal(
            f"* {where}.name: Invalid function name. Must start with a letter or an underscore. Must be alphameric "
            "(a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.\n"
        )
    if "parameters" in declaration and "parametersJsonSchema" in declaration:
        raise Refusal(f"* {where}: parameters and parameters_json_schema are mutually exclusive.\n")
    schema = declaration.get("parametersJsonSchema", {"type": "object"})
    if schema.get("type", "object") != "object":
        raise Refusal(f"* {where}.parameters_json_schema: schema should be of type OBJECT\n")


def _check_calling_config(config: JSON, names: set[str]) -> None:
    mode = config.get("mode", "AUTO")
    allowed = config.get("allowedFunctionNames", [])
    if mode in ("ANY", "VALIDATED") and not names:
        raise Refusal("Function calling config is set without function_declarations.")
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise Refusal("Allowed function names should be set only when function calling mode is ANY or VALIDATED.")
    for name in allowed:
        if name not in names:
            raise Refusal(f"Allowed function name {name} is not found in function declarations.")
