"""The fields of the form of a target: from what is stored or sent by a browser, and to the admin plane's body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData

from guard.errors import LetheError
from guard.patterns.pattern import Pattern
from guard.targets.target import Draft
from serving.admin.target_file import pattern_of

LINES = ("aliases", "phrases", "exceptions", "distinguish", "patterns", "tags")
"""Members with one text a line."""
CHECKS = ("soft", "shared")
PLAIN = ("name", "kind", "variants", "scope", "mode", "decoder", "quoted_words", "basis", "external_ref")
OPTIONAL = ("canary", "alpha", "filter_rate", "supplied", "expires_at")
"""Members that are null where the field is empty."""
SPARE_ROWS = 2
"""Empty rows for facts, and for passages, below those that are filled in."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What the form shows.

    texts     by name of the member; members of LINES with one text a line
    facts     pairs of question and answer
    """

    texts: Mapping[str, str] = field(repr=False)
    facts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    passages: tuple[str, ...] = field(default=(), repr=False)
    methods: tuple[str, ...] = ()
    checked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a field; `path` is that of the admin plane, as `facts[2].answer`."""

    field: str
    path: str
    why: str


def fields_of(draft: Draft) -> Fields:
    """Return the form of a stored target."""
    texts = {name: str(getattr(draft, name)) for name in PLAIN}
    texts |= {name: "\n".join(map(_line, getattr(draft, name))) for name in LINES}
    texts |= {name: "" if (value := getattr(draft, name)) is None else str(value) for name in OPTIONAL}
    texts["expires_at"] = _local(draft.expires_at)
    return Fields(
        {name: _newlines(text) for name, text in texts.items()},
        tuple((_newlines(fact.question), _newlines(fact.answer)) for fact in draft.facts),
        tuple(map(_newlines, draft.passages)),
        tuple(draft.methods),
        frozenset(name for name in CHECKS if getattr(draft, name)),
    )


def fields_sent(form: FormData) -> Fields:
    """Return the form as a browser sent it; rows without any text are left out."""
    facts = zip(_all(form, "question"), _all(form, "answer"), strict=False)
    return Fields(
        {name: _newlines(str(form.get(name, ""))) for name in (*PLAIN, *LINES, *OPTIONAL)},
        tuple((question, answer) for question, answer in facts if question.strip() or answer.strip()),
        tuple(passage for passage in _all(form, "passage") if passage.strip()),
        tuple(_all(form, "methods")),
        frozenset(name for name in CHECKS if name in form),
    )


def members_of(sent: Fields, shown: Fields | None = None) -> dict[str, Any]:
    """Return the members of a body of the admin plane; without those that are as they were `shown`.

    What was not touched stays as it is stored, although a form shows line ends and seconds in its own way.
    """
    changed = {name for name, text in sent.texts.items() if shown is None or shown.texts[name] != text}
    members: dict[str, Any] = {name: sent.texts[name].strip() for name in PLAIN if name in changed}
    members |= {name: _lines(sent.texts[name]) for name in LINES if name in changed}
    members |= {name: sent.texts[name].strip() or None for name in OPTIONAL if name in changed}
    if "patterns" in members:
        members["patterns"] = [pattern_of(line) for line in members["patterns"]]
    if members.get("expires_at"):
        members["expires_at"] = f"{members['expires_at']}:00Z"
    if shown is None or shown.facts != sent.facts:
        members["facts"] = [{"question": question, "answer": answer} for question, answer in sent.facts]
    if shown is None or shown.passages != sent.passages:
        members["passages"] = list(sent.passages)
    if shown is None or set(shown.methods) != set(sent.methods):
        members["methods"] = list(sent.methods)
    if shown is None or shown.checked != sent.checked:
        members |= {name: name in sent.checked for name in CHECKS}
    return members


def differing(sent: Fields, stored: Fields) -> dict[str, str]:
    """Return what is stored of each field that was sent with something else, as a text."""
    found = {name: text for name, text in stored.texts.items() if text != sent.texts[name]}
    if stored.facts != sent.facts:
        found["facts"] = "\n\n".join("\n".join(filter(None, fact)) for fact in stored.facts)
    if stored.passages != sent.passages:
        found["passages"] = "\n\n".join(stored.passages)
    if set(stored.methods) != set(sent.methods):
        found["methods"] = ", ".join(stored.methods)
    return found | dict.fromkeys(sorted(stored.checked ^ sent.checked), "")


def faults_of(error: ValidationError | LetheError) -> list[Fault]:
    """Return what is wrong with which field."""
    if isinstance(error, LetheError):
        path = error.field or ""
        return [Fault(path.partition("[")[0].partition(".")[0], path, error.message)]
    return [
        Fault(str(one["loc"][0]) if one["loc"] else "", _path(one["loc"]), one["msg"])
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _path(location: Iterable[int | str]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def _all(form: FormData, name: str) -> list[str]:
    return [_newlines(str(value)) for value in form.getlist(name)]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _line(value: str | Pattern) -> str:
    if isinstance(value, Pattern):
        label = f"{value.kind}/{value.country}" if value.country else str(value.kind)
        value = f"{label}={value.value}"
    return " ".join(_newlines(value).split("\n"))


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _local(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") if at else ""
