"""Validation of forget targets, before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from guard.errors import CanaryNotInShadow, InvalidTarget
from guard.patterns.validators import phrases_of
from guard.patterns.value_class import is_class
from guard.targets.target import MAX_ALPHA, MAX_FILTER_RATE, Draft, Kind, Mode, Supplied
from guard.text.normalise import fold

MAX_NAME_CHARS = 512
MAX_PHRASE_CHARS = 4 * 1024
MAX_PASSAGE_CHARS = 64 * 1024
MAX_LABEL_CHARS = 256
MAX_TARGET_CHARS = 1024 * 1024
MIN_LETTERS = 2
MAX_COUNTS = {
    "aliases": 256,
    "facts": 2048,
    "passages": 256,
    "phrases": 4096,
    "patterns": 256,
    "exceptions": 1024,
    "distinguish": 64,
    "methods": 4,
    "tags": 64,
}
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
MIN_QUOTED_WORDS, MAX_QUOTED_WORDS = 3, 64


class _Text(NamedTuple):
    path: str
    text: str
    max_chars: int
    min_letters: int = 0


def validate(draft: Draft, now: datetime) -> None:
    """Raise `InvalidTarget`, with the path of the invalid member, unless `draft` can be stored."""
    _check_counts(draft)
    total = 0
    for text in _texts(draft):
        _check_text(text)
        total += len(text.text)
    if total > MAX_TARGET_CHARS:
        raise InvalidTarget(f"the texts of one target are limited to {MAX_TARGET_CHARS} characters in all")
    _check_patterns(draft)
    _check_strength(draft)
    if draft.kind is Kind.SECRET and draft.supplied is Supplied.ALLOW:
        raise InvalidTarget("must not be 'allow' for a secret", field="supplied")
    _check_canary(draft)
    _check_tags(draft)
    _check_expiry(draft.expires_at, now)


def _check_counts(draft: Draft) -> None:
    for path, limit in MAX_COUNTS.items():
        members: Sequence[object] = getattr(draft, path)
        if len(members) > limit:
            raise InvalidTarget(f"has more than the {limit} entries allowed", field=path)
    if not draft.methods:
        raise InvalidTarget("needs at least one entry", field="methods")


def _texts(draft: Draft) -> Iterator[_Text]:
    yield _Text("name", draft.name, MAX_NAME_CHARS, MIN_LETTERS)
    for path in ("aliases", "phrases", "exceptions", "distinguish"):
        for i, text in enumerate(getattr(draft, path)):
            yield _Text(f"{path}[{i}]", text, MAX_PHRASE_CHARS, MIN_LETTERS)
    for i, pattern in enumerate(draft.patterns):
        letters = 0 if is_class(pattern) else MIN_LETTERS
        yield _Text(f"patterns[{i}].value", pattern.value, MAX_LABEL_CHARS, letters)
    for i, fact in enumerate(draft.facts):
        yield _Text(f"facts[{i}].question", fact.question, MAX_PASSAGE_CHARS)
        yield _Text(f"facts[{i}].answer", fact.answer, MAX_PASSAGE_CHARS)
    for i, passage in enumerate(draft.passages):
        yield _Text(f"passages[{i}]", passage, MAX_PASSAGE_CHARS)
    yield _Text("basis", draft.basis, MAX_LABEL_CHARS)
    yield _Text("external_ref", draft.external_ref, MAX_LABEL_CHARS)


def _check_text(text: _Text) -> None:
    if len(text.text) > text.max_chars:
        raise InvalidTarget(f"is longer than the {text.max_chars} characters allowed", field=text.path)
    if any("\ud800" <= char <= "\udfff" for char in text.text):
        raise InvalidTarget("holds half of a surrogate pair, which is not text", field=text.path)
    if len(fold(text.text)) < text.min_letters:
        raise InvalidTarget(f"needs at least {text.min_letters} letters or digits", field=text.path)


def _check_patterns(draft: Draft) -> None:
    for i, pattern in enumerate(draft.patterns):
        try:
            list(phrases_of(pattern))
        except InvalidTarget as error:
            raise InvalidTarget(error.message, field=f"patterns[{i}].{error.field}") from None


def _check_strength(draft: Draft) -> None:
    bounds = {
        "alpha": (draft.alpha, 0.0, MAX_ALPHA),
        "filter_rate": (draft.filter_rate, 0.0, MAX_FILTER_RATE),
        "quoted_words": (draft.quoted_words, MIN_QUOTED_WORDS, MAX_QUOTED_WORDS),
    }
    for path, (value, lower, upper) in bounds.items():
        if value is not None and not lower <= value <= upper:
            raise InvalidTarget(f"must be between {lower:g} and {upper:g}", field=path)


def _check_canary(draft: Draft) -> None:
    if draft.canary is None:
        return
    if draft.mode is not Mode.SHADOW:
        raise CanaryNotInShadow(
            "is for a target in shadow: promote it, which takes the canary away, or give a second one in shadow a "
            "canary beside the one in force",
            field="canary",
        )
    if not 0 < draft.canary < 1:
        raise InvalidTarget("must be above 0 and below 1", field="canary")


def _check_tags(draft: Draft) -> None:
    for i, tag in enumerate(draft.tags):
        if not TAG.fullmatch(tag):
            raise InvalidTarget("is no tag: 1 to 64 letters, digits and ._:/- of ASCII", field=f"tags[{i}]")


def _check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is None:
        return
    if expires_at.tzinfo is None:
        raise InvalidTarget("needs a time zone", field="expires_at")
    if expires_at <= now:
        raise InvalidTarget("lies in the past", field="expires_at")
