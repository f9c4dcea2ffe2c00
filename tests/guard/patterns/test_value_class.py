from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban as iban_rules
from stdnum import luhn
from stdnum.de import idnr

from guard.errors import InvalidTarget
from guard.matching.escape_scanner import EscapeScanner
from guard.patterns.class_scanner import ClassScanner
from guard.patterns.pattern import Pattern, PatternKind
from guard.patterns.syntax import MAX_MATCH_CHARS
from guard.patterns.validators import phrases_of
from guard.patterns.value_class import ValueClass, class_of, classes_of, found_in
from guard.text.markup_escapes import MARKUP

DIGITS = "0123456789"


def whole(kind: PatternKind, country: str = "") -> ValueClass:
    return class_of(kind, "*", country)


IBANS, CARDS = whole(PatternKind.IBAN), whole(PatternKind.CARD)
EMAILS = whole(PatternKind.EMAIL)
CODES = class_of(PatternKind.REGEX, r"KX-\d{4}(?:-[A-F]+)?", "")
ALL = (IBANS, CARDS, EMAILS, CODES, whole(PatternKind.PHONE, "gb"), whole(PatternKind.NATIONAL_ID, "de"))


def invented_iban(country: str, account: str) -> str:
    return f"{country}{98 - int(luhn_free(country, account)) % 97:02d}{account}"


def luhn_free(country: str, account: str) -> str:
    """The digits whose remainder by 97 gives the check digits of an IBAN."""
    return "".join(str(int(char, 36)) for char in f"{account}{country}00")


# Of countries whose account numbers have no check digits of their own.
ACCOUNTS = {"DE": 18, "AT": 16, "DK": 14, "LI": 17, "LU": 16}
ibans = st.sampled_from(sorted(ACCOUNTS)).flatmap(
    lambda country: st.text(DIGITS, min_size=ACCOUNTS[country], max_size=ACCOUNTS[country]).map(
        lambda account: invented_iban(country, account)
    )
)
cards = (
    st.text(DIGITS, min_size=12, max_size=18)
    .map(lambda text: "4" + text[1:])
    .map(lambda number: number + str(luhn.calc_check_digit(number)))
)
around = st.sampled_from(["", "pay to ", "IBAN: ", "(", "\n", "№ ", "¿", "in 1984, "])
after = st.sampled_from(["", " today", ".", ", thanks", ")", "\n2 rows"])


def grouped(text: str, size: int, separator: str) -> str:
    return separator.join(text[at : at + size] for at in range(0, len(text), size))


@given(ibans, around, after, st.sampled_from(["", " ", "-", ".", " - ", "  ", "\u00a0"]))
def test_any_iban_is_found_in_any_grouping(iban: str, before: str, rest: str, separator: str) -> None:
    assert iban_rules.is_valid(iban)
    assert found_in(IBANS, before + grouped(iban, 4, separator) + rest)
    assert found_in(IBANS, before + iban.lower() + rest)


@given(ibans, st.integers(1, 9))
def test_an_iban_whose_check_digits_are_wrong_is_not_found(iban: str, shift: int) -> None:
    wrong = iban[:-1] + str((int(iban[-1]) + shift) % 10)
    assert not found_in(IBANS, f"to {wrong} today")


@given(cards, around, after, st.sampled_from(["", " ", "-", ".", "/", "  ", " – "]))
def test_any_card_is_found(card: str, before: str, rest: str, separator: str) -> None:
    assert found_in(CARDS, before + grouped(card, 4, separator) + rest)


@given(cards, st.integers(1, 9))
def test_a_card_whose_check_digit_is_wrong_is_not_found(card: str, shift: int) -> None:
    wrong = card[:-1] + str((int(card[-1]) + shift) % 10)
    assert not found_in(CARDS, f"card {wrong}.")


@pytest.mark.parametrize(
    ("value_class", "text", "found"),
    [
        (CARDS, "id14111111111111111x", False),
        (CARDS, "４１１１ １１１１ １１１１ １１１１", True),
        (CARDS, "4111\u200b1111 1111 1111", True),
        (IBANS, "GB29 NWBK 6016 1331 9268 19 and more", True),
        (IBANS, "GB28 NWBK 6016 1331 9268 19", False),
        (whole(PatternKind.IBAN, "de"), "GB29 NWBK 6016 1331 9268 19", False),
        (whole(PatternKind.PHONE, "gb"), "ring 020 7946 0958.", True),
        (whole(PatternKind.PHONE, "gb"), "ring +44 (0)20 7946 0958", True),
        (whole(PatternKind.PHONE, "gb"), "in 1984, of 12345 people", False),
        (whole(PatternKind.PHONE, "gb"), "+49 30 901820", False),
        (whole(PatternKind.PHONE), "ring 020 7946 0958", False),
        (whole(PatternKind.PHONE), "ring +49 30 901820", True),
        (EMAILS, "write to ilsabet.quorne+x@mail.quorne.example, please", True),
        (EMAILS, "ｉlsabet＠quorne.example", True),
        (EMAILS, "meet @quorne at 5.30", False),
        (CODES, "see xkx-1234", True),
        (CARDS, "**4111** **1111** **1111** **1111**", True),
        (CARDS, "in 2013, 2014 2015 2016 2009 then", False),
        (CARDS, "1994 1995 1996 1997 and 1994 1995 1996 1993, 1994 1995 1996 1995", False),
        (IBANS, "G B 2 9 N W B K 6 0 1 6 1 3 3 1 9 2 6 8 1 9", True),
        (whole(PatternKind.PHONE), "ring 0049 30 901820", True),
        (whole(PatternKind.PHONE, "de"), "ring 030 - 901 820", True),
        (whole(PatternKind.PHONE, "de"), "of 1.234.567 people, 1,234,567", False),
        (whole(PatternKind.NATIONAL_ID, "us"), "it is 536-90-4399.", True),
        (whole(PatternKind.NATIONAL_ID, "us"), "it is no 536904399 then", True),
        (whole(PatternKind.NATIONAL_ID, "us"), "it is 536-90-43", False),
        (whole(PatternKind.NATIONAL_ID, "de"), "im Jahr 100000, WKN 716460, 1.234.567 Leute", False),
        (whole(PatternKind.NATIONAL_ID, "es"), "su DNI es 54.362.315-K", True),
        (whole(PatternKind.NATIONAL_ID, "es"), "NIE X-2482300-W", True),
        (whole(PatternKind.NATIONAL_ID, "fi"), "se on 131052-308T", True),
        (whole(PatternKind.NATIONAL_ID, "it"), "cf RSS MRA 85T10 A562S.", True),
        (CODES, "see kx-123", False),
        (whole(PatternKind.NATIONAL_ID, "it"), "cf RSSMRA85T10A562S.", True),
        (whole(PatternKind.NATIONAL_ID, "it"), "cf RSSMRA85T10A562T.", False),
    ],
)
def test_values_of_a_class_are_told_from_other_texts(value_class: ValueClass, text: str, found: bool) -> None:
    assert found_in(value_class, text) is found
    assert found_in(value_class, "word " * 200 + text + " word" * 200) is found


@given(st.text(DIGITS, min_size=10, max_size=10).filter(lambda text: text[0] != "0"))
def test_national_ids_are_those_of_the_countrys_rules(digits: str) -> None:
    number = digits + idnr.mod_11_10.calc_check_digit(digits)
    national = whole(PatternKind.NATIONAL_ID, "de")
    if idnr.is_valid(number):
        assert found_in(national, f"id {number[:2]} {number[2:5]} {number[5:8]} {number[8:]}")


secrets = st.one_of(ibans, cards, st.just("KX-1234-AB"), st.just("a.b@quorne.example"), st.just("020 7946 0958"))
words = st.sampled_from(
    ["The ", "4111 ", "kx", "KX-12", " in 1984 ", "DE89 ", "a@", "x. ", "+44 20", "é", "🙂", " "]
)
answers = st.lists(st.one_of(words, words, secrets.map(lambda text: f" {text} ")), max_size=6).map("".join)


def streamed(text: str, cuts: list[int], seed: str = "") -> tuple[str, bool]:
    scanner = ClassScanner(EscapeScanner([], seed), ALL, seed)
    bounds = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    pieces = [scanner.feed(text[first:last]) for first, last in pairwise(bounds)]
    return "".join([*pieces, scanner.finish()]), scanner.matched


@settings(max_examples=60, deadline=None)
@given(answers, st.lists(st.integers(0, 500), max_size=12))
def test_how_a_stream_is_cut_does_not_change_what_leaves(text: str, cuts: list[int]) -> None:
    assert streamed(text, cuts) == streamed(text, [])


@settings(max_examples=60, deadline=None)
@given(answers, st.lists(st.integers(0, 500), max_size=12))
def test_no_value_leaves_and_other_text_does(text: str, cuts: list[int]) -> None:
    released, matched = streamed(text, cuts)
    assert text.startswith(released)
    assert not any(found_in(each, released) for each in ALL)
    assert matched == any(found_in(each, text) for each in ALL)
    assert matched or released == text


def test_a_value_that_the_prefill_began_is_withheld_and_one_that_it_holds_is_not() -> None:
    assert streamed("1111 1111 1111, she said", [], "card 4111 ") == ("", True)
    assert streamed(", she said", [], "card 4111 1111 1111 1111") == (", she said", False)


def escaped(text: str, every: int) -> str:
    return "".join(f"\\u{ord(char):04x}" if at % every == 0 else char for at, char in enumerate(text))


@settings(max_examples=60, deadline=None)
@given(answers, st.lists(st.integers(0, 900), max_size=12), st.integers(1, 4))
def test_values_written_with_escapes_of_json_are_withheld(text: str, cuts: list[int], every: int) -> None:
    text = "".join(char for char in text if ord(char) < 0x10000)
    raw = escaped(text, every)
    released, matched = streamed(raw, cuts)
    assert (released, matched) == streamed(raw, [])
    assert raw.startswith(released)
    assert matched == any(found_in(each, text) for each in ALL)
    assert matched or released == raw


@pytest.mark.parametrize("blank", ["&nbsp;", "%20", "<br>", "</td><td>", "&#8239;"])
@pytest.mark.parametrize("value", ["4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"])
def test_values_with_blanks_of_markup_are_withheld(blank: str, value: str) -> None:
    raw = f"It is {value.replace(' ', blank)}, she said"
    for pieces in ([raw], list(raw)):
        scanner = ClassScanner(EscapeScanner([]), ALL, escapes=MARKUP)
        released = "".join(map(scanner.feed, pieces)) + scanner.finish()
        assert (released, scanner.matched) == ("It is ", True)


def test_a_stream_that_ends_in_an_escape_ends_whole() -> None:
    assert streamed("so \\u00", [4, 5]) == ("so \\u00", False)
    assert streamed("31 4", [], "so \\u00") == ("31 4", False)


def test_no_more_is_held_back_than_the_longest_value() -> None:
    endless = class_of(PatternKind.REGEX, "x.*yyyy", "")
    scanner = ClassScanner(EscapeScanner([]), [endless])
    released = "".join(scanner.feed("x" * 50) for _ in range(40))
    assert 2_000 - len(released) <= MAX_MATCH_CHARS + 50


@pytest.mark.parametrize(
    ("kind", "value", "country", "field"),
    [
        (PatternKind.REGEX, "a|bcdef", "", "value"),
        (PatternKind.REGEX, "(a", "", "value"),
        (PatternKind.REGEX, "*", "", "value"),
        (PatternKind.EMAIL_DOMAIN, "*", "", "value"),
        (PatternKind.NATIONAL_ID, "*", "", "country"),
        (PatternKind.NATIONAL_ID, "*", "zz", "country"),
        (PatternKind.PHONE, "*", "zz", "country"),
    ],
)
def test_a_class_that_does_not_exist_is_refused(kind: PatternKind, value: str, country: str, field: str) -> None:
    with pytest.raises(InvalidTarget) as error:
        list(phrases_of(Pattern(kind=kind, value=value, country=country)))
    assert error.value.field == field


def test_the_values_of_a_finite_class_are_phrases_so_that_the_mask_knows_them() -> None:
    finite = Pattern(kind=PatternKind.REGEX, value="KX-[0-9]{2}(A|B)")
    assert len(list(phrases_of(finite))) == 200
    assert "kx-07b" in {phrase.text for phrase in phrases_of(finite)}
    assert classes_of([finite]) == ()
    infinite = Pattern(kind=PatternKind.REGEX, value=r"KX-\d{4}")
    assert list(phrases_of(infinite)) == []
    assert classes_of([infinite, infinite]) == (class_of(PatternKind.REGEX, r"KX-\d{4}", ""),) * 2
