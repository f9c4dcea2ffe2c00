"""A listed value, or a class of values: of which form it is, and as it was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

WHOLE_CLASS = "*"
"""The value that stands for all values of its kind."""


class PatternKind(StrEnum):
    """The form of a value, which decides how it is checked and in which forms it is forbidden."""

    IBAN = "iban"
    PHONE = "phone"
    EMAIL = "email"
    EMAIL_DOMAIN = "email_domain"
    CARD = "card"
    NATIONAL_ID = "national_id"
    REGEX = "regex"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A value to forbid in all its forms, or WHOLE_CLASS; of a regex, the expression. `country` is the two-letter
    code that a national form needs."""

    kind: PatternKind
    value: str = field(repr=False)
    country: str = ""
