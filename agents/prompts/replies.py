"""The reply format of each role: its JSON schema, and a parser that accepts nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from agents.chat import Schema

LOWEST, HIGHEST = 1, 5
LeakKind = Literal["direct", "indirect", "relational", "masked", "translated"]

T = TypeVar("T")


class Unreadable(ValueError):
    """A reply does not follow its schema; the message never quotes it."""


class ReplyFormat(NamedTuple, Generic[T]):
    """The format of a reply.

    schema   requested from the endpoint; None for free text
    read     parses a reply; raises Unreadable
    answers  how many answers of the user's length a reply holds
    """

    schema: Schema | None
    read: Callable[[str], T]
    answers: int


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise Unreadable("blank")
    return text


_Text = Annotated[str, AfterValidator(_not_blank)]
_Rating = Annotated[int, Field(ge=LOWEST, le=HIGHEST)]


# These three are cached, as pydantic takes milliseconds to build a model.
@lru_cache
def leaks_format(subjects: int) -> ReplyFormat[tuple[int, ...]]:
    """Return the format of the check's reply: which of the targets 1 to `subjects` leak, as indices from 0."""

    class Leak(_Strict):
        subject: Annotated[int, Field(ge=1, le=subjects)]
        how: LeakKind

    return _reply_format(
        "leaks", list[Leak], lambda leaks: tuple(dict.fromkeys(leak.subject - 1 for leak in leaks)), 0
    )


@lru_cache
def rewrites_format(count: int) -> ReplyFormat[tuple[str, ...]]:
    """Return the format of `count` rewrites in one reply."""
    return _reply_format(
        "rewrites", Annotated[list[_Text], Field(min_length=count, max_length=count)], tuple, count
    )


@lru_cache
def ratings_format(count: int) -> ReplyFormat[tuple[int, ...]]:
    """Return the format of one rating from 1 to 5 for each of `count` candidates, in order."""
    return _reply_format("ratings", Annotated[list[_Rating], Field(min_length=count, max_length=count)], tuple, 0)


def _reply_format(name: str, kind: Any, value: Callable[[Any], T], answers: int) -> ReplyFormat[T]:
    """Return the format of an object with one member `name`, of the pydantic type `kind`."""
    fields: dict[str, Any] = {name: (kind, ...)}
    model = create_model(name.capitalize(), __base__=_Strict, **fields)

    def read(text: str) -> T:
        try:
            # A duplicate member would hide one of its values.
            parsed = json.loads(text, object_pairs_hook=_unique, parse_constant=_refused)
            return value(getattr(model.model_validate(parsed), name))
        except (ValueError, RecursionError):
            raise Unreadable("not JSON of the requested format") from None

    return ReplyFormat(Schema(name, model.model_json_schema()), read, answers)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _refused(constant: str) -> None:
    raise ValueError


ANSWER: ReplyFormat[str | None] = _reply_format("answer", _Text | None, lambda answer: answer, 1)
"""One answer, or None where no sensible one exists."""

PROSE: ReplyFormat[str] = ReplyFormat(None, _not_blank, 1)
"""Free text, not blank."""
