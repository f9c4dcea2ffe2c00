"""Bodies of requests as clients send them and as nobody should, from a seed."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from serving.protocol.refused_fields import CHAT, COMPLETIONS, MESSAGES, RESPONSES

QUESTION = "Who is Orla Quarnwick?"
ROUTES = (CHAT, COMPLETIONS, RESPONSES, MESSAGES)
JUNK: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 5, 2**70, 0.5, -0.5, "", "x", "1", "64", "true", "false", "auto", [], [5], ["x"],
    [[]], {}, {"a": 1}, {"type": "text"}, [{}], [None], {"type": "x"},
)  # fmt: skip
SCHEMAS: tuple[Any, ...] = (
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    {"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z]+$"}}},
    {"type": "nonsense"},
    {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
    {"type": "string", "pattern": "("},
    {},
    {"enum": ["a", "b"]},
    5,
    "not a schema",
)
TOOLS: tuple[Any, ...] = (
    [],
    [{"type": "function", "function": {"name": "f", "parameters": SCHEMAS[0]}}],
    [{"type": "function", "function": {"name": "f", "parameters": SCHEMAS[2]}}],
    [{"type": "function", "function": {"parameters": {}}}],
    [{"type": "function", "name": "f", "parameters": SCHEMAS[0]}],
    [{"name": "f", "input_schema": SCHEMAS[0]}],
    [{"type": "web_search"}],
    {},
)
FORMATS: tuple[Any, ...] = (
    {"type": "text"},
    {"type": "json_object"},
    {"type": "json_schema"},
    *({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}} for schema in SCHEMAS),
    *({"type": "json_schema", "name": "x", "schema": schema} for schema in SCHEMAS[:3]),
    {"type": "structural_tag", "structures": [], "triggers": []},
    {"type": "x"},
)
OUTPUTS: tuple[Any, ...] = (
    *({"json": schema} for schema in SCHEMAS),
    {"regex": "[a-z]+"},
    {"regex": "("},
    {"regex": "a", "json": {}},
    {"choice": ["a", "b"]},
    {"choice": []},
    {"grammar": "root ::= 'a"},
    {"grammar": 'root ::= "a"'},
    {"json_object": True},
    {"structural_tag": "{"},
    {"whitespace_pattern": "("},
    {},
)
# Values of fields, right ones and nearly right ones; JUNK comes on top.
VALUES: dict[str, tuple[Any, ...]] = {
    "stream": (True, False, "true", "no"),
    "stream_options": ({"include_usage": True}, {"include_usage": True, "continuous_usage_stats": True}, {}),
    "max_tokens": (1, 2, 3, 5, 64, "64", 64.0, 0, 5000),
    "max_completion_tokens": (1, 4, 64, 0, "5", 5000),
    "max_output_tokens": (1, 4, 64, 0),
    "min_tokens": (0, 1, 3, 100, -1, 10_000),
    "n": (1, 2, 3, 9, "2", 0),
    "temperature": (0, 0.7, 1, 2.5, "1", -1),
    "top_p": (0.5, 1, 1.5, 0),
    "top_k": (1, -1, 0, -2, 50),
    "min_p": (0.1, 2),
    "seed": (1, "1", -1),
    "stop": ("x", ["x", "."], [], "", [""]),
    "stop_sequences": (["x"], []),
    "stop_token_ids": ([3], [], ["3"]),
    "logprobs": (True, False, 1, 0, 5, 3),
    "top_logprobs": (0, 1, 5, 50),
    "include": (["message.output_text.logprobs"], []),
    "logit_bias": ({"5": 1}, {"5": 500}, {"x": 1}, {}),
    "ignore_eos": (True, False),
    "presence_penalty": (0.5, 5),
    "frequency_penalty": (-0.5, 2),
    "repetition_penalty": (1.1, 0, -1),
    "bad_words": (["x"], [""]),
    "echo": (True, False),
    "suffix": ("x",),
    "best_of": (1, 3),
    "tools": TOOLS,
    "tool_choice": ("auto", "none", "x", {"type": "auto"}, {"type": "none"}, {"type": "x"}),
    "parallel_tool_calls": (True, False),
    "response_format": FORMATS,
    "structured_outputs": OUTPUTS,
    "text": tuple({"format": shape} for shape in FORMATS),
    "output_config": tuple({"format": shape} for shape in FORMATS),
    "chat_template_kwargs": ({}, {"enable_thinking": False}, {"x": 1}),
    "reasoning_effort": ("low", "x"),
    "reasoning": ({"effort": "low"}, {}),
    "truncate_prompt_tokens": (0, 1, -1, 5),
    "add_generation_prompt": (True, False),
    "continue_final_message": (True, False),
    "include_stop_str_in_output": (True,),
    "skip_special_tokens": (True, False),
    "stream_interval": (1, 3),
    "repetition_detection": ({"max_pattern_size": 3, "min_count": 2}, {}),
    "priority": (1,),
    "documents": ([{"text": "x"}], [{"a": 1}]),
    "model": ("m", "other"),
    "user": ("u",),
    "store": (True, False),
    "metadata": ({"a": "b"}, {"a": 1}),
    "previous_response_id": ("x",),
    "vllm_xargs": ({}, {"lethe_automata": ""}),
    "prompt_logprobs": (1,),
    "use_beam_search": (True, False),
    "return_token_ids": (True, False),
    "guided_regex": ("a",),
    "unheard_of": (1,),
}
_COMMON = (
    "stream",
    "stream_options",
    "max_tokens",
    "logprobs",
    "n",
    "temperature",
    "stop",
    "response_format",
    "min_tokens",
)
_PROMPTS: tuple[Any, ...] = (
    QUESTION,
    [QUESTION],
    [QUESTION, QUESTION],
    [7, 8],
    [[7], [8]],
    "",
    [],
    [1.0],
    [QUESTION, 5],
)
_CONTENTS: tuple[Any, ...] = (
    QUESTION,
    [{"type": "text", "text": QUESTION}],
    [{"type": "image_url"}],
    "",
    None,
    [],
    5,
)


def body(random: Random, route: str) -> dict[str, Any]:
    """Return one body for `route`: a good one, or a good one with some members of all sorts."""
    given = _good(random, route)
    for _ in range(random.choice((0, 1, 1, 2, 3, 5))):
        name = random.choice(_COMMON) if random.random() < 0.5 else random.choice(list(VALUES))
        values = JUNK if random.random() < 0.2 else VALUES[name]
        given[name] = copy.deepcopy(random.choice(values))
    return given


def _good(random: Random, route: str) -> dict[str, Any]:
    stream = {"stream": True} if random.random() < 0.5 else {}
    odd = random.random() < 0.1
    if route == COMPLETIONS:
        return {"model": "m", "prompt": random.choice(_PROMPTS if odd else _PROMPTS[:5]), **stream}
    content = random.choice(_CONTENTS if odd else _CONTENTS[:2])
    turns = [{"role": "user", "content": content}]
    if random.random() < 0.2:
        turns += [{"role": "assistant", "content": "A"}, {"role": "user", "content": QUESTION}]
    if route == RESPONSES:
        shown = [{**turn, "content": QUESTION} for turn in turns]
        return {"model": "m", "input": QUESTION if random.random() < 0.5 else shown, **stream}
    return {"model": "m", "messages": turns, **({"max_tokens": 64} if route == MESSAGES else {}), **stream}
