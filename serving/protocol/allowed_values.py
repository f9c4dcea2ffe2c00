"""Values that a constraint lists, less those that the policy forbids: the rest can still be answered.

The token mask looks no further than the next token. Of `enum: ["Sallowmere", "Paris"]` a model may choose the
first, and stands before a token that the mask forbids and a grammar that allows no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from guard.matching.automaton import Automaton
from guard.text.json_escapes import readings
from serving.protocol.request import GenerationRequest

# Members of a request that may list values.
_LISTING = ("structured_outputs", "response_format", "tools")
IsForbidden = Callable[[object], bool]


def allow_values(request: GenerationRequest, automata: Sequence[Automaton]) -> GenerationRequest:
    """Return `request` without the listed values in which these automata find a phrase.

    Lists are those of `choice`, of `enum`, and of `const` under `anyOf` and `oneOf`. A list of which nothing would
    be left stays as it is.
    """

    def is_forbidden(value: object) -> bool:
        return isinstance(value, str) and any(automaton.matches(readings(value)) for automaton in automata)

    given = {name: request.body[name] for name in _LISTING if name in request.body}
    if not automata or not given:
        return request
    outputs = dict(given.get("structured_outputs") or {})
    if isinstance(outputs.get("json"), str) and isinstance(schema := _parsed(outputs["json"]), dict):
        outputs["json"] = schema
    left = {name: _left(value, is_forbidden) for name, value in (given | {"structured_outputs": outputs}).items()}
    if choices := outputs.get("choice"):
        left["structured_outputs"]["choice"] = _kept(choices, is_forbidden)
    return replace(request, body=request.body | {name: left[name] for name in given})


def _left(value: Any, is_forbidden: IsForbidden) -> Any:
    """Return a JSON value without forbidden values in the lists of a schema."""
    if isinstance(value, list):
        return [_left(item, is_forbidden) for item in value]
    if not isinstance(value, dict):
        return value
    left = {name: _left(item, is_forbidden) for name, item in value.items()}
    if isinstance(left.get("enum"), list):
        left["enum"] = _kept(left["enum"], is_forbidden)
    for name in ("anyOf", "oneOf"):
        if isinstance(left.get(name), list):
            left[name] = _kept(left[name], lambda branch: _is_forbidden_branch(branch, is_forbidden))
    return left


def _is_forbidden_branch(branch: object, is_forbidden: IsForbidden) -> bool:
    if not isinstance(branch, dict):
        return False
    listed = branch.get("enum")
    return is_forbidden(branch.get("const")) or (
        isinstance(listed, list) and bool(listed) and all(map(is_forbidden, listed))
    )


def _kept(values: list[Any], is_forbidden: IsForbidden) -> list[Any]:
    return [value for value in values if not is_forbidden(value)] or values


def _parsed(schema: str) -> Any:
    try:
        return orjson.loads(schema)
    except orjson.JSONDecodeError:
        # For the engine to refuse.
        return None
