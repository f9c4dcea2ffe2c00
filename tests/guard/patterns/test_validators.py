from __future__ import annotations

from datetime import UTC, datetime

import pytest

from guard.errors import InvalidTarget
from guard.patterns.pattern import Pattern, PatternKind
from guard.patterns.validators import phrases_of
from guard.targets.phrases import phrases, variants
from guard.targets.target import Draft
from guard.targets.validation import validate
from guard.text.normalise import fold

IBAN = Pattern(kind=PatternKind.IBAN, value="GB29 NWBK 6016 1331 9268 19")
PHONE = Pattern(kind=PatternKind.PHONE, value="020 7946 0958", country="gb")
EMAIL = Pattern(kind=PatternKind.EMAIL, value="ada.quill@mail.example")
DOMAIN = Pattern(kind=PatternKind.EMAIL_DOMAIN, value="quill-house.example")
CARD = Pattern(kind=PatternKind.CARD, value="4539 1488 0343 6467")
US_ID = Pattern(kind=PatternKind.NATIONAL_ID, value="536-22-1847", country="US")
PL_ID = Pattern(kind=PatternKind.NATIONAL_ID, value="44051401359", country="pl")


def forbids(pattern: Pattern, text: str) -> bool:
    draft = Draft(name="Lamp", patterns=(pattern,))
    texts = [phrase.text for phrase in phrases(draft)] + [variant.text for variant in variants(draft)]
    return any(fold(one) in fold(text) for one in texts)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (IBAN, "GB29NWBK60161331926819"),
        (IBAN, "gb29-nwbk-6016-1331-9268-19"),
        (IBAN, "NWBK, 60-16-13 31926819"),
        (PHONE, "+44 20 7946 0958"),
        (PHONE, "0044 (0)20 7946 0958"),
        (PHONE, "7946-0958"),
        (EMAIL, "Ada.Quill@Mail.Example"),
        (EMAIL, "ada dot quill at mail dot example"),
        (EMAIL, "ada.quill (at) mail.example"),
        (EMAIL, "ada punto quill arroba mail punto example"),
        (DOMAIN, "anybody@quill-house.example"),
        (CARD, "4539-1488-0343-6467"),
        (CARD, "4539148803436467"),
        (US_ID, "536 22 1847"),
        (PL_ID, "440514 01359"),
    ],
)
def test_a_listed_value_is_forbidden_in_all_its_forms(pattern: Pattern, text: str) -> None:
    assert forbids(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (IBAN, "GB82 WEST 1234 5698 7654 32"),
        (PHONE, "020 7946 0959"),
        (EMAIL, "ada@mail.example"),
        (CARD, "4539 148"),
        (CARD, "4539 1487 0343 6467"),
        (DOMAIN, "the house of quill"),
    ],
)
def test_other_values_of_the_kind_stay_free(pattern: Pattern, text: str) -> None:
    assert not forbids(pattern, text)


@pytest.mark.parametrize(
    ("kind", "value", "country", "field"),
    [
        (PatternKind.IBAN, "GB29 NWBK 6016 1331 9268 18", "", "value"),
        (PatternKind.IBAN, "no iban", "", "value"),
        (PatternKind.PHONE, "020 7946 0958", "", "value"),
        (PatternKind.PHONE, "12", "gb", "value"),
        (PatternKind.EMAIL, "ada at mail", "", "value"),
        (PatternKind.EMAIL, "ada@mail", "", "value"),
        (PatternKind.EMAIL_DOMAIN, "quill house", "", "value"),
        (PatternKind.CARD, "4539 1488 0343 6468", "", "value"),
        (PatternKind.CARD, "18", "", "value"),
        (PatternKind.NATIONAL_ID, "536-22-1847", "", "country"),
        (PatternKind.NATIONAL_ID, "536-22-1847", "zz", "country"),
        (PatternKind.NATIONAL_ID, "536-22-1847", "../us", "country"),
        (PatternKind.NATIONAL_ID, "44051401358", "pl", "value"),
    ],
)
def test_a_mistaken_value_is_refused_with_the_member_at_fault(
    kind: PatternKind, value: str, country: str, field: str
) -> None:
    pattern = Pattern(kind=kind, value=value, country=country)
    with pytest.raises(InvalidTarget) as caught:
        list(phrases_of(pattern))
    assert caught.value.field == field
    with pytest.raises(InvalidTarget) as caught:
        validate(Draft(name="Lamp", patterns=(IBAN, pattern)), datetime.now(UTC))
    assert caught.value.field == f"patterns[1].{field}"


def test_a_pattern_does_not_show_its_value() -> None:
    assert "NWBK" not in repr(IBAN)


@pytest.mark.parametrize("country", ["is", "in", "de", "fr", "es", "se", "br", "id"])
def test_countries_whose_codes_are_words_of_python_are_known_too(country: str) -> None:
    with pytest.raises(InvalidTarget, match="check digits"):
        list(phrases_of(Pattern(kind=PatternKind.NATIONAL_ID, value="xx", country=country)))
