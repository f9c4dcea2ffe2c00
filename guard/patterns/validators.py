"""Checks listed values by their own rules (check digits, lengths) and returns the phrases that they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from guard.errors import InvalidTarget
from guard.patterns.checks import DOMAIN, is_card, is_email, is_iban, national_ids
from guard.patterns.pattern import Pattern, PatternKind
from guard.patterns.value_class import class_of, is_class
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.normalise import ascii_digits, fold

# A shorter national account number would be found in other numbers.
MIN_ACCOUNT_CHARS = 8
_COUNTRY = re.compile(r"[A-Za-z]{2}")


def phrases_of(pattern: Pattern) -> Iterator[Phrase]:
    """Yield the phrases that forbid the value of `pattern`; their variants cover its other forms.

    Of a class these are its values, if they are few enough to be listed; the others are found as they are said
    (`guard.patterns.class_scanner`). Raises InvalidTarget, with the member at fault, for a value that is none of
    its kind.
    """
    if pattern.country and not _COUNTRY.fullmatch(pattern.country):
        raise InvalidTarget("is not a country's code of two letters", field="country")
    yield from _values(pattern) if is_class(pattern) else _PHRASES[pattern.kind](pattern)


def _values(pattern: Pattern) -> Iterator[Phrase]:
    listed = class_of(pattern.kind, pattern.value, pattern.country.lower()).expression.values
    for value in listed or ():
        yield Phrase(value, PhraseKind.PHRASE, "a value of a listed form")


def _iban(pattern: Pattern) -> Iterator[Phrase]:
    from stdnum import iban

    if not is_iban(pattern.value):
        raise _invalid("an IBAN: its length or check digits are wrong")
    compact = iban.compact(pattern.value)
    yield Phrase(compact, PhraseKind.CODE, "a listed IBAN")
    account = compact[4:]
    if len(account) >= MIN_ACCOUNT_CHARS:
        yield Phrase(account, PhraseKind.CODE, "bank and account of a listed IBAN, as written at home")


def _phone(pattern: Pattern) -> Iterator[Phrase]:
    import phonenumbers

    try:
        number = phonenumbers.parse(pattern.value, pattern.country.upper() or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise _invalid("a phone number: give it with its country code, or name the country")
    international = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    yield Phrase(international, PhraseKind.NUMBER, "a listed phone number")


def _email(pattern: Pattern) -> Iterator[Phrase]:
    if not is_email(pattern.value.strip()):
        raise _invalid("an e-mail address")
    yield Phrase(pattern.value.strip(), PhraseKind.CODE, "a listed e-mail address")


def _email_domain(pattern: Pattern) -> Iterator[Phrase]:
    domain = pattern.value.strip().removeprefix("@")
    if not re.fullmatch(DOMAIN, domain):
        raise _invalid("a domain such as example.org")
    yield Phrase(f"@{domain}", PhraseKind.CODE, "a listed e-mail domain")


def _card(pattern: Pattern) -> Iterator[Phrase]:
    if not is_card(pattern.value):
        raise _invalid("a card number: its length or check digit is wrong")
    yield Phrase(fold(ascii_digits(pattern.value)), PhraseKind.NUMBER, "a listed card number")


def _national_id(pattern: Pattern) -> Iterator[Phrase]:
    if not pattern.country:
        raise InvalidTarget("is needed: a national id is checked by the rules of its country", field="country")
    known = national_ids(pattern.country.lower())
    if not known:
        raise InvalidTarget(
            "has no national ids whose rules are known: list the value in phrases", field="country"
        )
    valid = next((module for module in known if module.is_valid(pattern.value)), None)
    if valid is None:
        raise _invalid("an id of this country: its length or check digits are wrong")
    yield Phrase(valid.compact(pattern.value), PhraseKind.CODE, "a listed national id")


def _invalid(what: str) -> InvalidTarget:
    return InvalidTarget(f"is not {what}", field="value")


_PHRASES: dict[PatternKind, Callable[[Pattern], Iterator[Phrase]]] = {
    PatternKind.IBAN: _iban,
    PatternKind.PHONE: _phone,
    PatternKind.EMAIL: _email,
    PatternKind.EMAIL_DOMAIN: _email_domain,
    PatternKind.CARD: _card,
    PatternKind.NATIONAL_ID: _national_id,
}
