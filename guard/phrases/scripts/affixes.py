"""Affixes of scripts with spaces and without capitals: what is written with an Arabic, Hebrew or Hindi word."""

from __future__ import annotations

import re

VOWEL_SIGNS = re.compile("[\u0591-\u05c7\u064b-\u065f\u0670]")
"""Vowel signs of Arabic and Hebrew, which most texts leave out."""
PREFIXES = {
    "ar": ("وال", "فال", "بال", "كال", "ولل", "لل", "ال", "و", "ف", "ب", "ك", "ل", "س"),
    "he": ("וכש", "וה", "וב", "ול", "ומ", "וש", "שב", "שה", "כש", "מה", "לכש", "ו", "ה", "ב", "ל", "מ", "ש", "כ"),
}
"""By language: articles, prepositions and conjunctions."""
SUFFIXES = {
    "ar": ("هما", "ها", "هم", "نا", "ات", "ون", "ين", "ان", "تها", "ته", "ه", "ي", "ا", "ة", "ت", "ك"),
    "he": ("יהם", "ים", "ות", "יו", "יה", "ה", "ו", "י", "ת"),
    "hi": ("ियों", "ियाँ", "ों", "ें", "ाँ", "ता", "ती", "ते", "ना", "ने", "कर", "े", "ी", "ा"),
}
"""By language: endings of cases, numbers and persons."""
