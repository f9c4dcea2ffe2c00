"""What of a target must not be nearly said: its long phrases by their words, and its passages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from guard.matching.alignment import PassageWords, folded_words
from guard.matching.edits import EditPattern
from guard.matching.near import (
    MAX_CONTENT_WORDS,
    MIN_CONTENT_WORDS,
    NearTexts,
    common_in_order,
    content_words,
    words_needed,
)
from guard.phrases.context import is_place
from guard.phrases.numbers import kind_of
from guard.targets.target import ForgetTarget, Kind
from guard.text.normalise import fold
from guard.text.words import Word, words_of
from guard.variants.name_matcher import NameMatcher
from guard.variants.values.value_matcher import ValueMatcher
from guard.variants.variant import Variants

MAX_PASSAGE_WORDS = 20_000
"""Near quotes of a target with more words in its passages are not counted: each word would take too long."""
MIN_EDITED_CHARS = 7
MIN_TWICE_EDITED_CHARS = 10
"""Folded characters of a secret that is found with one, and with two wrong; shorter ones are like others."""
# A known name of more words is found as one of fewer.
_MAX_NAME_WORDS = 3


class LongPhrase(NamedTuple):
    """The content words of a phrase, or of a part of a very long one, and the fold of the whole phrase."""

    folded: str
    words: tuple[str, ...]


def near_texts(target: ForgetTarget) -> NearTexts:
    """Return what of a touched target must not be nearly said.

    Its phrases of MIN_CONTENT_WORDS content words or more count (initials are no words of these), unless it
    wants no variants; dates, numbers and codes do not, and neither does a phrase that an exception nearly says.
    Names that everybody knows count as `parts` says. Passages count if they have `quoted_words` words, and
    MAX_PASSAGE_WORDS in all at most. Of a secret, phrases with a digit count with characters wrong: one from
    MIN_EDITED_CHARS characters on, two from MIN_TWICE_EDITED_CHARS on. Dates and numbers count as `ValueMatcher`
    says, rare names and the names of people as `NameMatcher` does.
    """
    draft = target.draft
    phrases = tuple(dict.fromkeys(phrase.words for phrase in long_phrases(target, whole_names=True)))
    counts = {passage: len(folded_words(passage)) for passage in draft.passages}
    quotable = [passage for passage, count in counts.items() if count >= draft.quoted_words]
    if sum(counts.values()) > MAX_PASSAGE_WORDS:
        quotable = []
    passages = PassageWords(quotable, draft.exceptions)
    is_edited = draft.kind is Kind.SECRET and draft.variants is not Variants.NONE
    secrets = tuple(_edited(target.forbidden)) if is_edited else ()
    quotes = ((passages, draft.quoted_words),) if quotable else ()
    return NearTexts(phrases, quotes, secrets, tuple(filter(None, _values(target))))


def _values(target: ForgetTarget) -> Iterator[ValueMatcher | NameMatcher]:
    draft = target.draft
    if draft.variants is Variants.NONE:
        return
    yield ValueMatcher.of(target.forbidden)
    people = (draft.name, *draft.aliases) if draft.kind is Kind.PERSON else ()
    yield NameMatcher.of((*target.forbidden, *target.variants), people, draft.exceptions)


def long_phrases(target: ForgetTarget, *, whole_names: bool) -> Iterator[LongPhrase]:
    """Yield the phrases of a target that must not be nearly said, see `near_texts` and `parts`."""
    if target.draft.variants is Variants.NONE:
        return
    excepted = [content_words(exception) for exception in target.draft.exceptions]
    for phrase in target.forbidden:
        for words in parts(phrase, whole_names=whole_names):
            if not any(tells(exception, words) for exception in excepted):
                yield LongPhrase(fold(phrase), words)


def _edited(phrases: Iterable[str]) -> Iterator[EditPattern]:
    for folded in map(fold, phrases):
        if len(folded) >= MIN_EDITED_CHARS and any(map(str.isdigit, folded)):
            yield EditPattern(folded, 2 if len(folded) >= MIN_TWICE_EDITED_CHARS else 1)


def parts(phrase: str, *, whole_names: bool = True) -> Iterator[tuple[str, ...]]:
    """Yield the content words of a long phrase, in parts if there are many.

    A place, work or event that everybody knows counts as one word, so that ordinary text with its name does not
    tell. With `whole_names` also as all of its words, unless those alone would be enough: "Star Wars" with "epic"
    tells "Galactic Shadows: A Star Wars Epic".
    """
    words = words_of(phrase)
    known = dict(_known_names(phrase, words))
    content = content_words(_with_last_words(words, known))
    if len(content) < MIN_CONTENT_WORDS or kind_of(phrase) is not None:
        return
    yield from _split(content)
    if whole_names and known and max(known.values()) < words_needed(len(whole := content_words(phrase))):
        yield from _split(whole)


def _split(content: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(content), MAX_CONTENT_WORDS):
        part = content[start : start + MAX_CONTENT_WORDS]
        if sum(not _is_initial(word) for word in part) >= MIN_CONTENT_WORDS:
            yield part


def _is_initial(word: str) -> bool:
    """Whether a word is a single letter of a script with case: "J. K." alone tells nobody."""
    return len(word) == 1 and word.upper() != word.lower()


def _known_names(phrase: str, words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    """Yield the number of the first word, and the count of words, of each known name of several words."""
    at = 0
    while at < len(words):
        counts = range(_MAX_NAME_WORDS, 1, -1)
        count = next((n for n in counts if _is_known(phrase, words[at : at + n], n)), 1)
        if count > 1:
            yield at, count
        at += count


def _with_last_words(words: Sequence[Word], known: Mapping[int, int]) -> str:
    """Return the words with the last word alone of each known name."""
    left_out = {at + n for at, count in known.items() for n in range(count - 1)}
    return " ".join(word.text for at, word in enumerate(words) if at not in left_out)


def _is_known(phrase: str, words: Sequence[Word], count: int) -> bool:
    return len(words) == count and is_place(phrase[words[0].start : words[-1].end])


def tells(text: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    """Return whether content words nearly say a phrase."""
    return common_in_order(text, phrase) >= words_needed(len(phrase))
