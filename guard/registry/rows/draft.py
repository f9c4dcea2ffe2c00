"""The draft of a target, from the JSON members that a row stores."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from guard.patterns.pattern import Pattern, PatternKind
from guard.targets.target import Decoder, Draft, Fact, Kind, Method, Mode, Scope, Supplied
from guard.variants.variant import Variants


def draft_of(members: dict[str, Any]) -> Draft:
    """Return the draft of the members that a row stores. Raises ValueError, TypeError or KeyError if it is
    malformed."""
    expires_at = members["expires_at"]
    return Draft(
        name=members["name"],
        kind=Kind(members["kind"]),
        aliases=tuple(members["aliases"]),
        facts=tuple(Fact(answer=fact["answer"], question=fact["question"]) for fact in members["facts"]),
        passages=tuple(members["passages"]),
        phrases=tuple(members["phrases"]),
        patterns=tuple(
            Pattern(kind=PatternKind(each["kind"]), value=each["value"], country=each["country"])
            for each in members["patterns"]
        ),
        exceptions=tuple(members["exceptions"]),
        distinguish=tuple(members["distinguish"]),
        variants=Variants(members["variants"]),
        methods=tuple(Method(method) for method in members["methods"]),
        scope=Scope(members["scope"]),
        mode=Mode(members["mode"]),
        # Rows of earlier versions have neither this nor tags.
        canary=members.get("canary"),
        decoder=Decoder(members["decoder"]),
        alpha=members["alpha"],
        filter_rate=members["filter_rate"],
        quoted_words=members["quoted_words"],
        supplied=None if members["supplied"] is None else Supplied(members["supplied"]),
        soft=members["soft"],
        shared=members["shared"],
        tags=tuple(members.get("tags", ())),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        basis=members["basis"],
        external_ref=members["external_ref"],
    )
