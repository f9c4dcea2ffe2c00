"""The rules by which values of a known form are told from other texts: lengths, check digits, numbering plans."""

from __future__ import annotations

import pkgutil
import re
from functools import cache
from importlib import import_module
from types import ModuleType

from guard.text.normalise import ascii_digits, fold

# Visa, Mastercard, American Express, Diners, JCB, Maestro, Discover, UnionPay, RuPay, Troy.
_ISSUERS = re.compile(r"4|5[0-8]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|3[0-9]|6|8[12]|9792")
MIN_CARD_DIGITS, MAX_CARD_DIGITS = 12, 19
DOMAIN = r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,63}"
_EMAIL = re.compile(rf"[^\s@\"(),:;<>\[\]\\]{{1,64}}@{DOMAIN}")


def is_iban(text: str) -> bool:
    """Whether length and check digits are those of an IBAN."""
    from stdnum import iban

    return bool(iban.is_valid(text))


def is_card(text: str) -> bool:
    """Whether length and check digit (Luhn) are those of a card number."""
    from stdnum import luhn

    digits = fold(ascii_digits(text))
    in_length = MIN_CARD_DIGITS <= len(digits) <= MAX_CARD_DIGITS
    return digits.isdecimal() and in_length and bool(luhn.is_valid(digits))


def is_issued(text: str) -> bool:
    """Whether the digits begin as those of a card scheme do: years in a row do not."""
    return _ISSUERS.match(fold(ascii_digits(text))) is not None


def is_email(text: str) -> bool:
    """Whether the text has the form of an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def is_phone(text: str, country: str) -> bool:
    """Whether the text is a phone number that is valid in `country`; if that is "", anywhere, with + or 00."""
    import phonenumbers

    international = text if country else re.sub(r"^\(?00", "+", text)
    try:
        number = phonenumbers.parse(international, country.upper() or None)
    except phonenumbers.NumberParseException:
        return False
    if not country:
        return phonenumbers.is_valid_number(number)
    return phonenumbers.is_valid_number_for_region(number, country.upper())


def knows_phones_of(country: str) -> bool:
    """Whether the numbering plan of a country is known."""
    import phonenumbers

    return country.upper() in phonenumbers.SUPPORTED_REGIONS


@cache
def national_ids(country: str) -> tuple[ModuleType, ...]:
    """Return python-stdnum's modules of a country; a keyword of Python as its code has an underscore after it."""
    for name in (country, f"{country}_"):
        try:
            package = import_module(f"stdnum.{name}")
        except ImportError:
            continue
        modules = [import_module(f"stdnum.{name}.{each.name}") for each in pkgutil.iter_modules(package.__path__)]
        return tuple(module for module in modules if hasattr(module, "is_valid"))
    return ()
