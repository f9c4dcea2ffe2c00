from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guard.errors import CanaryNotInShadow, InvalidTarget
from guard.targets.target import Draft, Fact, Method, Mode
from guard.targets.validation import MAX_COUNTS, validate

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DRAFT = Draft(name="Ada Quill")


def test_a_name_is_enough() -> None:
    validate(DRAFT, NOW)


def test_every_member_at_its_limit_is_fine() -> None:
    validate(
        Draft(
            name="x" * 512,
            aliases=("Al",),
            facts=(Fact(answer="x" * 65_536, question="x" * 65_536),),
            passages=("x" * 65_536,),
            phrases=tuple(f"{i:04}" for i in range(4096)),
            exceptions=("x" * 4096,),
            methods=(Method.GUARD, Method.DECLINE),
            expires_at=NOW + timedelta(seconds=1),
            basis="x" * 256,
            external_ref="x" * 256,
        ),
        NOW,
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \t…🙂"}, "name"),
        ({"name": "x"}, "name"),
        ({"name": "x" * 513}, "name"),
        ({"aliases": ("Ada", "!")}, "aliases[1]"),
        ({"aliases": ("ok",) * (MAX_COUNTS["aliases"] + 1)}, "aliases"),
        ({"phrases": ("one", "two", "three", "x" * 4097)}, "phrases[3]"),
        ({"phrases": ("- x -",)}, "phrases[0]"),
        ({"exceptions": ("",)}, "exceptions[0]"),
        ({"facts": (Fact(answer="x" * 65_537),)}, "facts[0].answer"),
        ({"facts": (Fact(answer="x", question="\udfff?"),)}, "facts[0].question"),
        ({"passages": ("fine", "half \ud83d")}, "passages[1]"),
        ({"methods": ()}, "methods"),
        ({"basis": "x" * 257}, "basis"),
        ({"external_ref": "x" * 257}, "external_ref"),
        ({"expires_at": NOW}, "expires_at"),
        ({"expires_at": datetime(2031, 1, 1)}, "expires_at"),
        ({"passages": ("x" * 65_536,) * 17}, None),
    ],
)
def test_the_invalid_member_is_named(change: dict[str, Any], field: str | None) -> None:
    with pytest.raises(InvalidTarget) as caught:
        validate(replace(DRAFT, **change), NOW)
    assert caught.value.field == field


def test_the_message_holds_nothing_of_the_text() -> None:
    with pytest.raises(InvalidTarget) as caught:
        validate(replace(DRAFT, phrases=("Quillfeather " * 400,)), NOW)
    assert "Quillfeather" not in str(caught.value)


def test_a_letter_of_any_script_counts() -> None:
    for name in ("李白", "Ωμ", "علی", "יד", "한강", "Ёж", "٣٤"):
        validate(replace(DRAFT, name=name), NOW)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 2.0, float("nan")])
def test_a_canary_share_is_neither_none_nor_all(share: float) -> None:
    validate(replace(DRAFT, mode=Mode.SHADOW, canary=0.05), NOW)
    with pytest.raises(InvalidTarget) as caught:
        validate(replace(DRAFT, mode=Mode.SHADOW, canary=share), NOW)
    assert caught.value.field == "canary"


def test_an_enforced_target_has_no_canary_share() -> None:
    with pytest.raises(CanaryNotInShadow) as caught:
        validate(replace(DRAFT, canary=0.05), NOW)
    assert (caught.value.code, caught.value.field) == ("canary_not_in_shadow", "canary")
