"""A listed value: of which form it is, and as it was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class PatternKind(StrEnum):
    """The form of a listed value, which decides how it is checked and in which forms it is forbidden."""

    IBAN = "iban"
    PHONE = "phone"
    EMAIL = "email"
    EMAIL_DOMAIN = "email_domain"
    CARD = "card"
    NATIONAL_ID = "national_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A value to forbid in all its forms. `country` is the two-letter code that a national form needs."""

    kind: PatternKind
    value: str = field(repr=False)
    country: str = ""
