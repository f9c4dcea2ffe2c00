"""Dates and numbers told in parts: other words, another order, words between them."""

from __future__ import annotations

import pytest

from guard.matching.escape_scanner import EscapeScanner
from guard.matching.near import NearScanner, NearTexts
from guard.registry.drafts import new_target
from guard.targets.near import near_texts
from guard.targets.target import Draft, Fact
from guard.variants.values.digit_words import number_words
from guard.variants.values.value_matcher import ValueMatcher
from tests.guard.variants.values.telling import tells


@pytest.mark.parametrize(
    "text",
    [
        "4 March, in 1987",
        "March 4 of 1987",
        "in March of 1987, on the 4th",
        "the 4th day of March in the year 1987",
        "1987, March 4",
        "4 Mar '87",
        "04MAR1987",
        "fourth of March nineteen eighty-seven",
        "marzo 4, 1987",
        "am vierten März 1987",
        "4 марта 1987 года",
        "٤ مارس ١٩٨٧",
        "4 मार्च 1987",
        "1987. március 4.",
        "1987年3月4日",
        "3/4/87",
        "4.3.87",
        "87/3/4",
        "day 4, month 3, year 1987",
        "am vierten März neunzehnhundertsiebenundachtzig",
        "le quatre mars mil neuf cent quatre-vingt-sept",
        "el cuatro de marzo de mil novecientos ochenta y siete",
        "il quattro marzo millenovecentottantasette",
        "четвёртого марта тысяча девятьсот восемьдесят седьмого года",
        "on the fourth of March of the year one thousand nine hundred and eighty-seven",
        "천구백팔십칠년 3월 4일",
        "一九八七年三月四日",
        "昭和62年3月4日",
        "民國七十六年三月四日",
        "4 มีนาคม พ.ศ. 2530",
        "4 March MCMLXXXVII",
        "D: 04 M: 03 Y: 1987",
    ],
)
def test_a_date_is_told_in_any_order_and_with_words_between(text: str) -> None:
    assert tells("4 March 1987", f"She was born {text} in Tull.")


@pytest.mark.parametrize(
    "text",
    [
        "in March 1987",
        "on 4 March",
        "on 4 May 1987 and in March",
        "on 14 March 1987",
        "on 5 March 1987",
        "4 of them came in 1987",
        "in March, 4 of the boats that had lain in the harbour over the winter sailed; it was 1987",
        "chapter 3, page 14, 1987",
        "nineteen of 87 came in March",
        "le 4 mars mille neuf cent quatre-vingt-dix",
        "el cinco de marzo de mil novecientos ochenta y siete",
        "昭和61年3月4日",
        "on March 1987",
        "4 March MCMLXXXVI",
    ],
)
def test_another_date_or_a_part_of_it_is_not(text: str) -> None:
    assert not tells("4 March 1987", text)


def test_the_day_is_no_part_of_a_year_in_words() -> None:
    assert not tells("19 March 1987", "in March nineteen eighty-seven")
    assert tells("19 March 1987", "on the 19th of March nineteen eighty-seven")
    assert not tells("7 March 1987", "en mars mille neuf cent quatre-vingt-sept")
    assert tells("7 March 1987", "le sept mars mille neuf cent quatre-vingt-sept")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("+44 20 7946 0958", "020-seven-nine-four-six-0958"),
        ("+44 20 7946 0958", "seventy-nine forty-six oh nine fifty-eight"),
        ("+44 20 7946 0958", "7946, then 0958"),
        ("+44 20 7946 0958", "twenty, 79 46 09"),
        ("+44 20 7946 0958", "sept neuf quatre six zéro neuf cinq huit"),
        ("4471-9902", "four four seven one double nine zero two"),
        ("4471-9902", "44 71 and nine nine 02"),
        ("4471-9902", "vierundvierzig einundsiebzig neunundneunzig null zwei"),
        ("4471-9902", "quattro quattro sette uno nove nove zero due"),
        ("4471-9902", "четыре четыре семь один девять девять ноль два"),
        ("4471-9902", "四四七一九九〇二"),
        ("4471-9902", "quarante-quatre soixante et onze quatre-vingt-dix-neuf zéro deux"),
        ("4471-9902", "сорок четыре семьдесят один девяносто девять ноль два"),
        ("4471-9902", "cuarenta y cuatro setenta y uno noventa y nueve"),
        ("4471-9902", "ארבע ארבע שבע אחת תשע תשע אפס שתיים"),
        ("4471-9902", "neljä neljä seitsemän yksi yhdeksän yhdeksän"),
        ("4471-9902", "empat empat tujuh satu sembilan sembilan"),
        ("7000-4471", "seven nought nought nought four four"),
        ("４４７１９９０２", "4471, 9902"),
        ("GB29 NWBK 6016 1331 9268 19", "sort code 60-16-13, account 31926819"),
    ],
)
def test_a_number_is_told_by_its_digits_in_words_and_apart(number: str, text: str) -> None:
    assert tells(number, f"It is {text}.")


@pytest.mark.parametrize(
    "text",
    [
        "in 1994 there were 60 of 79 left, 46 came",
        "4471 people lived there, and more than nine thousand in the next town",
        "7946 is a number, and far from there stands the house 0958",
        "79 460 others",
    ],
)
def test_other_numbers_are_not(text: str) -> None:
    assert not tells("+44 20 7946 0958", text)
    assert not tells("4471-9902", text)


def test_an_amount_must_be_whole_and_a_short_number_is_none() -> None:
    assert not tells("1,250,001", "some 1,250,000 people")
    assert tells("1,250,001", "1 250 001 people")
    assert not ValueMatcher.of(["1984", "44719", "Orla Venn", "K7"])


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1,250,001", "one million two hundred and fifty thousand and one"),
        ("$1,250,000", "1.25 million dollars"),
        ("1.250.000 EUR", "1,25 Millionen Euro"),
        ("1,250,000", "un million deux cent cinquante mille"),
        ("48,500.00", "forty-eight thousand five hundred"),
        ("48.500 €", "achtundvierzigtausendfünfhundert"),
        ("485000", "four hundred eighty-five thousand"),
        ("€48,500", "48.5k"),
        ("3,000,000", "three million"),
    ],
)
def test_an_amount_is_told_in_words(amount: str, text: str) -> None:
    assert tells(amount, f"It cost {text}.")


@pytest.mark.parametrize(
    "text",
    [
        "1.3 million",
        "125 million",
        "one hundred forty-eight thousand five hundred",
        "四千一百二十五万",
        "12,5 Millionen",
        "485 k",
        "forty-eight thousand",
        "1,250 dollars",
        "48 thousand",
        "five hundred",
    ],
)
def test_another_amount_is_not(text: str) -> None:
    assert not tells("1,250,000", f"It cost {text}.")
    assert not tells("48,500", f"It cost {text}.")


def test_what_a_text_tells_in_words_may_be_told_in_digits() -> None:
    amounts = ValueMatcher.of(["1,250,000", "48,500"])
    assert amounts.without_stated("It cost 1.25 million.") == ValueMatcher.of(["48,500"])
    assert not ValueMatcher.of(["1,250,000"]).without_stated("It cost 1 250 000.")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("hunter2-Xylo-99", "hunter two Xylo ninety-nine"),
        ("hunter2-Xylo-99", "hunter2, xylo, nine nine"),
        ("K7-ZX-44", "K seven, Z X, forty-four"),
        ("K7-ZX-44", "K sieben ZX vierundvierzig"),
        ("QX7-R9T", "Q-X-seven R-nine-T"),
    ],
)
def test_a_code_is_told_with_its_digits_in_words(code: str, text: str) -> None:
    assert tells(code, f"It is {text}.")
    assert not tells(code, f"It is {text[:-4]}.")


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_no_chunk_of_a_stream_tells_it(size: int) -> None:
    near = NearTexts(values=(ValueMatcher.of(["4 March 1987", "+44 20 7946 0958"]),))
    for text, said in (
        ("Born in March 1987, on the 4th, she sang.", "Born in March 1987, on the "),
        ("Call seven nine four six oh nine five eight.", "Call seven nine four six oh "),
        ("Born in March 1987, she sang 4 songs in 2 years.", "Born in March 1987, she sang "),
        ("Born in May 1987, she sang 4 songs.", "Born in May 1987, she sang 4 songs."),
    ):
        scanner = NearScanner(EscapeScanner([]), [near])
        pieces = [scanner.feed(text[at : at + size]) for at in range(0, len(text), size)]
        assert "".join(pieces) + scanner.finish() == said


def test_what_a_text_tells_itself_may_be_told() -> None:
    values = ValueMatcher.of(["4 March 1987", "12 May 1990", "4471-9902"])
    left = values.without_stated("I was born on the 4th of March, 1987, and my code is 44 71 99 02.")
    assert left == ValueMatcher.of(["12 May 1990"])


def test_words_for_numbers() -> None:
    words = number_words()
    for word, digits in {"forty": "40", "nineteen": "19", "siebenundachtzig": "87", "dreissigsten": "30"}.items():
        assert words[word] == digits


def test_what_the_text_before_has_told_does_not_end_what_follows() -> None:
    near = NearTexts(values=(ValueMatcher.of(["4 March 1987", "4471-9902", "K7-ZX-44"]),))
    seed = "Born on 4 March 1987, code 4471-9902, plate K7-ZX-44"
    scanner = NearScanner(EscapeScanner([]), [near], seed)
    text = ", she lived in a house by the sea."
    assert scanner.feed(text) + scanner.finish() == text


@pytest.mark.parametrize("digits", [17, 20_000])
def test_a_number_without_end_is_no_amount_and_no_year(digits: int) -> None:
    long = "1" * digits
    values = ValueMatcher.of([long, f"4 March {long}", f"1,{'234,' * digits}567"])
    assert (values.amounts, values.days) == (frozenset(), frozenset())
    assert near_texts(new_target(Draft(name="Ilsabet Quorne", facts=(Fact(answer=f"Her number is {long}."),))))
