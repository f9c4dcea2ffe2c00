"""Dates, numbers and codes, each whole: a card number is one phrase, not four."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from guard.phrases.context import is_common
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import months

# Thai, kana, ideographs and Hangul, which are written next to an address without a space.
_JOINED = "\u0e00-\u0e7f\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff01-\uff60"
_MAIL = rf"(?:[^\W{_JOINED}]|[.+-])"
_LABEL = rf"(?:[^\W{_JOINED}]|-)+"
_ADDRESS = re.compile(
    rf"(?:https?://|www\.)[^\s<>\"'“”«»{_JOINED}]+?(?=[.,;:!?)]*(?:[\s<>\"'“”«»{_JOINED}]|$))"
    rf"|(?<!{_MAIL}){_MAIL}{{1,64}}@{_LABEL}(?:\.{_LABEL})+"
)
_HANDLE = re.compile(r"(?<![\w@./])@[A-Za-z_][\w.]{2,62}\w", re.ASCII)
_NUMERIC_DATE = re.compile(
    r"(?<!\d)(?:\d{4}([/.-])\d{1,2}\1\d{1,2}|\d{1,2}([/.-])\d{1,2}\2(?:\d{4}|\d{2}))(?![\d/.-]{0,9}\d)"
    r"|(?:\d{2,4} ?[年년] ?)?\d{1,2} ?[月월] ?\d{1,2} ?[日号號일]"
)
_MONTH = r"(?P<month>[^\W\d_][^\s\d,.'’()]{1,14})"
# In Arabic some months have two words.
_YEAR = r"(?: (?:الأول|الثاني|الآخر|الأولى|الثانية|الاول))?(?:,? (?:de |del |d[’'])?\d{4}(?!\d))?"
_DAY_FIRST = re.compile(
    rf"(?<![\w.,])\d{{1,2}}(?:st|nd|rd|th|er|[ºª.])?(?: of| de| d[’'])? ?(?:[בהל](?=\w))?{_MONTH}\.?{_YEAR}"
)
# The days of a month in words, before its name.
_TENS_EN = "fif|six|seven|eigh|nine"
_DAY_WORDS = (
    rf"(?:(?:twenty|thirty)[- ])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
    rf"|tenth|eleventh|twelfth"
    rf"|thirteenth|fourteenth|(?:{_TENS_EN})teenth|twentieth|thirtieth)"
    r"|(?:(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und(?:zwan|drei)[zß]igst|erst|zweit"
    r"|dritt|viert|fünft|sechst"
    r"|siebt|acht|neunt|zehnt|elft|zwölft|(?:drei|vier|fünf|sech|sieb|acht|neun)zehnt|zwanzigst|dreißigst)e[nr]?"
    r"|premier|deux|trois|quatre|cinq|six|sept|huit|neuf|dix(?:-(?:sept|huit|neuf))?|onze|douze"
    r"|treize|quatorze|quinze"
    r"|seize|vingt(?:-\w{3,6})?(?: et un)?|trente(?: et un)?"
    r"|primero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce"
    r"|quince|dieci\w{4,5}|veinte"
    r"|veinti\w{3,6}|treinta(?: y uno)?"
    r"|(?:(?:dwudziest|trzydziest)ego )?(?:pierwsz|drugi|trzeci|czwart|piąt|szóst|siódm|ósm"
    r"|dziewiąt|dziesiąt|\w{3,9}nast"
    r"|dwudziest|trzydziest)ego"
    r"|(?:(?:двадцать|тридцать) )?(?:перв|втор|треть|четв[её]рт|пят|шест|седьм|восьм|девят"
    r"|десят|\w{3,8}надцат|двадцат"
    r"|тридцат)(?:ого|его)"
    r"|(?:είκοσι |τριάντα )?(?:πρώτη|μία|δύο|τρεις|τέσσερις|πέντε|έξι|ε[πφ]τά|ο[κχ]τώ|εννέα"
    r"|εννιά|δέκα|έντεκα|δώδεκα"
    r"|δεκα\w{3,7})|είκοσι|τριάντα"
    r"|(?:on |yirmi |otuz )?(?:bir|iki|üç|dört|beş|altı|yedi|sekiz|dokuz)|on|yirmi|otuz"
)
_DAY_IN_WORDS = re.compile(
    rf"(?<!\w)(?i:{_DAY_WORDS})(?: of| de)? {_MONTH},?(?: de| del)? \d{{4}}(?: года| roku)?(?!\d)"
)
_HAN_DATE = re.compile(
    "(?:[一二三四五六七八九〇零]{2,4}年)?[一二三四五六七八九十]{1,3}月[一二三四五六七八九十廿]{1,3}[日号號]"
)
_MONTH_FIRST = re.compile(rf"(?<!\w){_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?![\w.:])(?:,? \d{{4}}(?!\d))?")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_PLATE = re.compile(r"(?<!\w)[A-ZÀ-ÞΑ-ΩА-Я]{1,3}-[A-ZÀ-ÞΑ-ΩА-Я]{1,3}[- ]\d{2,4}(?![\w-])")
# Of Britain, Turkey, Spain, Italy and Russia: groups of capitals and digits with blanks.
_SPACED_PLATE = re.compile(
    r"(?<![\w-])(?:[A-Z]{2}\d\d [A-Z]{3}|(?:0[1-9]|[1-7]\d|8[01]) (?!AM|PM)[A-Z]{1,3} \d{2,4}|"
    r"(?!(?:1[5-9]|20)\d\d)\d{4} [A-Z]{3}|[A-Z]{2} \d{3} [A-Z]{2}|"
    r"[АВЕКМНОРСТУХ] ?\d{3} ?[АВЕКМНОРСТУХ]{2} ?\d{2,3})(?![\w-])"
)
_POSTCODE = re.compile(r"(?<!\w)[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}(?!\w)")
# A letter or digit of a script with spaces, or of one without.
_ALNUM = r"[^\W_\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]"
_CODE = re.compile(rf"(?<!{_ALNUM}){_ALNUM}+(?:[-_/.:#&+=~^*$%!]{{1,2}}{_ALNUM}+)*")
# Groups of digits that belong together.
_GROUPS = re.compile(
    r"(?<![^\W\u0e00-\u9fff\uac00-\ud7a3])(?:\+ ?|\((?=[\d) ]{2,6}\)))?\d+"
    r"(?:(?:\) ?|[ \u00a0\u202f]?\(|[-–/.,·]|[ \u00a0\u202f])\d+)*"
)
_YEARS = re.compile(r"(?:1\d|20)\d\d[-–/](?:(?:1\d|20)\d\d|\d\d)")
_AMOUNT = re.compile(r"\d{1,3}(?:[,.' \u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?")
_DIGITS = re.compile(r"(?<!\w)[A-Za-z]*\d[A-Za-z\d]*")
_MIN_DIGITS = 6
# Digits of an amount without the zeros at its end: 120,000 tells nothing, 48,217.35 does.
_MIN_AMOUNT_DIGITS = 5
_MIN_CODE_CHARS = 5
_MIN_CODE_DIGITS = 2
_MIN_LETTERS = 3


class Numerals(NamedTuple):
    """The dates, numbers and codes of a text, and the text with line ends in their place, of the same length."""

    phrases: list[Phrase]
    rest: str


def numerals(text: str, language: str) -> Numerals:
    """Return the addresses, dates, account numbers, codes and numbers in `text`, each character in one at most.

    A date names a day: a year, or a month with a year, is context. A number has six digits or more; spans of years
    and round amounts are context.
    """
    found: list[Phrase] = []

    def taken(pattern: re.Pattern[str], why: str, kind: PhraseKind = PhraseKind.CODE) -> None:
        nonlocal text

        def take(match: re.Match[str]) -> str:
            if not _is_meant(match, language):
                return match[0]
            found.append(Phrase(match[0].strip(" @"), kind, why))
            return "\n" * len(match[0])

        text = pattern.sub(take, text)

    taken(_ADDRESS, "e-mail or web address")
    taken(_HANDLE, "name of an account")
    for date in (_NUMERIC_DATE, _DAY_FIRST, _MONTH_FIRST, _DAY_IN_WORDS, _HAN_DATE):
        taken(date, "date with a day", PhraseKind.DATE)
    taken(_IBAN, "account number")
    for plate in (_PLATE, _SPACED_PLATE):
        taken(plate, "letters and digits of a plate")
    taken(_POSTCODE, "postcode")
    taken(_CODE, "letters and digits mixed")
    taken(_GROUPS, "number of six digits or more", PhraseKind.NUMBER)
    return Numerals(found, _DIGITS.sub(lambda match: "\n" * len(match[0]), text))


def _is_meant(match: re.Match[str], language: str) -> bool:
    if match.re in (_DAY_FIRST, _MONTH_FIRST, _DAY_IN_WORDS):
        month = match["month"].lower()
        return month in months() or month[1:] in months()
    if match.re is _HANDLE:
        return not all(is_common(part, "en") for part in re.split(r"[\d_.@]+", match[0]) if part)
    if match.re is _SPACED_PLATE:
        letters = re.findall("[A-Z]{3}", match[0])
        return not any(_is_currency(three) or is_common(three, language) for three in letters)
    if match.re is _CODE:
        return _is_code(match[0], language)
    return _is_number(match[0]) if match.re is _GROUPS else True


def _is_currency(letters: str) -> bool:
    # Imported here, as few texts have such letters.
    from babel.numbers import is_currency

    return bool(is_currency(letters))


def _is_number(number: str) -> bool:
    digits = "".join(c for c in number if c.isdigit())
    if len(digits) < _MIN_DIGITS or _YEARS.fullmatch(number):
        return False
    amount = any(c in number for c in ",.' \u00a0\u202f") and _AMOUNT.fullmatch(number)
    return not amount or len(digits.rstrip("0")) >= _MIN_AMOUNT_DIGITS


def _is_code(word: str, language: str) -> bool:
    digits = sum(c.isdigit() for c in word)
    if len(word) < _MIN_CODE_CHARS or digits < _MIN_CODE_DIGITS or not any(map(str.isalpha, word)):
        return False
    parts = re.split(r"\W|_", word)
    if any(map(_mixes, parts)):
        return True
    lettered = [part for part in parts if part and not any(map(str.isdigit, part))]
    known = (len(part) >= _MIN_LETTERS and is_common(part, language) for part in lettered)
    return bool(lettered) and all(map(str.isupper, lettered)) and not any(known)


def _mixes(part: str) -> bool:
    """Whether letters and digits alternate or are as in a document's number: not 20km, 1990s, 3rd."""
    if not any(map(str.isdigit, part)) or not any(map(str.isalpha, part)):
        return False
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(part))
    upper = "".join(filter(str.isalpha, part)).isupper()
    long = len(part) >= _MIN_CODE_CHARS
    return changes > 1 or (long and upper) or (len(part) > _MIN_CODE_CHARS and part[0].isalpha())


def kind_of(text: str) -> PhraseKind | None:
    """Return the kind of a phrase that is as a whole a date, number or code; None for any other."""
    phrases = numerals(text, "en").phrases
    return phrases[0].kind if len(phrases) == 1 and phrases[0].text == text.strip() else None
