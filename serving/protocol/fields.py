"""The one table of request fields: what becomes of each on each route, how it is typed, and why.

It names every field of the engine's request classes (vLLM 0.32 and 0.33), and those of the public APIs that a
server of one's own has no use for. The rows of fields that would disarm the policy are in `refused_fields`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from pydantic import ValidationError

from guard.errors import RequestRefused
from serving.protocol import field_types as t
from serving.protocol.depth import is_deep
from serving.protocol.media import read_part
from serving.protocol.refused_fields import (
    ALL,
    CHAT,
    COMPLETIONS,
    MESSAGES,
    REFUSED_FIELDS,
    RESPONSES,
    refuse_fields,
)

Unknown = Literal["drop", "refuse"]
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
# Members of a chat message that the engine hands to the chat template.
MESSAGE_MEMBERS = frozenset(
    {"role", "content", "name", "tool_calls", "tool_call_id", "reasoning", "reasoning_content", "refusal", "tools"}
)


class InvalidValue(RequestRefused):
    """A field whose value is of a type that neither this server nor the engine reads."""

    code = "invalid_value"


class Decision(StrEnum):
    """`read`: passes to the engine, and the detector reads it. `pass`: passes, and the model reads nothing of it.

    `translate`: becomes part of a chat request. `drop`: never reaches the engine.
    """

    READ = "read"
    PASS = "pass"
    TRANSLATE = "translate"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What becomes of one field on some routes; `type` reads its value as the engine would (None: any value)."""

    name: str
    decision: Decision
    routes: tuple[str, ...]
    reason: str
    type: t.Type | None = field(default=None, repr=False)


_OPENAI = (CHAT, COMPLETIONS)
_SAMPLING = "says how tokens are sampled"
_DELIVERY = "says how the answer is delivered"
_MODEL_READS = "the model reads it, or must generate it"
_UNUSED = "asks for nothing that a server of one's own has"


def _rules(
    decision: Decision, routes: Iterable[str], reason: str, type: t.Type | None, *names: str
) -> Iterator[FieldRule]:
    return (FieldRule(name, decision, tuple(routes), reason, type) for name in names)


_PASSED = (
    *_rules(Decision.PASS, _OPENAI, "says which model answers", t.TEXT, "model"),
    *_rules(Decision.PASS, _OPENAI, _SAMPLING, t.FLOAT, "temperature", "top_p", "min_p", "length_penalty"),
    *_rules(Decision.PASS, _OPENAI, _SAMPLING, t.FLOAT, "repetition_penalty"),
    *_rules(Decision.PASS, _OPENAI, _SAMPLING, t.PENALTY, "frequency_penalty", "presence_penalty"),
    *_rules(Decision.PASS, _OPENAI, _SAMPLING, t.INT, "top_k", "seed", "min_tokens", "max_tokens", "n"),
    *_rules(Decision.PASS, _OPENAI, _SAMPLING, t.BIASES, "logit_bias"),
    *_rules(Decision.PASS, _OPENAI, _SAMPLING, t.IDS, "stop_token_ids"),
    *_rules(Decision.PASS, _OPENAI, _SAMPLING, t.REPETITION, "repetition_detection"),
    *_rules(Decision.PASS, _OPENAI, _SAMPLING, t.BOOL, "ignore_eos", "watermarking"),
    *_rules(Decision.PASS, _OPENAI, _DELIVERY, t.BOOL, "stream", "include_stop_str_in_output"),
    *_rules(Decision.PASS, _OPENAI, _DELIVERY, t.BOOL, "skip_special_tokens", "spaces_between_special_tokens"),
    *_rules(Decision.PASS, _OPENAI, _DELIVERY, t.STREAM_OPTIONS, "stream_options"),
    *_rules(Decision.PASS, _OPENAI, _DELIVERY, t.AT_LEAST_1, "stream_interval"),
    *_rules(
        Decision.PASS,
        _OPENAI,
        "leaves out a part of what the detector reads",
        t.LENGTH,
        "truncate_prompt_tokens",
    ),
    *_rules(Decision.PASS, _OPENAI, "leaves out a part of what the detector reads", t.SIDE, "truncation_side"),
    *_rules(Decision.PASS, _OPENAI, "adds the tokenizer's own tokens alone", t.BOOL, "add_special_tokens"),
    *_rules(Decision.PASS, _OPENAI, "orders the queue", t.INT, "priority"),
    *_rules(Decision.PASS, _OPENAI, "keeps prefix caches apart", t.SALT, "cache_salt"),
    *_rules(Decision.PASS, [CHAT], _DELIVERY, t.BOOL, "logprobs", "include_reasoning", "parallel_tool_calls"),
    *_rules(Decision.PASS, [CHAT], _DELIVERY, t.INT, "top_logprobs"),
    *_rules(Decision.PASS, [CHAT], _SAMPLING, t.INT, "max_completion_tokens"),
    *_rules(Decision.PASS, [CHAT], "says how the last turn is rendered", t.BOOL, "add_generation_prompt"),
    *_rules(Decision.PASS, [CHAT], "says how the last turn is rendered", t.BOOL, "continue_final_message"),
    *_rules(Decision.PASS, [CHAT], "is a word of a closed set", t.EFFORT, "reasoning_effort"),
    *_rules(
        Decision.PASS,
        [CHAT],
        "holds switches of a closed set",
        t.TEMPLATE_ARGUMENTS,
        "chat_template_kwargs",
    ),
    *_rules(Decision.PASS, [COMPLETIONS], _DELIVERY, t.INT, "logprobs"),
    *_rules(Decision.PASS, [COMPLETIONS], _DELIVERY, t.BOOL, "echo"),
)
_READ = (
    *_rules(Decision.READ, _OPENAI, _MODEL_READS, t.TEXT_OR_TEXTS, "stop"),
    *_rules(Decision.READ, _OPENAI, _MODEL_READS, t.TEXTS, "bad_words"),
    *_rules(Decision.READ, _OPENAI, _MODEL_READS, t.OBJECT, "response_format"),
    *_rules(Decision.READ, _OPENAI, _MODEL_READS, t.CONSTRAINT, "structured_outputs"),
    *_rules(Decision.READ, [CHAT], _MODEL_READS, t.OBJECTS, "messages", "tools"),
    *_rules(Decision.READ, [CHAT], _MODEL_READS, t.TEXT_OR_OBJECT, "tool_choice"),
    *_rules(Decision.READ, [CHAT], _MODEL_READS, t.DOCUMENTS, "documents"),
    *_rules(Decision.READ, [CHAT], "says how media are read", t.OBJECT, "media_io_kwargs", "mm_processor_kwargs"),
    # Its strict reader is `read_prompts`: an engine takes 1.0 for the id 1.
    *_rules(Decision.READ, [COMPLETIONS], _MODEL_READS, None, "prompt"),
    *_rules(Decision.READ, [COMPLETIONS], _MODEL_READS, t.TEXT, "suffix"),
)
_CHATS = "becomes the same field of a chat request"
_TRANSLATED = (
    *_rules(Decision.TRANSLATE, [RESPONSES, MESSAGES], _CHATS, t.TEXT, "model"),
    *_rules(Decision.TRANSLATE, [RESPONSES, MESSAGES], _CHATS, t.BOOL, "stream"),
    *_rules(Decision.TRANSLATE, [RESPONSES, MESSAGES], _CHATS, t.FLOAT, "temperature", "top_p"),
    *_rules(Decision.TRANSLATE, [RESPONSES, MESSAGES], _CHATS, t.INT, "top_k"),
    *_rules(Decision.TRANSLATE, [RESPONSES, MESSAGES], _CHATS, t.SALT, "cache_salt"),
    *_rules(
        Decision.TRANSLATE, [RESPONSES, MESSAGES], _CHATS, None, "chat_template_kwargs", "tools", "tool_choice"
    ),
    *_rules(Decision.TRANSLATE, [RESPONSES], _CHATS, t.FLOAT, "min_p", "repetition_penalty"),
    *_rules(Decision.TRANSLATE, [RESPONSES], _CHATS, t.PENALTY, "presence_penalty", "frequency_penalty"),
    *_rules(Decision.TRANSLATE, [RESPONSES], _CHATS, t.INT, "seed", "min_tokens", "priority"),
    *_rules(Decision.TRANSLATE, [RESPONSES], _CHATS, t.BOOL, "ignore_eos", "include_stop_str_in_output"),
    *_rules(Decision.TRANSLATE, [RESPONSES], _CHATS, t.BOOL, "skip_special_tokens", "include_reasoning"),
    *_rules(Decision.TRANSLATE, [RESPONSES], _CHATS, t.BOOL, "parallel_tool_calls"),
    *_rules(Decision.TRANSLATE, [RESPONSES], _CHATS, t.BIASES, "logit_bias"),
    *_rules(Decision.TRANSLATE, [RESPONSES], _CHATS, t.IDS, "stop_token_ids"),
    *_rules(Decision.TRANSLATE, [RESPONSES], _CHATS, None, "stop", "structured_outputs"),
    *_rules(Decision.TRANSLATE, [RESPONSES], "becomes messages", None, "input", "instructions"),
    *_rules(Decision.TRANSLATE, [RESPONSES], "becomes max_completion_tokens", t.INT, "max_output_tokens"),
    *_rules(Decision.TRANSLATE, [RESPONSES], "becomes response_format", None, "text"),
    *_rules(Decision.TRANSLATE, [RESPONSES], "becomes reasoning_effort", None, "reasoning"),
    *_rules(Decision.TRANSLATE, [RESPONSES], "asks for log-probabilities", None, "include"),
    *_rules(Decision.TRANSLATE, [RESPONSES], "asks for log-probabilities", t.INT, "top_logprobs"),
    *_rules(Decision.TRANSLATE, [RESPONSES], "the answer repeats it, and nobody else reads it", None, "metadata"),
    *_rules(Decision.TRANSLATE, [MESSAGES], "becomes messages", None, "messages", "system"),
    *_rules(Decision.TRANSLATE, [MESSAGES], "becomes max_completion_tokens", t.INT, "max_tokens"),
    *_rules(Decision.TRANSLATE, [MESSAGES], "becomes stop", None, "stop_sequences"),
    *_rules(Decision.TRANSLATE, [MESSAGES], "becomes response_format and reasoning_effort", None, "output_config"),
    *_rules(Decision.TRANSLATE, [MESSAGES], "becomes reasoning_effort", None, "thinking"),
)
_DROPPED = (
    *_rules(
        Decision.DROP, ALL, _UNUSED, None, "store", "service_tier", "prompt_cache_key", "prompt_cache_retention"
    ),
    *_rules(Decision.DROP, ALL, _UNUSED, None, "prompt_cache_options", "safety_identifier", "user", "session_id"),
    *_rules(Decision.DROP, [CHAT, COMPLETIONS, MESSAGES], _UNUSED, None, "metadata"),
    *_rules(Decision.DROP, _OPENAI, _UNUSED, None, "modalities", "audio", "prediction", "verbosity", "best_of"),
    *_rules(Decision.DROP, [CHAT], _UNUSED, None, "web_search_options", "moderation"),
    *_rules(Decision.DROP, _OPENAI, _UNUSED, None, "return_weight_versions"),
    *_rules(Decision.DROP, [CHAT], "the engine passes over it", None, "functions", "function_call"),
    *_rules(
        Decision.DROP, [RESPONSES], _UNUSED, None, "truncation", "max_tool_calls", "stream_options", "moderation"
    ),
    *_rules(Decision.DROP, [RESPONSES], _UNUSED, None, "context_management", "verbosity"),
    *_rules(
        Decision.DROP, [RESPONSES], "no served model is given it", None, "media_io_kwargs", "mm_processor_kwargs"
    ),
    *_rules(Decision.DROP, [RESPONSES, MESSAGES], "no answer of this route has it", None, "watermarking"),
    *_rules(Decision.DROP, [RESPONSES], "no answer of this route has it", None, "spaces_between_special_tokens"),
    *_rules(
        Decision.DROP, [MESSAGES], _UNUSED, None, "inference_geo", "cache_control", "context_management", "betas"
    ),
)
FIELD_RULES: tuple[FieldRule, ...] = (*_PASSED, *_READ, *_TRANSLATED, *_DROPPED)
_BY_ROUTE: dict[str, dict[str, FieldRule]] = {
    route: {rule.name: rule for rule in FIELD_RULES if route in rule.routes} for route in ALL
}
_REFUSED: dict[str, frozenset[str]] = {
    route: frozenset(row.field for row in REFUSED_FIELDS if route in row.routes) for route in ALL
}


def read_fields(route: str, body: Mapping[str, Any], unknown: Unknown = "drop") -> dict[str, Any]:
    """Return the fields of `body` that are used on `route`, each of the type that the engine reads.

    Null is as good as absent. Unknown fields and those of no use are left out. Raises RequestRefused for a field
    that would disarm the policy, and for an unknown one where `unknown` says so; InvalidValue for a value of the
    wrong type.
    """
    refuse_fields(route, body)
    read: dict[str, Any] = {}
    for name, value in body.items():
        rule = _BY_ROUTE[route].get(name)
        if value is None or (rule is None and name in _REFUSED[route]):
            continue
        if rule is None:
            if unknown == "refuse":
                raise RequestRefused("The request has a field that this server does not know.")
            continue
        if rule.decision is not Decision.DROP:
            read[name] = value if rule.type is None else _typed(rule, value)
    if "messages" in read and route == CHAT:
        read["messages"] = [_message(message) for message in read["messages"]]
    if not read.get("stream"):
        # Clients send them by mistake.
        read.pop("stream_options", None)
    return read


def _typed(rule: FieldRule, value: object) -> object:
    assert rule.type is not None
    try:
        return rule.type.validate_python(value)
    except ValidationError:
        if rule.name == "chat_template_kwargs":
            reason = "beyond enable_thinking, thinking and reasoning_effort it would change what the detector read"
            raise RequestRefused(f"The field '{rule.name}' is not served: {reason}.", field=rule.name) from None
        raise InvalidValue(f"The field '{rule.name}' has a value of the wrong type.", field=rule.name) from None


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the engine gets of a chat message; its role is one that chat templates know."""
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise InvalidValue("The field 'messages' has a message of an unknown role.", field="messages")
    given = {name: value for name, value in message.items() if name in MESSAGE_MEMBERS}
    if any(map(is_deep, _arguments(given.get("tool_calls")))):
        raise InvalidValue("The field 'messages' has arguments that are nested too deeply.", field="messages")
    if isinstance(given.get("content"), list):
        given["content"] = [read_part(part) for part in given["content"]]
    return given


def _arguments(calls: object) -> Iterator[str]:
    """Yield the arguments of tool calls that are a text, which the engine parses."""
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping) and isinstance(function.get("arguments"), str):
            yield function["arguments"]
