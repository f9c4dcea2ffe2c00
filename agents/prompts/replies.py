"""What a role may reply: its JSON schema, and the reading of a reply that takes nothing else."""

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
    """A reply is not what its schema says; the message never holds any of it."""


class Form(NamedTuple, Generic[T]):
    """The form of a reply: the schema asked of the endpoint, what reads it, how many answers it holds.

    `read` raises Unreadable.
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


# These three are cached, as pydantic takes milliseconds to make a model.
@lru_cache
def leaks_among(subjects: int) -> Form[tuple[int, ...]]:
    """The check's reply: which of the numbered subjects (1 to `subjects`) leak; their ranks from 0, none twice."""

    class Leak(_Strict):
        subject: Annotated[int, Field(ge=1, le=subjects)]
        how: LeakKind

    return _form("leaks", list[Leak], lambda leaks: tuple(dict.fromkeys(leak.subject - 1 for leak in leaks)), 0)


@lru_cache
def rewrites(count: int) -> Form[tuple[str, ...]]:
    """All `count` rewrites in one reply."""
    return _form("rewrites", Annotated[list[_Text], Field(min_length=count, max_length=count)], tuple, count)


@lru_cache
def ratings(count: int) -> Form[tuple[int, ...]]:
    """One rating from 1 to 5 for each of `count` candidates, in their order."""
    return _form("ratings", Annotated[list[_Rating], Field(min_length=count, max_length=count)], tuple, 0)


def _form(name: str, kind: Any, value: Callable[[Any], T], answers: int) -> Form[T]:
    """Return the form of an object with one member `name`, of a type that pydantic reads."""
    fields: dict[str, Any] = {name: (kind, ...)}
    model = create_model(name.capitalize(), __base__=_Strict, **fields)

    def read(text: str) -> T:
        try:
            # A member that comes twice would hide one of its values from whoever reads the other.
            parsed = json.loads(text, object_pairs_hook=_unique, parse_constant=_refused)
            return value(getattr(model.model_validate(parsed), name))
        except (ValueError, RecursionError):
            raise Unreadable("not JSON of the form asked for") from None

    return Form(Schema(name, model.model_json_schema()), read, answers)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _refused(constant: str) -> None:
    raise ValueError


ANSWER: Form[str | None] = _form("answer", _Text | None, lambda answer: answer, 1)
"""One answer, or None where no sensible one exists."""

PROSE: Form[str] = Form(None, _not_blank, 1)
"""Free text, not blank."""
