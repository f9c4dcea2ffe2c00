"""Classes of words: how common a word is in its language, its shape, and the lists that have it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from guard.phrases.context import (
    is_common,
    is_compound,
    is_given_name,
    is_in_dictionary,
    is_inflected_place,
    is_place,
    lowered,
)
from guard.phrases.institutions import COURTESY, PARTICLES, is_street
from guard.phrases.scripts.affixes import PREFIXES, SUFFIXES, VOWEL_SIGNS
from guard.phrases.tagger.tokens import EAST_ASIAN, Token
from guard.text.lexicon import family_names, is_attested, is_known_word, japanese_given_names, ranks, works

# Languages whose words are alike to a tagger; all others have capitals.
_GROUPS = {
    "de": "de",
    **dict.fromkeys(("ar", "he", "fa", "ur"), "semitic"),
    **dict.fromkeys(("hi", "bn"), "indic"),
    "ko": "ko",
    **dict.fromkeys(EAST_ASIAN, "east asian"),
    "th": "th",
}
GROUPS = frozenset({"cased", *_GROUPS.values()})
"""All groups of languages."""
CASED = frozenset({"cased", "de"})
"""Those of languages with capitals."""
_RANKS = (30, 100, 300, 1_000, 3_000, 10_000, 25_000)
_STEM_RANKS = (1_000, 10_000)
_UNRANKED = 1_000_000
_MAX_CHARS, _MAX_DIGITS, _MAX_SEGMENT = 10, 6, 4
_MIN_STEM = 2
_MAX_CACHED = 16_384
_SUFFIXES = SUFFIXES | {
    "tr": (
        *("ları", "leri", "lar", "ler", "dan", "den", "nda", "nde", "nın", "nin", "ını", "ini", "da", "de"),
        *("sı", "si", "ın", "in", "ı", "i", "u", "ü", "a", "e"),
    ),
}


class WordClass(NamedTuple):
    """A class that a word shares with many, such as X7: a capital, and among the rarer common words.

    It begins with the shape (`p` punctuation, `d` digits, `x` small, `X` a capital, `A` capitals, `o` and `m`
    neither), then how common the word is: 0 to 7 by rank, `s` with its affixes cut off, `l` in a dictionary, `i`
    inflected, `t` only in large corpora, `x` unknown. `features` say more of it.
    """

    name: str
    features: tuple[str, ...]


def group_of(language: str) -> str:
    """Return the group of languages whose words are alike to a tagger."""
    return _GROUPS.get(language, "cased")


def classes_of(tokens: Sequence[Token], language: str) -> list[WordClass]:
    """Return the class of each token."""
    if language not in EAST_ASIAN:
        return [class_of(token.text, language) for token in tokens]
    return [
        class_of(token.text, language)
        if token.segment is None or len(token.text) > 1 or not token.text.isalpha()
        else _class_of_character(tokens, at, language)
        for at, token in enumerate(tokens)
    ]


@lru_cache(maxsize=_MAX_CACHED)
def class_of(word: str, language: str) -> WordClass:
    """Return the class of a word, number or punctuation mark."""
    if not any(map(str.isalnum, word)):
        return WordClass(f"p{word[0]}", ("p",))
    if word.isdecimal():
        return WordClass(f"d{min(len(word), _MAX_DIGITS)}", ("d",))
    if any(map(str.isdecimal, word)):
        return WordClass("dx", ("d",))
    lower = lowered(word, language)
    if language in PREFIXES:
        lower = VOWEL_SIGNS.sub("", lower)
    known = ranks(language)
    rank = known.get(lower, _UNRANKED)
    stem_rank = min((known.get(stem, _UNRANKED) for stem in _stems(lower, language)), default=_UNRANKED)
    commonness = _commonness(word, language, rank, stem_rank)
    given = is_given_name(word)
    place = is_place(word) or is_inflected_place(word, language)
    features = [f"rank{sum(min(stem_rank, rank) > bound for bound in (*_RANKS, 100_000))}"]
    features += _lists_with(word, lower, language, commonness)
    features += (name for name, true in (("given", given), ("place", place)) if true)
    name = _shape(word) + commonness + ("g" if given else "") + ("c" if place else "")
    return WordClass(name, (*features, f"chars{min(len(word), _MAX_CHARS)}"))


def _commonness(word: str, language: str, rank: int, stem_rank: int) -> str:
    if rank < _UNRANKED:
        return str(sum(rank > bound for bound in _RANKS))
    if stem_rank < _UNRANKED:
        return f"s{sum(stem_rank > bound for bound in _STEM_RANKS)}"
    if is_in_dictionary(word, language):
        return "l"
    if is_common(word, language):
        return "i"
    return "t" if is_attested(lowered(word, language), language) else "x"


def _lists_with(word: str, lower: str, language: str, commonness: str) -> list[str]:
    family = language in ("ko", *EAST_ASIAN) and not family_names(language).isdisjoint((word[:1], word[:2]))
    found = {
        "elsewhere": commonness in "litx" and is_known_word(word),
        "compound": language == "de" and commonness in "tx" and is_compound(word, language),
        "work": lower in works(language),
        "courtesy": lower in COURTESY,
        "street": is_street(word),
        "particle": lower in PARTICLES,
        "hyphen": "-" in word,
        f"family{min(len(word), 5)}": family,
    }
    return [name for name, true in found.items() if true]


def _shape(word: str) -> str:
    if word.islower():
        return "x"
    if word.isupper() and len(word) > 1:
        return "A"
    if word[0].isupper():
        return "X"
    return "m" if word.isascii() else "o"


def _stems(word: str, language: str) -> list[str]:
    """Return the word without each prefix and suffix that it may have."""
    prefixes = (prefix for prefix in PREFIXES.get(language, ()) if word.startswith(prefix))
    bare = [word[len(prefix) :] for prefix in prefixes if len(word) - len(prefix) >= _MIN_STEM]
    suffixes = _SUFFIXES.get(language, ())
    return bare + [
        form.removesuffix(suffix)
        for form in (word, *bare)
        for suffix in suffixes
        if form.endswith(suffix) and len(form) - len(suffix) > _MIN_STEM
    ]


def _class_of_character(tokens: Sequence[Token], at: int, language: str) -> WordClass:
    """Return the class of a Chinese or Japanese character: its script, its word's rank, and where in it it is."""
    token, segment = tokens[at], tokens[at].segment
    assert segment is not None
    length = segment.end - segment.start
    if length == 1:
        where = "S"
    else:
        where = "B" if token.start == segment.start else "E" if token.end == segment.end else "M"
    commonness = "x" if segment.rank is None else str(sum(segment.rank > bound for bound in _RANKS))
    features = [f"chars{min(length, _MAX_SEGMENT)}", f"segment={segment.text}", f"at{where}"]
    if is_place(segment.text):
        features.append("place")
    if segment.text in works(language):
        features.append("work")
    features += _japanese_names(segment.text) if language == "ja" else _chinese_names(tokens, at)
    return WordClass(_script(token.text) + commonness + where, tuple(features))


def _script(character: str) -> str:
    if "\u3400" <= character <= "\u9fff":
        return "h"
    if "\u30a1" <= character <= "\u30fc":
        return "k"
    return "j" if "\u3041" <= character <= "\u309f" else "m"


def _japanese_names(word: str) -> list[str]:
    lists = (("family", family_names("ja")), ("given", japanese_given_names()))
    return [f"{name}{len(word)}" for name, names in lists if word in names]


def _chinese_names(tokens: Sequence[Token], at: int) -> list[str]:
    names = family_names("zh")
    here = [tokens[at].text, "".join(token.text for token in tokens[at : at + 2])]
    features = [f"family{len(name)}" for name in here if name in names]
    before = ((back, tokens[at - back].text) for back in (1, 2) if at >= back)
    return features + [f"family{back}back" for back, character in before if character in names]
