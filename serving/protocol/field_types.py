"""Types of request fields, read as the engine reads them: "64", 64.0 and 64 mean the same whatever is planned."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, TypeAdapter, with_config
from typing_extensions import TypedDict

from serving.protocol.depth import is_deep

Type = TypeAdapter[Any]
_CONSTRAINTS = ("json", "regex", "choice", "grammar", "json_object", "structural_tag")
_Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


@with_config(ConfigDict(extra="ignore"))
class _Options(TypedDict, total=False):
    include_usage: bool | None
    continuous_usage_stats: bool | None


@with_config(ConfigDict(extra="ignore"))
class _Repetition(TypedDict, total=False):
    max_pattern_size: int
    min_pattern_size: int
    min_count: int


@with_config(ConfigDict(extra="forbid"))
class _Constraint(TypedDict, total=False):
    json: str | dict[str, Any] | None
    regex: str | None
    choice: list[str] | None
    grammar: str | None
    json_object: bool | None
    structural_tag: str | None
    whitespace_pattern: str | None
    disable_any_whitespace: bool
    disable_additional_properties: bool


@with_config(ConfigDict(extra="forbid"))
class _TemplateArguments(TypedDict, total=False):
    enable_thinking: bool | None
    thinking: bool | None
    reasoning_effort: _Effort | None


def _one_constraint(given: dict[str, Any]) -> dict[str, Any]:
    if any(isinstance(given.get(name), str) and is_deep(given[name]) for name in ("json", "structural_tag")):
        raise ValueError("a schema is nested too deeply")
    if sum(given.get(name) is not None for name in _CONSTRAINTS) != 1:
        raise ValueError("one constraint must be given")
    return given


BOOL = Type(bool)
INT = Type(Annotated[int, Field(ge=-(2**63), lt=2**63)])
AT_LEAST_1 = Type(Annotated[int, Field(ge=1, lt=2**63)])
LENGTH = Type(Annotated[int, Field(ge=1, lt=2**63)] | Literal[-1])
FLOAT = Type(_Finite)
PENALTY = Type(Annotated[float, Field(ge=-2, le=2)])
TEXT = Type(str)
TEXTS = Type(list[str])
TEXT_OR_TEXTS = Type(str | list[str])
TEXT_OR_OBJECT = Type(str | dict[str, Any])
OBJECT = Type(dict[str, Any])
OBJECTS = Type(list[dict[str, Any]])
DOCUMENTS = Type(list[dict[str, str]])
IDS = Type(list[int])
BIASES = Type(dict[str, _Finite])
SIDE = Type(Literal["left", "right"])
EFFORT = Type(_Effort)
SALT = Type(Annotated[str, StringConstraints(min_length=1, max_length=1024)])
STREAM_OPTIONS = Type(_Options)
REPETITION = Type(_Repetition)
CONSTRAINT = Type(Annotated[_Constraint, AfterValidator(_one_constraint)])
TEMPLATE_ARGUMENTS = Type(_TemplateArguments)
