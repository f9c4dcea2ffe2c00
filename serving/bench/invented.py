"""Invented names and words, the same in every run of a bench."""

from __future__ import annotations

import random

SYLLABLES = (
    *("ba", "ke", "li", "mo", "nu", "pra", "sho", "tri", "vel", "wex"),
    *("yor", "zan", "dru", "fim", "gal", "hos", "jun", "kor", "lam", "nev"),
)


def invented_word(chooser: random.Random, syllables: int) -> str:
    """Return a word of so many syllables."""
    return "".join(chooser.choices(SYLLABLES, k=syllables))


def invented_name(chooser: random.Random) -> str:
    """Return a name of two words."""
    return " ".join(invented_word(chooser, 3).capitalize() for _ in range(2))
