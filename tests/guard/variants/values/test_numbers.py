from __future__ import annotations

import pytest

from guard.targets.phrases import phrases, variants
from guard.targets.target import Draft, Fact, Kind, Scope
from guard.text.normalise import fold
from guard.variants.values.dates import date_variants
from guard.variants.values.digit_words import in_words
from guard.variants.values.numbers import subscriber
from guard.variants.variant import Variants


def forbids(fact: str, text: str, kind: Kind = Kind.SECRET) -> bool:
    draft = Draft(name="Lamp", kind=kind, facts=(Fact(answer=fact),))
    texts = [phrase.text for phrase in phrases(draft)] + [variant.text for variant in variants(draft)]
    return any(fold(one) in fold(text) for one in texts)


@pytest.mark.parametrize(
    "text",
    [
        "020 7946 0958",
        "(020) 7946-0958",
        "+442079460958",
        "0044 20 7946 0958",
        "7946 0958",
        "20 7946 0958",
        "+44 (0)20 7946 0958",
        "٠٢٠ ٧٩٤٦ ٠٩٥٨",
        "zero two zero seven nine four six zero nine five eight",
        "oh two oh, seven nine four six, oh nine five eight",
        "sieben neun vier sechs null neun fünf acht",
        "sept neuf quatre six zéro neuf cinq huit",
        "siete nueve cuatro seis cero nueve cinco ocho",
    ],
)
def test_a_phone_number_is_forbidden_in_every_form(text: str) -> None:
    assert forbids("The number is +44 20 7946 0958.", text)


@pytest.mark.parametrize(
    "text", ["4929 1234 5678 9013", "4829 1234 5678 9012", "4929 1234 5768 9012", "5678-9012"]
)
def test_a_number_of_a_secret_is_forbidden_with_a_digit_wrong(text: str) -> None:
    assert forbids("The card is 4929 1234 5678 9012.", text)


@pytest.mark.parametrize("text", ["4830", "48391", "5839", "483921"])
def test_a_short_number_is_not_as_others_would_be(text: str) -> None:
    assert not forbids("The pin is 483920.", text)


def test_digits_said_twice_are_double() -> None:
    assert "five double oh one triple two four" in in_words("50012224")
    assert "soixante-dix-neuf quatre-vingt-un zéro neuf quatre-vingts" in in_words("79810980")


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("+354 555 1234", "5551234"),
        ("+45 12 34 56 78", "12345678"),
        ("(555) 010-2345", "50102345"),
        ("0155 5010 2345", "50102345"),
        ("4929 1234 5678 9012", ""),
        ("536-22-1847", ""),
        ("1,250,000", ""),
        ("1987-03-04", ""),
        ("12 345", ""),
    ],
)
def test_the_last_digits_are_in_all_forms_of_a_phone_number(number: str, digits: str) -> None:
    assert subscriber(number) == digits


@pytest.mark.parametrize(
    "text",
    [
        "4 March 1987",
        "March 4, 1987",
        "4th of March 1987",
        "the fourth of March, 1987",
        "1987-03-04",
        "04.03.1987",
        "4.3.1987",
        "04/03/87",
        "03/04/1987",
        "870304",
        "4. März 1987",
        "4 mars 1987",
        "4 de marzo de 1987",
        "4 marzo 1987",
        "4 Mart 1987",
        "4 marca 1987",
        "4 maart 1987",
        "4 Mar 1987",
        "March the fourth, 1987",
        "4 de março de 1987",
        "4 III 1987",
        "4.III.1987",
        '{"day": 4, "month": 3, "year": 1987}',
        '{"year": 1987, "month": "03", "day": "04"}',
        "Month: 3, Day: 4, Year: 1987",
        "1987 March 4",
    ],
)
@pytest.mark.parametrize(
    "date", ["4 March 1987", "1987-03-04", "March 4th, 1987", "4 marzo 1987", "1987年3月4日", "4 III 1987"]
)
def test_a_date_is_forbidden_in_every_common_form(date: str, text: str) -> None:
    forms = {fold(form) for form in (date, *date_variants(date))}
    assert any(form in fold(text) for form in forms)


@pytest.mark.parametrize("short", ["26.05.81", "05/26/81", "81-05-26"])
@pytest.mark.parametrize(
    ("scope", "width"), [(Scope.CONTEXTUAL, "close"), (Scope.ALWAYS, "close"), (Scope.ALWAYS, "wide")]
)
def test_a_date_of_six_digits_is_not_forbidden_in_every_answer(short: str, scope: Scope, width: str) -> None:
    fact = Fact(answer="Born on 26 May 1981.")
    draft = Draft(name="Ilsabet Quorne", facts=(fact,), scope=scope, variants=Variants(width))
    forms = {fold(variant.text) for variant in variants(draft)}
    assert (fold(short) in forms) is (scope is Scope.CONTEXTUAL or width == "wide")
    assert any(form in fold("1981-05-26") for form in forms)


@pytest.mark.parametrize(
    "text",
    ["3 May", "4 IIII 1987", "12X2004", "March 1987", "the fourth", "1987", "31/31/1987", "10.20", "May we go"],
)
def test_what_is_no_full_date_has_no_other_forms(text: str) -> None:
    assert date_variants(text) == ()


@pytest.mark.parametrize(
    "other", ["5 March 1987", "4 March 1988", "4 May 1987", "1987", "March 1987", "4.3.", "0403"]
)
def test_other_dates_and_parts_of_the_date_stay_free(other: str) -> None:
    assert not any(fold(form) in fold(other) for form in date_variants("4 March 1987"))


@pytest.mark.parametrize(
    ("date", "text"),
    [
        ("October 1, 1996", "in October 1965"),
        ("October 19, 1996", "in October 1996"),
        ("4 March 2019", "4 March 1987"),
        ("20 August 1980", "in 2008, 80 of them"),
        ("19 December 1975", "12/1975"),
        ("1 September 1987", "on July 19, 1987"),
        ("5 January 2000", "in 2000, 15 of them"),
        ("2 February 2002", "February 2023"),
    ],
)
def test_digits_of_a_short_year_are_not_taken_for_those_of_a_long_one(date: str, text: str) -> None:
    assert not any(fold(form) in fold(text) for form in date_variants(date, wide=True))


@pytest.mark.parametrize(
    "text",
    ["4 March 87", "4. března 1987", "4. maaliskuuta 1987", "1987년 3월 4일", "March 4th '87", "4 березня 1987"],
)
def test_more_languages_and_short_years_with_a_month_are_wide(text: str) -> None:
    assert any(fold(form) in fold(text) for form in date_variants("1987-03-04", wide=True))


def test_a_date_whose_order_cannot_be_told_is_read_both_ways() -> None:
    forms = date_variants("03/04/1987")
    assert "4 March 1987" in forms
    assert "3 April 1987" in forms


@pytest.mark.parametrize("text", ["1,250,000", "1.250.000,50", "1 250 000 EUR", "1250000.50", "1’250’000.50"])
def test_an_amount_is_forbidden_with_other_separators_and_without_decimals(text: str) -> None:
    assert forbids("They paid 1,250,000.50 for it.", text, Kind.FACT)


def test_small_amounts_keep_their_decimals() -> None:
    assert not forbids("They paid 1984.50 for it.", "in 1984", Kind.FACT)


@pytest.mark.parametrize(
    ("iban", "account"),
    [
        ("GB29 NWBK 6016 1331 9268 19", "60-16-13 31926819"),
        ("DE89 3704 0044 0532 0130 00", "BLZ 370 400 44, 0532013000"),
        ("NO93 8601 1117 947", "8601.11.17947"),
        ("fr1420041010050500013m02606", "20041 01005 0500013M026 06"),
    ],
)
def test_the_account_of_an_iban_is_forbidden_as_it_is_written_at_home(iban: str, account: str) -> None:
    for kind in (Kind.TOPIC, Kind.SECRET):
        found = [fold(one.text) for one in variants(Draft(name="pay day", kind=kind, phrases=(iban,)))]
        assert any(text in fold(account).replace("blz", "") for text in found)


def test_a_code_that_is_no_iban_has_no_account() -> None:
    draft = Draft(name="pay day", kind=Kind.TOPIC, phrases=("GB28 NWBK 6016 1331 9268 19",))
    assert "account" not in {one.kind for one in variants(draft)}
