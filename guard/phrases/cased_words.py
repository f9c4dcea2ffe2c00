"""Words of scripts with capitals: without what is elided before them, and whether their capitals tell anything."""

from __future__ import annotations

import re

from guard.phrases.context import CAPITALISED_NOUNS, is_function_word
from guard.text.english import is_stop
from guard.text.words import Word, words_of

_ELIDED = re.compile(r"(?i)\b(?:[ldsnjmtc]|qu|jusqu|lorsqu|puisqu|dell|nell|all|dall|sull|un)['’](?=\w)")
_ELIDING = frozenset({"fr", "it", "ca"})
# Capitals tell nothing where all of so many longer words have one.
_MIN_TITLE_CASE_WORDS, _LONGER = 5, 3


def cased_words(text: str, language: str) -> list[Word]:
    """Return the words, with elided articles and Turkish endings cut off."""
    words: list[Word] = []
    for word in words_of(text):
        if elided := language in _ELIDING and _ELIDED.match(word.text):
            middle = word.start + elided.end()
            words += (
                Word(elided[0].lower().replace("’", "'"), word.start, middle),
                Word(text[middle : word.end], middle, word.end),
            )
        elif language == "tr" and ("'" in word.text or "’" in word.text):
            stem = re.split(r"['’]", word.text, maxsplit=1)[0]
            words.append(Word(stem, word.start, word.start + len(stem)))
        else:
            words.append(word)
    return words


def is_title_case(words: list[Word], language: str) -> bool:
    """Whether all but the smallest words begin with a capital, or are capitals, so that capitals tell no names.

    A word in small letters that is no function word, such as a verb, shows that capitals mean something.
    """
    longer = [word.text for word in words if len(word.text) > _LONGER]
    short = (word.text for word in words if len(word.text) == _LONGER and word.text.islower())
    if len(longer) < _MIN_TITLE_CASE_WORDS or not all(is_stop(w) or is_function_word(w, language) for w in short):
        return False
    if language in CAPITALISED_NOUNS:
        return all(map(str.isupper, longer))
    return all(word[0].isupper() or is_function_word(word, language) for word in longer)
