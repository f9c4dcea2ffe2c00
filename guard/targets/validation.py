"""What a forget target may look like, checked before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from guard.errors import InvalidTarget
from guard.targets.target import MAX_ALPHA, MAX_FILTER_RATE, Draft
from guard.text.normalise import fold

NAME_CHARS = 512
PHRASE_CHARS = 4 * 1024
PASSAGE_CHARS = 64 * 1024
LABEL_CHARS = 256
TARGET_CHARS = 1024 * 1024
LEAST_LETTERS = 2
COUNTS = {"aliases": 256, "facts": 2048, "passages": 256, "phrases": 4096, "exceptions": 1024, "methods": 4}
FEWEST_QUOTED, MOST_QUOTED = 3, 64


class _Text(NamedTuple):
    path: str
    text: str
    most: int
    letters: int = 0


def validate(draft: Draft, now: datetime) -> None:
    """Raise `InvalidTarget`, with the path of the member at fault, unless `draft` can be stored as it is."""
    _check_counts(draft)
    total = 0
    for text in _texts(draft):
        _check_text(text)
        total += len(text.text)
    if total > TARGET_CHARS:
        raise InvalidTarget(f"the texts of one target are limited to {TARGET_CHARS} characters in all")
    _check_strength(draft)
    _check_expiry(draft.expires_at, now)


def _check_counts(draft: Draft) -> None:
    for path, most in COUNTS.items():
        members: Sequence[object] = getattr(draft, path)
        if len(members) > most:
            raise InvalidTarget(f"has more than the {most} entries allowed", field=path)
    if not draft.methods:
        raise InvalidTarget("needs at least one entry", field="methods")


def _texts(draft: Draft) -> Iterator[_Text]:
    yield _Text("name", draft.name, NAME_CHARS, LEAST_LETTERS)
    for path in ("aliases", "phrases", "exceptions"):
        for i, text in enumerate(getattr(draft, path)):
            yield _Text(f"{path}[{i}]", text, PHRASE_CHARS, LEAST_LETTERS)
    for i, fact in enumerate(draft.facts):
        yield _Text(f"facts[{i}].question", fact.question, PASSAGE_CHARS)
        yield _Text(f"facts[{i}].answer", fact.answer, PASSAGE_CHARS)
    for i, passage in enumerate(draft.passages):
        yield _Text(f"passages[{i}]", passage, PASSAGE_CHARS)
    yield _Text("basis", draft.basis, LABEL_CHARS)
    yield _Text("external_ref", draft.external_ref, LABEL_CHARS)


def _check_text(text: _Text) -> None:
    if len(text.text) > text.most:
        raise InvalidTarget(f"is longer than the {text.most} characters allowed", field=text.path)
    if any("\ud800" <= char <= "\udfff" for char in text.text):
        raise InvalidTarget("holds half of a surrogate pair, which is not text", field=text.path)
    if len(fold(text.text)) < text.letters:
        raise InvalidTarget(f"needs at least {text.letters} letters or digits", field=text.path)


def _check_strength(draft: Draft) -> None:
    bounds = {
        "alpha": (draft.alpha, 0.0, MAX_ALPHA),
        "filter_rate": (draft.filter_rate, 0.0, MAX_FILTER_RATE),
        "quoted_words": (draft.quoted_words, FEWEST_QUOTED, MOST_QUOTED),
    }
    for path, (value, least, most) in bounds.items():
        if value is not None and not least <= value <= most:
            raise InvalidTarget(f"must be between {least:g} and {most:g}", field=path)


def _check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is None:
        return
    if expires_at.tzinfo is None:
        raise InvalidTarget("needs a time zone", field="expires_at")
    if expires_at <= now:
        raise InvalidTarget("lies in the past", field="expires_at")
