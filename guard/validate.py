"""What a forget target may look like, checked before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from guard.errors import InvalidTarget
from guard.normalise import fold
from guard.target import Draft

NAME_CHARS = 512
PHRASE_BYTES = 4 * 1024
PASSAGE_BYTES = 64 * 1024
TARGET_BYTES = 1024 * 1024
LABEL_CHARS = 256
PHRASE_FOLDED_CHARS = 2
COUNTS = {"aliases": 256, "facts": 2048, "passages": 256, "phrases": 4096, "exceptions": 1024, "methods": 2}


class _Text(NamedTuple):
    path: str
    text: str
    limit: int


def validate(draft: Draft, now: datetime) -> None:
    """Raise `InvalidTarget`, with the path of the member at fault, unless `draft` can be stored as it is."""
    _check_counts(draft)
    _check_sizes(draft)
    _check_letters("name", draft.name, 1)
    for path in ("aliases", "phrases", "exceptions"):
        for i, text in enumerate(getattr(draft, path)):
            _check_letters(f"{path}[{i}]", text, PHRASE_FOLDED_CHARS)
    for i, fact in enumerate(draft.facts):
        _check_letters(f"facts[{i}].answer", fact.answer, 1)
    for i, passage in enumerate(draft.passages):
        _check_letters(f"passages[{i}]", passage, 1)
    _check_expiry(draft.expires_at, now)


def _check_counts(draft: Draft) -> None:
    for path, most in COUNTS.items():
        members: Sequence[object] = getattr(draft, path)
        if len(members) > most:
            raise InvalidTarget(f"at most {most} entries are allowed", field=path)
    if not draft.methods:
        raise InvalidTarget("at least one method is needed", field="methods")
    if len(set(draft.methods)) < len(draft.methods):
        raise InvalidTarget("each method may be given once", field="methods")


def _check_sizes(draft: Draft) -> None:
    total = 0
    for path, text, limit in _texts(draft):
        size = _stored_bytes(path, text)
        if size > limit:
            raise InvalidTarget(f"longer than the {limit} bytes allowed here", field=path)
        total += size
    if total > TARGET_BYTES:
        raise InvalidTarget(f"the texts of one target are limited to {TARGET_BYTES} bytes in all")
    for path, text in (("name", draft.name), ("basis", draft.basis), ("external_ref", draft.external_ref)):
        most = NAME_CHARS if path == "name" else LABEL_CHARS
        if len(text) > most:
            raise InvalidTarget(f"longer than the {most} characters allowed here", field=path)


def _texts(draft: Draft) -> Iterator[_Text]:
    yield _Text("name", draft.name, PHRASE_BYTES)
    yield _Text("basis", draft.basis, PHRASE_BYTES)
    yield _Text("external_ref", draft.external_ref, PHRASE_BYTES)
    for path in ("aliases", "phrases", "exceptions"):
        for i, text in enumerate(getattr(draft, path)):
            yield _Text(f"{path}[{i}]", text, PHRASE_BYTES)
    for i, fact in enumerate(draft.facts):
        yield _Text(f"facts[{i}].question", fact.question, PASSAGE_BYTES)
        yield _Text(f"facts[{i}].answer", fact.answer, PASSAGE_BYTES)
    for i, passage in enumerate(draft.passages):
        yield _Text(f"passages[{i}]", passage, PASSAGE_BYTES)


def _stored_bytes(path: str, text: str) -> int:
    if "\0" in text:
        raise InvalidTarget("holds a NUL character", field=path)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidTarget("holds half of a surrogate pair, which is not text", field=path) from None


def _check_letters(path: str, text: str, least: int) -> None:
    if len(fold(text)) < least:
        needed = "a letter or digit" if least == 1 else f"{least} letters or digits"
        raise InvalidTarget(f"needs at least {needed}", field=path)


def _check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is None:
        return
    if expires_at.tzinfo is None:
        raise InvalidTarget("needs a time zone", field="expires_at")
    if expires_at <= now:
        raise InvalidTarget("lies in the past", field="expires_at")
