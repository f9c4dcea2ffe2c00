"""Which numbers and months of a text tell a date, and which are of other dates."""

from __future__ import annotations

import pytest

from tests.guard.variants.values.telling import tells


@pytest.mark.parametrize(
    "text",
    [
        "ב-17 באוקטובר 1962",
        "17 تشرين الأول 1962",
        "في 17 وأكتوبر 1962",
        "17. listopada 1962.",
        "17 окт. 1962 г.",
        "17 ต.ค. 2505",
        "17 d’octubre de 1962",
        "17 urria 1962",
        "17 ოქტომბერი 1962",
        "в октябре 1962 года, 17-го числа",
        "w październiku 1962, dnia 17",
    ],
)
def test_the_month_is_known_in_many_languages_with_what_is_written_with_it(text: str) -> None:
    assert tells("17 October 1962", f"{text}")


@pytest.mark.parametrize(
    "text",
    [
        "the 17th day of the tenth month of 1962",
        "ngày 17 tháng mười năm 1962",
        "1962年の10月17日",
        "10月17日に生まれ、1962年",
        "1962년 시월 17일",
        "month 10 of 1962, on the 17th",
    ],
)
def test_a_number_is_a_month_beside_a_word_for_month(text: str) -> None:
    assert tells("17 October 1962", text)


@pytest.mark.parametrize(
    "text",
    [
        "zeventien oktober negentienhonderdtweeënzestig",
        "den syttende oktober nittenhundredeogtoogtres",
        "17 oktober nittensekstito",
        "семнадцатого октября шестьдесят второго",
        "diciassette ottobre millenovecento sessantadue",
        "सत्रह अक्टूबर उन्नीस सौ बासठ",
        "October 17, Showa 37",
        "the 37th year of Showa, October 17",
        "S37.10.17",
        "쇼와 37년 10월 17일",
        "단기 4295년 10월 17일",
    ],
)
def test_the_year_is_known_as_languages_count_it(text: str) -> None:
    assert tells("17 October 1962", text)


def test_the_first_year_of_an_era_has_a_word() -> None:
    assert tells("1 May 2019", "令和元年5月1日")


def test_french_of_belgium_and_switzerland() -> None:
    assert tells("17 October 1992", "le dix-sept octobre mil neuf cent nonante-deux")
    assert tells("17 October 1982", "le dix-sept octobre mil neuf cent huitante-deux")


@pytest.mark.parametrize(
    "text",
    [
        "le 17, lors des fêtes d'octobre 1962",
        "he set out on the 17th, in October of 1962",
        "between August and the 17th, in October 1962",
        "on the 17th they may have met in October 1962",
        "on 3 May 1961 and on 17 October 1962",
    ],
)
def test_other_months_near_it_hide_no_date(text: str) -> None:
    assert tells("17 October 1962", text)


@pytest.mark.parametrize(
    "text",
    [
        "on 17 October 1961 and 3 May 1962",
        "from 17 May 1962 to October",
        "on 17 May and in October 1962",
        "on the seventeenth of October nineteen sixty-one, and in 1962",
        "von 5 Oktober 1962 bis 17 März 1963",
        "in October 1962 she had 3 dogs",
        "昭和36年10月17日",
        "1962年10月の7日",
        "10 of 17 months in 1962",
        "a fire in October 1962",
        "17 من الكتاب الأول عام 1962",
    ],
)
def test_parts_of_other_dates_tell_none(text: str) -> None:
    assert not tells("17 October 1962", text)


@pytest.mark.parametrize(
    ("date", "text"),
    [
        ("1 May 1990", "In May 1990, one of her books appeared."),
        ("1 May 1990", "Im Mai 1990 erschien eine Sammlung."),
        ("1 May 1990", "В мае 1990 года один из них уехал."),
        ("1 May 1990", "In May 1990 she first sang."),
        ("2 May 1990", "En mayo de 1990 publicó dos libros."),
        ("4 May 1990", "Four boats sank in 1990, in May."),
    ],
)
def test_a_number_in_words_that_counts_something_else_is_no_day(date: str, text: str) -> None:
    assert not tells(date, text)


@pytest.mark.parametrize(
    ("date", "text"),
    [
        ("1 May 1990", "on the first of May, in 1990"),
        ("1 May 1990", "am ersten Mai des Jahres 1990"),
        ("1 May 1990", "el uno de mayo del año 1990"),
        ("4 May 1990", "четвёртого мая, то есть в 1990"),
        ("4 May 1990", "in May of the year 1990, on the fourth"),
        ("1 May 1990", "in May 1990, on the 1st"),
        ("21 May 1990", "in May 1990, on the twenty-first"),
    ],
)
def test_but_beside_the_month_or_as_an_ordinal_or_in_digits_it_is(date: str, text: str) -> None:
    assert tells(date, text)


def test_the_name_of_a_month_is_no_day() -> None:
    assert tells("2 September 1958", "9/2/1958")
    assert not tells("2 September 1958", "9 February 1958")
