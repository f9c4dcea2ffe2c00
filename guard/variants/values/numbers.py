"""Ways to write a number: a phone number without its country code, an amount without its decimals.

Separators need no variant, as folding drops them: "1,000.50" is "1.000,50", and an IBAN is itself with or without
blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from guard.text.normalise import ascii_digits, fold
from guard.variants.values.digit_words import in_words
from guard.variants.variant import Variant, VariantKind

# The last digits of a phone number are in every form of it: international, national, "00", "(0)", subscriber's.
SUBSCRIBER_DIGITS = 8
MIN_PHONE_DIGITS = 7
# Shorter numbers are years, prices and counts.
MIN_AMOUNT_DIGITS = 5

MIN_ACCOUNT_CHARS = 10
"""Of bank and account, which are forbidden without the country; shorter ones may be in other numbers."""

_IBAN = re.compile(r"[A-Za-z]{2}\d{2}[A-Za-z0-9 -]{11,40}")
_IBAN_PREFIX_CHARS = 4
_PHONE = re.compile(r"(?:\+|00)?[\d\s().\-–/]*\d")
_AMOUNT = re.compile(r"(\d{1,3}(?:([,.  '’ ])\d{3})+|\d+)[,.](\d{1,2})")
_GROUPED = re.compile(r"\d{1,3}(?:[,.]\d{3})+")


def number_variants(number: str, secret: bool) -> Iterator[Variant]:
    """Yield the variants of a number; of a secret one also its digits in words."""
    stripped = ascii_digits(number.strip())
    digits = fold(stripped)
    if not digits.isdecimal():
        return
    core = subscriber(stripped)
    if core:
        yield Variant(core, VariantKind.PHONE)
    amount = _AMOUNT.fullmatch(stripped)
    if amount and len(fold(amount[1])) >= MIN_AMOUNT_DIGITS:
        yield Variant(fold(amount[1]), VariantKind.AMOUNT)
    if secret:
        spoken = core or (digits if len(digits) <= 2 * SUBSCRIBER_DIGITS else "")
        if len(spoken) >= MIN_AMOUNT_DIGITS - 1:
            yield from (Variant(words, VariantKind.DIGIT_WORDS) for words in in_words(spoken))


def iban_variants(code: str) -> Iterator[Variant]:
    """Yield an IBAN without country and check digits, as at home, and the digits at its end alone."""
    from stdnum import iban

    if not _IBAN.fullmatch(code.strip()) or not iban.is_valid(code):
        return
    account = fold(code)[_IBAN_PREFIX_CHARS:]
    digits = re.search(r"\d*$", account)
    parts = (account, digits[0] if digits else "")
    yield from (Variant(part, VariantKind.ACCOUNT) for part in parts if len(part) >= MIN_ACCOUNT_CHARS)


def is_amount(number: str) -> bool:
    """Whether a number has decimals, or groups of thousands."""
    return any(form.fullmatch(number.strip()) for form in (_AMOUNT, _GROUPED))


def subscriber(number: str) -> str:
    """Return the last digits of a phone number, which all of its forms end with; "" for another number."""
    digits = fold(number)
    international = number.startswith(("+", "00"))
    separated = re.search(r"\d[\s().\-–/]+\d", number) is not None
    if not _PHONE.fullmatch(number) or not MIN_PHONE_DIGITS <= len(digits) <= 15 or _GROUPED.fullmatch(number):
        return ""
    if not (international or digits.startswith("0") or (separated and len(digits) >= 10)):
        return ""
    national = _national(number) if international else digits.removeprefix("0")
    return national[-SUBSCRIBER_DIGITS:] if len(national) >= MIN_PHONE_DIGITS else ""


def _national(number: str) -> str:
    """Return the digits without country code and trunk prefix."""
    import phonenumbers

    prefixed = number if number.startswith("+") else "+" + number[2:]
    try:
        return str(phonenumbers.national_significant_number(phonenumbers.parse(prefixed)))
    except phonenumbers.NumberParseException:
        return fold(number)
