"""The first distinctive point of a phrase: where so much of it is said that nothing else goes that way."""

from __future__ import annotations

import math
from itertools import accumulate

from guard.phrases.context import is_given_name, is_place, lowered
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.english import is_stop
from guard.text.language import language_of
from guard.text.lexicon import frequency
from guard.text.normalise import fold, fold_char
from guard.text.words import Word, words_of
from guard.variants.frequency import begins_common_word, is_ordinary
from guard.variants.values.addresses import ADDRESS

MIN_CONTENT_WORDS = 3
MIN_SAID_WORDS = 2
MIN_SAID_SHARE = 0.6
"""Of the content words of a phrase, that are said when it is closed."""
MIN_HALF_CHARS = 5
"""Characters of each half of a number or code that is closed at its half: five digits, that is 16 bits, or five
letters and digits, 25 bits, stay unsaid."""
_OF_WORDS = frozenset({PhraseKind.TITLE, PhraseKind.PHRASE, PhraseKind.NAME, PhraseKind.ALIAS})
_MAX_PHRASE_CHARS = 400
# Of an e-mail address before its "@": shorter, it may be the end of any word.
_MIN_LOCAL_CHARS = 3
# Orders of magnitude by which the words said are rarer together, and on average, than one word of text in all.
_MIN_RARITY = 9.5
_MIN_MEAN_RARITY = 4.3
# Of a word that is in no list, whose commonest words are used some five times as often as that.
_LEAST_FREQUENCY = 1e-7


def first_distinctive(phrase: Phrase, *, contextual: bool = False) -> str:
    """Return the beginning of a phrase that is forbidden in its place; the whole phrase if none is distinctive.

    A title, a name or a given phrase of MIN_CONTENT_WORDS content words or more is closed when MIN_SAID_SHARE of
    them have been said, two at least. `contextual`: it is only forbidden where its target is touched, so it is
    closed right there, unless these words are a place that everybody knows. In every answer, it is closed as soon
    as the words are rare together; one that begins with a given name, or has an initial, is not, as others have
    the name.

    A number, or a code of letters and digits, is closed at its half, if that has MIN_HALF_CHARS characters and is
    no beginning of a word; an e-mail address is closed before its last dot, if twice as much is said by then.
    """
    text = phrase.text
    if len(text) > _MAX_PHRASE_CHARS:
        return text
    if phrase.kind in _OF_WORDS:
        content = [word for word in words_of(text) if not is_stop(word.text)]
        if len(content) < MIN_CONTENT_WORDS:
            return text
        return _closed_at_share(text, content) if contextual else _closed_where_rare(text, content)
    if ADDRESS.fullmatch(text):
        return _closed_before_top_level(text)
    if phrase.kind in (PhraseKind.NUMBER, PhraseKind.CODE):
        return _closed_at_half(text)
    return text


def _beginnings(text: str, content: list[Word]) -> dict[int, str]:
    """Return by the number of content words said the beginnings of `text` at which it may be closed."""
    first = max(MIN_SAID_WORDS, math.ceil(MIN_SAID_SHARE * len(content)))
    return {said: text[: content[said - 1].end] for said in range(first, len(content))}


def _closed_at_share(text: str, content: list[Word]) -> str:
    # Places are listed without their article.
    skipped = content[0].start
    beginnings = _beginnings(text, content).values()
    return next((beginning for beginning in beginnings if not is_place(beginning[skipped:])), text)


def _closed_where_rare(text: str, content: list[Word]) -> str:
    if is_given_name(content[0].text) or any(len(word.text) == 1 for word in content):
        return text
    language = language_of(text)
    rarity = list(accumulate(_rarity(word.text, language) for word in content))
    for said, beginning in _beginnings(text, content).items():
        rare = rarity[said - 1]
        is_rare = rare >= _MIN_RARITY and rare >= _MIN_MEAN_RARITY * said
        if is_rare and not is_ordinary(beginning, language, MIN_SAID_WORDS):
            return beginning
    return text


def _closed_before_top_level(address: str) -> str:
    local, beginning = address[: address.index("@")], address[: address.rindex(".")]
    is_distinctive = len(fold(local)) >= _MIN_LOCAL_CHARS and len(fold(beginning)) >= 2 * MIN_HALF_CHARS
    return beginning if is_distinctive else address


def _closed_at_half(text: str) -> str:
    folded = fold(text)
    half = len(folded) // 2
    is_code = any(map(str.isdigit, folded)) and not any(mark in text for mark in "@/")
    beginning = folded[:half]
    if half < MIN_HALF_CHARS or not is_code or begins_common_word(beginning):
        return text
    said = accumulate(len(fold_char(char)) for char in text)
    return text[: next(index for index, count in enumerate(said, 1) if count >= half)]


def _rarity(word: str, language: str) -> float:
    lower = lowered(word, language)
    often = frequency(lower, language) or max(
        frequency(part, language) for part in lower.replace("'", "-").replace("’", "-").split("-")
    )
    return -math.log10(max(often, _LEAST_FREQUENCY))
