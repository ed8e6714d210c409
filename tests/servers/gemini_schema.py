"""The protocol's messages as tables: which keys exist, which type each has, in both spellings.

`Wire(extras).generate(body)` returns the body with every protocol key in camelCase, or raises `Refusal`. What is the
user's (`args`, `response`, JSON schemas) is returned untouched. As protobuf's JSON does: `null` is an unset field, a
whole float is an integer, a 64-bit integer may be a string, and bytes are base64 of either alphabet.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .refusals import Refusal, bad_field

Check = Callable[[Any], Any]
JSON = dict[str, Any]

PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta"


class MisfitError(Exception):
    """A value that does not fit. `path` grows outwards while the exception travels; `text` has one `{at}`."""

    def __init__(self, text: Callable[[str], str], path: str = "") -> None:
        super().__init__()
        self.text = text
        self.path = path

    def inside(self, outer: str) -> MisfitError:
        joint = "." if self.path and not self.path.startswith("[") else ""
        self.path = f"{outer}{joint}{self.path}"
        return self


def shown(value: Any) -> str:
    """Return the value as an error message shows it, cut to 100 characters."""
    try:
        return json.dumps(value)[:100]
    except (TypeError, ValueError):
        return str(type(value))


def invalid(type_name: str, value: Any) -> MisfitError:
    return MisfitError(lambda at: f"Invalid value at '{at}' ({type_name}), {shown(value)}")


def string(value: Any) -> str:
    if type(value) is not str:
        raise invalid("TYPE_STRING", value)
    return value


def boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise invalid("TYPE_BOOL", value)
    return value


def number(value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise invalid("TYPE_FLOAT", value)
    return value


def integer(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is str and re.fullmatch(r"-?\d{1,19}", value):
        return int(value)
    raise invalid("TYPE_INT32", value)


def decoded(signature: str) -> bytes:
    """Return the bytes of base64 text of either alphabet, padded or not; raise `binascii.Error`."""
    text = signature.replace("-", "+").replace("_", "/")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def data(value: Any) -> str:
    if type(value) is not str:
        raise invalid("TYPE_BYTES", value)
    try:
        decoded(value)
    except (binascii.Error, ValueError):
        raise MisfitError(
            lambda at: f"Invalid value at '{at}' (TYPE_BYTES), Base64 decoding failed for {shown(value)}"
        ) from None
    return value


def struct(value: Any) -> JSON:
    """A `google.protobuf.Struct`: an object whose keys are the user's."""
    if type(value) is not dict:
        raise invalid("type.googleapis.com/google.protobuf.Struct", value)
    return value


def anything(value: Any) -> Any:
    return value


def enum(type_name: str, *names: str) -> Check:
    """An enumeration; names are matched without case and returned in upper case."""
    known = frozenset(names)

    def check(value: Any) -> str:
        if type(value) is str and value.upper() in known:
            return value.upper()
        raise invalid(f"{PACKAGE}.{type_name}", value)

    return check


def repeated(item: Check) -> Check:
    def check(value: Any) -> list[Any]:
        if type(value) is not list:
            raise invalid("repeated field, a list is expected", value)
        items: list[Any] = []
        try:
            items.extend(map(item, value))
        except MisfitError as misfit:
            raise misfit.inside(f"[{len(items)}]") from None
        return items

    return check


def mapping(item: Check) -> Check:
    """A `map<string, item>`: the keys are the user's."""

    def check(value: Any) -> JSON:
        result = {}
        for key, each in struct(value).items():
            try:
                result[key] = item(each)
            except MisfitError as misfit:
                raise misfit.inside(f"[{key}]") from None
        return result

    return check


def snake(camel: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match.group(1).lower(), camel)


def message(fields: dict[str, Check], *, oneof: Iterable[str] = (), extras: set[str] | None = None) -> Check:
    """A message with `fields` by camelCase name; of `oneof` at most one may be set; keys in `extras` pass untouched."""
    table: dict[str, tuple[str, str, Check]] = {}
    for camel, field_check in fields.items():
        table[camel] = table[snake(camel)] = (camel, snake(camel), field_check)
    exclusive = frozenset(oneof)
    passing = extras if extras is not None else set()

    def check(value: Any) -> JSON:
        if type(value) is not dict:
            raise invalid("message, an object is expected", value)
        result: JSON = {}
        for key, inner in value.items():
            if key in table:
                camel, snaked, field_check = table[key]
                if inner is None:
                    continue
                if camel in result or (camel in exclusive and not exclusive.isdisjoint(result)):
                    raise taken(camel)
                try:
                    result[camel] = field_check(inner)
                except MisfitError as misfit:
                    raise misfit.inside(snaked) from None
            elif key in passing:
                result[key] = inner
            else:
                raise unknown(key)
        return result

    return check


def unknown(key: str) -> MisfitError:
    def text(at: str) -> str:
        where = f" at '{at}'" if at else ""
        return f'Invalid JSON payload received. Unknown name "{key}"{where}: Cannot find field.'

    return MisfitError(text)


def taken(camel: str) -> MisfitError:
    return MisfitError(
        lambda at: f"Invalid value at '{at}' (oneof), oneof field 'data' is already set. Cannot set '{camel}'"
    )


PAYLOADS = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
HARMS = tuple(
    f"HARM_CATEGORY_{name}"
    for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY")
)
THRESHOLDS = ("OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE")
RESOLUTIONS = tuple(f"MEDIA_RESOLUTION_{name}" for name in ("LOW", "MEDIUM", "HIGH", "ULTRA_HIGH"))
BUILT_IN_TOOLS = (
    "googleSearch",
    "googleSearchRetrieval",
    "urlContext",
    "codeExecution",
    "googleMaps",
    "fileSearch",
    "computerUse",
    "mcpServers",
)

TOOL_TYPES = ("GOOGLE_SEARCH_WEB", "GOOGLE_SEARCH_IMAGE", "URL_CONTEXT", "GOOGLE_MAPS", "FILE_SEARCH")

blob = message({"mimeType": string, "data": data, "displayName": string})
file_data = message({"mimeType": string, "fileUri": string, "displayName": string})


def schema(value: Any) -> JSON:
    """An OpenAPI `Schema`, recursive."""
    result: JSON = openapi(value)
    return result


openapi = message(
    {
        "type": enum("Type", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"),
        **dict.fromkeys(("format", "title", "description", "pattern"), string),
        "nullable": boolean,
        **dict.fromkeys(("enum", "required", "propertyOrdering"), repeated(string)),
        **dict.fromkeys(("minimum", "maximum"), number),
        **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"), integer),
        **dict.fromkeys(("default", "example", "additionalProperties"), anything),
        "items": schema,
        "properties": mapping(schema),
        "anyOf": repeated(schema),
    }
)

declaration = message(
    {
        "name": string,
        "description": string,
        "parameters": schema,
        "parametersJsonSchema": struct,
        "response": schema,
        "responseJsonSchema": struct,
        "behavior": enum("Behavior", "BLOCKING", "NON_BLOCKING"),
    }
)

file_search = message({"fileSearchStoreNames": repeated(string), "topK": integer, "metadataFilter": string})
tool = message(
    {
        "functionDeclarations": repeated(declaration),
        **dict.fromkeys(BUILT_IN_TOOLS, struct),
        "mcpServers": repeated(struct),
        "urlContext": message({}),
        "codeExecution": message({}),
        "fileSearch": file_search,
    }
)

tool_config = message(
    {
        "functionCallingConfig": message(
            {
                "mode": enum("FunctionCallingConfig.Mode", "MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"),
                "allowedFunctionNames": repeated(string),
            }
        ),
        "retrievalConfig": struct,
        "includeServerSideToolInvocations": boolean,
    }
)

generation_config = message(
    {
        **dict.fromkeys(("temperature", "topP", "topK", "presencePenalty", "frequencyPenalty"), number),
        **dict.fromkeys(("candidateCount", "maxOutputTokens", "seed", "logprobs"), integer),
        **dict.fromkeys(("responseLogprobs", "enableEnhancedCivicAnswers"), boolean),
        "stopSequences": repeated(string),
        "responseMimeType": string,
        "responseSchema": schema,
        "responseJsonSchema": struct,
        "responseModalities": repeated(enum("Modality", "TEXT", "IMAGE", "AUDIO")),
        "mediaResolution": enum("MediaResolution", *RESOLUTIONS),
        "speechConfig": struct,
        "imageConfig": struct,
        "thinkingConfig": message(
            {
                "includeThoughts": boolean,
                "thinkingBudget": integer,
                "thinkingLevel": enum("ThinkingLevel", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"),
            }
        ),
    }
)

safety_setting = message(
    {
        "category": enum("HarmCategory", *HARMS),
        "threshold": enum("SafetySetting.HarmBlockThreshold", *THRESHOLDS),
    }
)


@dataclass(frozen=True)
class Extras:
    """Keys outside the tables that may come back because the server itself sent them."""

    part: set[str] = field(default_factory=set)
    call: set[str] = field(default_factory=set)


class Wire:
    """The checks of request bodies: each takes a parsed body and returns it normalised, or raises `Refusal`."""

    def __init__(self, extras: Extras | None = None) -> None:
        extras = extras or Extras()
        content = self._content(extras)
        contents = repeated(content)
        generate: dict[str, Check] = {
            "model": string,
            "contents": contents,
            "systemInstruction": content,
            "tools": repeated(tool),
            "toolConfig": tool_config,
            "safetySettings": repeated(safety_setting),
            "generationConfig": generation_config,
            "cachedContent": string,
            "serviceTier": enum("ServiceTier", "UNSPECIFIED", "FLEX", "STANDARD", "PRIORITY"),
            "store": boolean,
            "labels": mapping(string),
            "continuationToken": data,
        }
        self.generate = _closed(message(generate))
        self.count_tokens = _closed(message({"contents": contents, "generateContentRequest": message(generate)}))
        self.cache_create = _closed(
            message(
                {
                    **{key: generate[key] for key in ("model", "contents", "systemInstruction", "tools", "toolConfig")},
                    **dict.fromkeys(("name", "displayName", "ttl", "expireTime"), string),
                }
            )
        )
        self.cache_update = _closed(message({"ttl": string, "expireTime": string}, oneof=("ttl", "expireTime")))

    @staticmethod
    def _content(extras: Extras) -> Check:
        call = message({"id": string, "name": string, "args": struct}, extras=extras.call)
        response = message(
            {
                "id": string,
                "name": string,
                "response": struct,
                "parts": repeated(message({"inlineData": blob, "fileData": file_data})),
                "willContinue": boolean,
                "scheduling": enum("FunctionResponse.Scheduling", "SILENT", "WHEN_IDLE", "INTERRUPT"),
            }
        )
        part = message(
            {
                "text": string,
                "inlineData": blob,
                "fileData": file_data,
                "functionCall": call,
                "functionResponse": response,
                "executableCode": message({"id": string, "language": string, "code": string}),
                "codeExecutionResult": message({"id": string, "outcome": string, "output": string}),
                "toolCall": message({"id": string, "toolType": enum("ToolType", *TOOL_TYPES), "args": struct}),
                "toolResponse": message({"id": string, "toolType": enum("ToolType", *TOOL_TYPES), "response": struct}),
                "thought": boolean,
                "thoughtSignature": data,
                "partMetadata": struct,
                "videoMetadata": struct,
                "mediaResolution": anything,
            },
            oneof=PAYLOADS,
            extras=extras.part,
        )
        return message({"role": string, "parts": repeated(part)})


def _closed(check: Check) -> Callable[[Any], JSON]:
    """Turn a `MisfitError` that reached the top into the API's refusal."""

    def closed(body: Any) -> JSON:
        try:
            result: JSON = check(body)
        except MisfitError as misfit:
            raise bad_field(misfit.path, misfit.text(misfit.path)) from None
        except RecursionError:
            raise Refusal("Invalid JSON payload received. Message too deep.") from None
        return result

    return closed
