"""Checks listed values by their own rules (check digits, lengths) and returns the phrases that they are."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from types import ModuleType

from guard.errors import InvalidTarget
from guard.patterns.pattern import Pattern, PatternKind
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.normalise import ascii_digits, fold

MIN_CARD_DIGITS, MAX_CARD_DIGITS = 12, 19
# A shorter national account number would be found in other numbers.
MIN_ACCOUNT_CHARS = 8
_DOMAIN = r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,63}"
_EMAIL = re.compile(rf"[^\s@\"(),:;<>\[\]\\]{{1,64}}@{_DOMAIN}")
_COUNTRY = re.compile(r"[A-Za-z]{2}")


def phrases_of(pattern: Pattern) -> Iterator[Phrase]:
    """Yield the phrases that forbid the value of `pattern`; their variants cover its other forms.

    Raises InvalidTarget, with the member at fault, for a value that is none of its kind.
    """
    if pattern.country and not _COUNTRY.fullmatch(pattern.country):
        raise InvalidTarget("is not a country's code of two letters", field="country")
    yield from _PHRASES[pattern.kind](pattern)


def _iban(pattern: Pattern) -> Iterator[Phrase]:
    from stdnum import iban

    if not iban.is_valid(pattern.value):
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
    if not _EMAIL.fullmatch(pattern.value.strip()):
        raise _invalid("an e-mail address")
    yield Phrase(pattern.value.strip(), PhraseKind.CODE, "a listed e-mail address")


def _email_domain(pattern: Pattern) -> Iterator[Phrase]:
    domain = pattern.value.strip().removeprefix("@")
    if not re.fullmatch(_DOMAIN, domain):
        raise _invalid("a domain such as example.org")
    yield Phrase(f"@{domain}", PhraseKind.CODE, "a listed e-mail domain")


def _card(pattern: Pattern) -> Iterator[Phrase]:
    from stdnum import luhn

    digits = fold(ascii_digits(pattern.value))
    if not (digits.isdecimal() and MIN_CARD_DIGITS <= len(digits) <= MAX_CARD_DIGITS and luhn.is_valid(digits)):
        raise _invalid("a card number: its length or check digit is wrong")
    yield Phrase(digits, PhraseKind.NUMBER, "a listed card number")


def _national_id(pattern: Pattern) -> Iterator[Phrase]:
    if not pattern.country:
        raise InvalidTarget("is needed: a national id is checked by the rules of its country", field="country")
    known = _validators(pattern.country.lower())
    if not known:
        raise InvalidTarget(
            "has no national ids whose rules are known: list the value in phrases", field="country"
        )
    valid = next((module for module in known if module.is_valid(pattern.value)), None)
    if valid is None:
        raise _invalid("an id of this country: its length or check digits are wrong")
    yield Phrase(valid.compact(pattern.value), PhraseKind.CODE, "a listed national id")


@cache
def _validators(country: str) -> tuple[ModuleType, ...]:
    """Return python-stdnum's modules of a country; a keyword of Python as its code has an underscore after it."""
    for name in (country, f"{country}_"):
        try:
            package = import_module(f"stdnum.{name}")
        except ImportError:
            continue
        modules = [import_module(f"stdnum.{name}.{each.name}") for each in pkgutil.iter_modules(package.__path__)]
        return tuple(module for module in modules if hasattr(module, "is_valid"))
    return ()


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
