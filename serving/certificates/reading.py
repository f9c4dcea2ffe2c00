"""What a certificate says, for readers. Anybody can sign anything: what is not as expected is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

SCHEMA = "lethe-certificate/1"
MAX_CHARS = 200
"""Length of a member that is shown."""
MAX_SENTENCE_CHARS = 800
_SHARE = re.compile(r"[01]\.\d{1,9}")
FORMS = ("direct", "paraphrase", "fill_in", "reverse", "prefix", "obfuscated", "prefill", "streamed")
FACTS = {
    "url": ("endpoint", "url"),
    "model": ("endpoint", "model"),
    "since": ("target", "suppressed_since"),
    "ended": ("measurement", "ended"),
    "target": ("target", "id"),
    "revision": ("target", "revision"),
    "kind": ("target", "kind"),
    "mode": ("target", "mode"),
    "basis": ("target", "basis"),
    "external_ref": ("target", "external_ref"),
    "policy_version": ("policy_version",),
    "probes": ("measurement", "probes"),
    "leaks": ("after", "all", "count"),
    "of": ("after", "all", "of"),
    "high": ("after", "all", "high"),
    "before": ("before", "all", "count"),
}
"""Members by the key of their text in the desk's catalogue."""
PARTICULARS = {
    "lethe": ("endpoint", "lethe"),
    "engine": ("endpoint", "engine"),
    "scope": ("target", "scope"),
    "forbidden_phrases": ("target", "forbidden_phrases"),
    "began": ("measurement", "began"),
    "seed": ("measurement", "seed"),
    "most_facts": ("measurement", "most_facts"),
    "decoding": ("measurement", "decoding"),
    "intervals": ("measurement", "intervals"),
    "questions": ("neighbours", "questions"),
    "concerned": ("neighbours", "held_to_concern_the_target", "count"),
    "unchanged": ("neighbours", "unchanged_answers", "count"),
    "texts_digest": ("target", "texts_digest"),
    "forbidden_digest": ("target", "forbidden_digest"),
    "probes_digest": ("measurement", "probes_digest"),
}


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many, and between which shares that may lie; "" where it is not said."""

    count: str
    of: str
    low: str
    high: str


class FormRow(NamedTuple):
    """What leaked where it was asked in one form, before suppression (None: not measured) and after."""

    form: str
    before: Share | None
    after: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A certificate of the schema that this version knows.

    before   how the state before was measured, or why it was not
    storage  how the target's texts are stored
    leak     what counts as a leak
    """

    statement: str
    facts: Mapping[str, str]
    forms: tuple[FormRow, ...]
    before: str
    storage: str
    leak: str
    particulars: Mapping[str, str]


def contents_of(payload: Mapping[str, Any]) -> Contents | None:
    """Return what a signed payload says, None if its schema is not known."""
    if payload.get("schema") != SCHEMA:
        return None
    return Contents(
        statement=_text(payload.get("statement")),
        facts=dict(_members(payload, FACTS)),
        forms=tuple(_forms(payload)),
        before=_text(_at(payload, ("before", "how"))),
        storage=_text(payload.get("storage"), MAX_SENTENCE_CHARS),
        leak=_text(_at(payload, ("measurement", "leak")), MAX_SENTENCE_CHARS),
        particulars=dict(_members(payload, PARTICULARS)),
    )


def _forms(payload: Mapping[str, Any]) -> Iterator[FormRow]:
    for form in (*FORMS, ""):
        path = ("by_form", form) if form else ("all",)
        if after := _share(_at(payload, ("after", *path))):
            yield FormRow(form, _share(_at(payload, ("before", *path))), after)


def _share(rate: Any) -> Share | None:
    if not isinstance(rate, dict) or not all(type(rate.get(name)) is int for name in ("count", "of")):
        return None
    counts = (_text(rate.get(name)) for name in ("count", "of"))
    return Share(*counts, *(_percent(_text(rate.get(name))) for name in ("low", "high")))


def _percent(share: str) -> str:
    """Return a share as people read it; what is none stays as it is."""
    return f"{100 * float(share):.1f} %" if _SHARE.fullmatch(share) else share


def _members(payload: Mapping[str, Any], paths: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for name, path in paths.items():
        if text := _text(_at(payload, path)):
            yield name, _percent(text) if name == "high" else text


def _at(payload: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        payload = payload.get(step) if isinstance(payload, dict) else None
    return payload


def _text(value: object, most: int = MAX_CHARS) -> str:
    return str(value)[:most] if isinstance(value, str | int) else ""
