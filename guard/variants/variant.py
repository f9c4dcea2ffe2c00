"""What a variant is: a forbidden phrase written in another way, and how it differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Variants(StrEnum):
    """Which variants of its phrases a target forbids: `none`, the `close` ones, or `wide`: those too that may be
    others."""

    NONE = "none"
    CLOSE = "close"
    WIDE = "wide"


class VariantKind(StrEnum):
    """How a variant differs from its phrase."""

    ORDER = "order"
    INITIAL = "initial"
    COURTESY = "courtesy"
    FAMILY_NAME = "family_name"
    INFLECTION = "inflection"
    ROMANISED = "romanised"
    PHONE = "phone"
    ACCOUNT = "account"
    AMOUNT = "amount"
    DATE = "date"
    DIGIT_WORDS = "digit_words"
    TITLE_PART = "title_part"
    ADDRESS = "address"
    EDIT = "edit"
    EARLY = "early"


@dataclass(frozen=True, slots=True)
class Variant:
    """A text that is forbidden because it is another way to write a phrase. A repr never shows it."""

    text: str = field(repr=False)
    kind: VariantKind
