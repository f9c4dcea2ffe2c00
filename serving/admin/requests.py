"""The JSON request bodies of the admin plane."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from guard.patterns.pattern import Pattern, PatternKind
from guard.targets.target import (
    MAX_ALPHA,
    MAX_FILTER_RATE,
    Decoder,
    Draft,
    Fact,
    Kind,
    Method,
    Mode,
    Scope,
    Supplied,
)
from guard.targets.validation import (
    MAX_COUNTS,
    MAX_LABEL_CHARS,
    MAX_NAME_CHARS,
    MAX_PASSAGE_CHARS,
    MAX_PHRASE_CHARS,
    MAX_QUOTED_WORDS,
    MIN_LETTERS,
    MIN_QUOTED_WORDS,
    TAG,
)
from guard.text.conversation import Message, message
from guard.text.normalise import fold
from guard.variants.variant import Variants
from serving.admin.patterns import TWO_LETTERS

MAX_BATCH_TARGETS = 10_000
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _rfc3339(value: object) -> object:
    if isinstance(value, str) and not _RFC3339.fullmatch(value):
        raise ValueError("is not a date and time with a zone, as in 2031-01-31T00:00:00Z")
    if not isinstance(value, str | datetime | None):
        raise ValueError("is not a string")
    return value


def _two_letters(text: str) -> str:
    if len(fold(text)) < MIN_LETTERS:
        raise PydanticCustomError("too_few_letters", "needs two letters or digits")
    return text


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("is not a number")
    return value


NO_BOOLEAN = BeforeValidator(_no_boolean)
"""Python's booleans are integers, JSON's are not."""
# The pattern is a description: what is stored is decided by folding itself.
_PATTERN: dict[str, Any] = {"pattern": TWO_LETTERS}
Name = TypeAliasType(
    "Name",
    Annotated[str, Field(max_length=MAX_NAME_CHARS, json_schema_extra=_PATTERN), AfterValidator(_two_letters)],
)
Phrase = TypeAliasType(
    "Phrase",
    Annotated[str, Field(max_length=MAX_PHRASE_CHARS, json_schema_extra=_PATTERN), AfterValidator(_two_letters)],
)
Passage = TypeAliasType("Passage", Annotated[str, Field(max_length=MAX_PASSAGE_CHARS)])
Tag = Annotated[str, Field(pattern=f"^{TAG.pattern}$")]
Label = Annotated[str, Field(max_length=MAX_LABEL_CHARS)]
Canary = Annotated[
    float,
    Field(gt=0, lt=1, description="Of a target in shadow: the share of conversations for which it is enforced."),
]
Moment = Annotated[datetime, BeforeValidator(_rfc3339)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class FactIn(_Closed):
    """Knowledge to withhold: an answer, which may be any sentence, and the question that it answers, if any."""

    answer: Passage
    question: Passage = ""

    @model_validator(mode="before")
    @classmethod
    def _object(cls, given: object) -> object:
        if not isinstance(given, Mapping | BaseModel):
            raise PydanticCustomError("no_fact", 'a fact is an object, as in {"answer": "a sentence"}')
        return given


class PatternIn(_Closed):
    """A value to forbid in all its forms: an IBAN, phone number, e-mail address or domain, card or national id.

    The value `*` stands for all of them; that of a regex is the expression.
    """

    kind: PatternKind
    value: Label
    country: Annotated[str, Field(pattern="^([A-Za-z]{2})?$", description="Two letters.")] = ""


class TargetPatch(_Closed):
    """What to change of a forget target: members left out stay as they are, lists are replaced whole."""

    name: Name = ""
    kind: Kind = Kind.PERSON
    aliases: Annotated[list[Phrase], Field(max_length=MAX_COUNTS["aliases"])] = []
    facts: Annotated[list[FactIn], Field(max_length=MAX_COUNTS["facts"])] = []
    passages: Annotated[list[Passage], Field(max_length=MAX_COUNTS["passages"])] = []
    phrases: Annotated[list[Phrase], Field(max_length=MAX_COUNTS["phrases"])] = []
    patterns: Annotated[list[PatternIn], Field(max_length=MAX_COUNTS["patterns"])] = []
    exceptions: Annotated[list[Phrase], Field(max_length=MAX_COUNTS["exceptions"])] = []
    distinguish: Annotated[list[Phrase], Field(max_length=MAX_COUNTS["distinguish"])] = []
    variants: Variants = Variants.CLOSE
    methods: Annotated[list[Method], Field(min_length=1, max_length=MAX_COUNTS["methods"])] = [Method.GUARD]
    scope: Scope = Scope.CONTEXTUAL
    mode: Mode = Mode.ENFORCE
    canary: Canary | None = None
    decoder: Decoder = Decoder.SAMPLE
    alpha: Annotated[float, Field(ge=0, le=MAX_ALPHA)] | None = None
    filter_rate: Annotated[float, Field(ge=0, le=MAX_FILTER_RATE)] | None = None
    quoted_words: Annotated[int, Field(ge=MIN_QUOTED_WORDS, le=MAX_QUOTED_WORDS)] = 8
    supplied: Supplied | None = None
    soft: bool = False
    shared: bool = False
    tags: Annotated[list[Tag], Field(max_length=MAX_COUNTS["tags"])] = []
    expires_at: Moment | None = None
    basis: Label = ""
    external_ref: Label = ""

    def merged(self, draft: Draft) -> Draft:
        """Return `draft` with the given members replaced."""
        given: dict[str, Any] = {name: _plain(getattr(self, name)) for name in self.model_fields_set}
        return replace(draft, **given)


# Validated with the draft, as a patch may meet a target that is a secret, or enforced, already.
_SUPPLIED_SECRET: JsonDict = {
    "properties": {"kind": {"const": Kind.SECRET.value}, "supplied": {"const": Supplied.ALLOW.value}},
    "required": ["kind", "supplied"],
}


_CANARY_ENFORCED: JsonDict = {
    "properties": {"canary": {"type": "number"}},
    "required": ["canary"],
    "not": {"properties": {"mode": {"const": Mode.SHADOW.value}}, "required": ["mode"]},
}


class TargetIn(TargetPatch):
    """A forget target to add; only `name` is required."""

    model_config = ConfigDict(json_schema_extra={"not": {"anyOf": [_SUPPLIED_SECRET, _CANARY_ENFORCED]}})

    name: Name

    def draft(self) -> Draft:
        """Return the draft of this target."""
        return self.merged(Draft(name=self.name))


def _plain(value: object) -> object:
    if isinstance(value, list):
        return tuple(_plain(member) for member in value)
    if isinstance(value, FactIn):
        return Fact(answer=value.answer, question=value.question)
    if isinstance(value, PatternIn):
        return Pattern(kind=value.kind, value=value.value, country=value.country)
    return value


class Batch(_Closed):
    """Forget targets to add, all of them or none.

    The targets are validated by `read`: thousands of them in one go would keep the event loop from all else.
    """

    targets: Annotated[list[Any], Field(min_length=1, max_length=MAX_BATCH_TARGETS)]

    def read(self) -> list[TargetIn]:
        """Return the targets, validated one by one. Call it in a thread.

        Raises RequestValidationError with what is wrong with all of them.
        """
        read: list[TargetIn] = []
        errors: list[dict[str, Any]] = []
        for place, given in enumerate(self.targets):
            try:
                read.append(TargetIn.model_validate(given))
            except ValidationError as error:
                found = error.errors(include_url=False, include_context=False, include_input=False)
                errors += [{**one, "loc": ("body", "targets", place, *one["loc"])} for one in found]
        if errors:
            raise RequestValidationError(errors)
        return read


PolicySetIn = Annotated[
    list[Tag],
    Field(max_length=MAX_COUNTS["tags"], description="The policy set to check under; empty: all targets."),
]


ShareSide = Literal["enforced", "shadow"]
"""The sides of canary shares: in them, and not."""


class _Checked(_Closed):
    tags: PolicySetIn = []
    canary: ShareSide | None = Field(
        None,
        description="As in every canary share, or as in none; null: as in those that it falls in, without a key.",
    )


class TextIn(_Checked):
    """A single user message to check."""

    text: str

    def conversation(self) -> list[Message]:
        """Return the messages to check."""
        return [message("user", self.text)]


class MessageIn(_Closed):
    """One turn of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str


class ConversationIn(_Checked):
    """A conversation to check."""

    messages: list[MessageIn]

    def conversation(self) -> list[Message]:
        """Return the messages to check."""
        return [message(turn.role, turn.content) for turn in self.messages]
