"""Surrogate words: words of the shape of a given one (surrogate generation, as in de-identification).

A word of a name becomes a given name of its script and length, a common one where it is common itself: what a
model says of a name depends on how usual its words look. Where there is none, and for words of titles, a word is
invented. One in Latin letters keeps its runs of vowels and of consonants, each replaced by another run of as many
letters, so that it can be pronounced; in other scripts each letter is replaced by another one of the script.
"""

from __future__ import annotations

import hmac
import random
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache

from guard.text.english import is_common
from guard.text.lexicon import english_names, given_names, is_known_word, places, ranks
from guard.text.normalise import fold

MIN_LETTERS = 4
"""Of a surrogate in Latin, Cyrillic or Greek letters: a shorter one might be a word that an answer says anyway."""

# Scripts with spaces, whose given names are found as words.
_NAMED_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI"})
_VOWEL_ENDS = frozenset("aeiouyаеиоуыюяαειουηω")

_RUN = re.compile(r"[aeiou]+|[^aeiou]+")
_VOWEL_Y = re.compile(r"y(?![aeiou])")
_VOWELS = ("a e i o u", "ai au ea ei ia ie io oa oo ua", "aia eau eia ioa oua")
_FIRST = ("b d f g h j k l m n p r s t v w z", "br ch cl dr fl gr kl pl sh sk sm st th tr", "sch spr str thr")
_INNER = (
    "b d f g k l m n p r s t v z",
    "ld ll lm lt mb nd nn rd rk rl rm rn rs rt ss st tt",
    "ldr mbr ndr ntr rst",
)
_LAST = ("d k l m n r s t", "ch ck ld nd ng rd rk rn rt st", "nds rst rth")
_VOWELS_OF = {"CYRILLIC": "аеиоу", "GREEK": "αειου"}
# Of each script the letters that may stand for one another; in Cyrillic and Greek the consonants.
_LETTERS_OF = {
    "CYRILLIC": "бвгдзклмнпрст",
    "GREEK": "βγδζκλμνπρτ",
    "ARABIC": "بتجدرسفقكلمن",
    "HEBREW": "בגדזחטלנסקרת",
    "ARMENIAN": "բգդզլկմնպրստ",
    "GEORGIAN": "ბგდვზთკლმნპრ",
    "DEVANAGARI": "कगचजतदनपबमरलवस",
    "BENGALI": "কগচজতদনপবমরলস",
    "TAMIL": "கசதநபமயரலவ",
    "TELUGU": "కగచజతదనపబమరలవస",
    "THAI": "กขคจชดตนบปพมรลวส",
    "HIRAGANA": "かきくけこさしすせそたてとなにのはまみむもやゆよらりるろ",
    "KATAKANA": "カキクケコサシスセソタテトナニノハマミムモヤユヨラリルロ",
    "HANGUL": "강결곤노도로무보서수오욱주진차하담빈솔윤",
    "CJK": "安堀沢篠椎蓮慎颯雫榛楓柚紬葵澪渚碧凪茅菫",
}


# What a given name has in common with the word that it stands for: script, letters, whether it ends in a vowel,
# and whether it is common.
_Shape = tuple[str, int, bool, bool]


def surrogate(word: str, key: str, attempt: int = 0, *, is_name: bool = False) -> str:
    """Return a word of the shape of `word` in small letters, a given name for one of a name; "" if there is none.

    The same for the same `key`, `attempt` and fold of the word; who does not know the key cannot tell which it is.
    A word with digits, or of a script that is not known, has none.
    """
    folded = fold(word)
    digest = hmac.digest(key.encode(), f"{attempt} {folded}".encode(), "sha256")
    chance = random.Random(int.from_bytes(digest))
    scripts = {_script(char) for char in word if char.isalpha()}
    if any(char.isnumeric() and _script(char) != "CJK" for char in word) or not scripts:
        return ""
    if is_name and len(scripts) == 1 and (names := _given_names().get(_shape(word.lower(), *scripts))):
        return chance.choice(names)
    if scripts == {"LATIN"}:
        return _unknown(_pronounceable(folded, chance)) if folded.isascii() else ""
    if not scripts <= _LETTERS_OF.keys():
        return ""
    found = "".join(_other_letter(char, chance) for char in word.lower())
    while scripts & _VOWELS_OF.keys() and len(found) < MIN_LETTERS:
        found += _other_letter(found[-2:-1] or found, chance)
    return _unknown(found)


def _unknown(word: str) -> str:
    """Return an invented word unless some language has it."""
    return "" if is_known_word(word) else word


def _shape(word: str, script: str) -> _Shape:
    plain = fold(word) if script == "LATIN" else word
    is_usual = script != "LATIN" or word in english_names() or word in ranks("en")
    return script, max(MIN_LETTERS, len(plain)), plain[-1:] in _VOWEL_ENDS, is_usual


@cache
def _given_names() -> Mapping[_Shape, tuple[str, ...]]:
    """Return the given names by shape, without those that are places or common words too."""
    found: dict[_Shape, list[str]] = {}
    for name in sorted(_single_names()):
        (script,) = {_script(char) for char in name}
        found.setdefault(_shape(name, script), []).append(name)
    return {shape: tuple(names) for shape, names in found.items()}


def _single_names() -> Iterator[str]:
    for name in given_names():
        scripts = {_script(char) for char in name if char.isalpha()}
        if len(scripts) != 1 or not scripts <= _NAMED_SCRIPTS or not name.isalpha():
            continue
        is_plain = name.isascii() or scripts != {"LATIN"}
        if is_plain and len(name) >= MIN_LETTERS and not is_common(name) and name not in places():
            yield name


def _pronounceable(word: str, chance: random.Random) -> str:
    runs = _RUN.findall(_VOWEL_Y.sub("i", word))
    for _ in range(len(word), MIN_LETTERS):
        runs.append("n" if runs[-1][0] in "aeiou" else "a")
    found = []
    for place, run in enumerate(runs):
        if run[0] in "aeiou":
            tables = _VOWELS
        else:
            tables = _FIRST if place == 0 else _LAST if place == len(runs) - 1 else _INNER
        found += [chance.choice(tables[len(part) - 1].split()) for part in _parts(run)]
    return "".join(found)


def _parts(run: str) -> list[str]:
    """Return a run in parts of three letters at most."""
    return [run[at : at + 3] for at in range(0, len(run), 3)]


def _other_letter(char: str, chance: random.Random) -> str:
    if not char.isalpha():
        return char
    script = _script(char)
    vowels = _VOWELS_OF.get(script, "")
    # Vowels with accents are vowels; a decomposition has the plain letter first.
    plain = unicodedata.normalize("NFD", char)[0]
    letters = vowels if plain in vowels or plain in "ыэюяёіїєηωυ" else _LETTERS_OF[script]
    return chance.choice([letter for letter in letters if letter != char])


def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0].split("-")[0]
