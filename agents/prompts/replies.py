"""What a role may reply: its JSON schema, and the reading of a reply that takes nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from agents.chat import Schema

LOWEST, HIGHEST = 1, 5
LEAK_KINDS = ("direct", "indirect", "relational", "masked", "translated")

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


def leaks_among(subjects: int) -> Form[tuple[int, ...]]:
    """The check's reply: which of the numbered subjects (1 to `subjects`) leak; their ranks from 0, none twice."""
    number = {"type": "integer", "minimum": 1, "maximum": subjects}
    leak = _object(subject=number, how={"type": "string", "enum": list(LEAK_KINDS)})

    def read(text: str) -> tuple[int, ...]:
        found = [_members(item, "subject", "how") for item in _list(_members(_parsed(text), "leaks")["leaks"])]
        if any(leak["how"] not in LEAK_KINDS for leak in found):
            raise Unreadable("a kind of leak is unknown")
        return tuple(dict.fromkeys(_integer(leak["subject"], 1, subjects) - 1 for leak in found))

    return Form(Schema("leaks", _object(leaks={"type": "array", "items": leak})), read, 0)


def rewrites(count: int) -> Form[tuple[str, ...]]:
    """All `count` rewrites in one reply."""
    items = {"type": "array", "items": {"type": "string"}, "minItems": count, "maxItems": count}

    def read(text: str) -> tuple[str, ...]:
        found = tuple(_string(item) for item in _list(_members(_parsed(text), "rewrites")["rewrites"]))
        if len(found) != count:
            raise Unreadable("a number of rewrites that was not asked for")
        return found

    return Form(Schema("rewrites", _object(rewrites=items)), read, count)


def ratings(count: int) -> Form[tuple[int, ...]]:
    """One rating from 1 to 5 for each of `count` candidates, in their order."""
    rating = {"type": "integer", "minimum": LOWEST, "maximum": HIGHEST}
    items = {"type": "array", "items": rating, "minItems": count, "maxItems": count}

    def read(text: str) -> tuple[int, ...]:
        listed = _list(_members(_parsed(text), "ratings")["ratings"])
        if len(listed) != count:
            raise Unreadable("a number of ratings that is not the number of candidates")
        return tuple(_integer(item, LOWEST, HIGHEST) for item in listed)

    return Form(Schema("ratings", _object(ratings=items)), read, 0)


def _read_answer(text: str) -> str | None:
    answer = _members(_parsed(text), "answer")["answer"]
    return None if answer is None else _string(answer)


def _read_prose(text: str) -> str:
    return _string(text)


def _object(**members: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


ANSWER: Form[str | None] = Form(Schema("answer", _object(answer={"type": ["string", "null"]})), _read_answer, 1)
"""One answer, or None where no sensible one exists."""

PROSE: Form[str] = Form(None, _read_prose, 1)
"""Free text, not blank."""


def _parsed(text: str) -> Any:
    try:
        # A member that comes twice would hide one of its values from whoever reads the other.
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _refused(constant: str) -> None:
    raise ValueError


def _members(value: Any, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise Unreadable("not an object of the members asked for")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("not a list")
    return value


def _integer(value: Any, least: int, most: int) -> int:
    # type() and not isinstance(): True is an instance of int.
    if type(value) is not int or not least <= value <= most:
        raise Unreadable("not an integer in range")
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unreadable("not a text")
    return value
