"""The phrases an answer must not contain: those a target names, and those extracted from facts and passages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from guard.targets.target import Draft, Kind
from guard.text.english import hides_in_common_word, is_common, is_derived, is_stop, rank
from guard.text.normalise import fold
from guard.text.words import Word, words_of

NAMED_KINDS = frozenset({Kind.PERSON, Kind.WORK, Kind.SECRET})
_MIN_PHRASE_BYTES = 4
_MIN_DIGITS = 3
_MAX_NAME_WORDS = 8
_MIN_RARE_WORD_CHARS = 5
# Product of the frequency ranks of the two words.
_MIN_RARE_PAIR_RANKS = 1_000_000

_QUOTED = re.compile(
    r"“([^“”\n]{2,160})”|‘((?:[^‘’\n]|’(?=\w)){2,160})’|«([^«»\n]{2,160})»|[「『《]([^「『《」』》\n]{2,160})[」』》]"
    r'|"([^"\n]{2,160})"'
    r"|(?<!\w)'(?=\S)((?:[^'\n]|'(?=\w)){2,160})(?<=\S)'(?!\w)"
)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"\b(?:{_DAY}(?: of)? {_MONTH}(?:,? \d{{4}})?|{_MONTH} {_DAY}(?:,? \d{{4}})?|{_MONTH},? \d{{4}}"
    r"|\d{1,4}([/.-])\d{1,2}\1\d{1,4})\b"
)
_NUMBER = re.compile(
    r"\+\d[\d ().-]{6,20}\d|(?:\(\d{3}\) ?|\b\d{3}[-. ])\d{3}[-. ]\d{4}\b|\d+(?:[,.]\d{3})*(?:\.\d+)?"
)
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|s)", re.IGNORECASE)
_ACRONYM = re.compile(r"(?<!\w)[A-Z][A-Z0-9]*(?:[&./-][A-Z0-9]+)*(?![a-z])")
_PARTICLES = frozenset(
    {"de", "del", "della", "der", "den", "des", "di", "da", "do", "dos", "du", "la", "le", "van", "von", "zu"}
    | {"ter", "bin", "ibn", "al", "el", "of", "for", "the"}
)
_ABBREVIATED = frozenset({"St", "Dr", "Mr", "Ms", "Mrs", "Prof", "Jr", "Sr"})
_OPENERS = frozenset(
    {"a", "an", "the", "his", "her", "their", "its"}
    | {"of", "in", "as", "by", "from", "for", "on", "about", "with", "at", "into"}
)
_SENTENCE_END = re.compile(r"[.!?:;]['\"”’)]*\s*$|\n\s*$")


def forbidden(draft: Draft) -> tuple[str, ...]:
    """Return every phrase to enforce for `draft`, with distinct folds, the explicit ones first.

    They are the name (of a person, work or secret), the aliases, the explicit and the extracted phrases, without
    those that fold like an exception.
    """
    named = (draft.name,) if draft.kind in NAMED_KINDS else ()
    excepted = {fold(exception) for exception in draft.exceptions}
    return _distinct(chain(named, draft.aliases, draft.phrases, extract(draft)), excepted)


def extract(draft: Draft) -> tuple[str, ...]:
    """Return the phrases that reveal the draft's facts and passages, with distinct folds.

    From both, titles, names, dates, numbers, codes and acronyms; from a fact's answer also the rare words and
    pairs of words that its question does not contain. Never a stop word or a common English word.

        rule          in the text                          extracted
        titles        wrote “The Salt Road: A Memoir”      The Salt Road: A Memoir; The Salt Road
        dates         born on 3 May 1961                   3 May 1961
        codes         plate K7-ZX-44, mail a@b.example     K7-ZX-44; a@b.example
        numbers       call +44 20 7946 0958                +44 20 7946 0958
        names         met Orla van Venn                    Orla van Venn; Orla; Venn
        acronyms      joined the UNHCR                     UNHCR
        rare words    a retired luthier                    luthier
        rare pairs    works as a tomato grower             tomato grower
    """
    found: list[str] = []
    for fact in draft.facts:
        found += _named_things(fact.answer)
        asked = fold(fact.question)
        found += (phrase for phrase in _rare(fact.answer) if fold(phrase) not in asked)
    for passage in draft.passages:
        found += _named_things(passage)
    return _distinct(found, set())


def _distinct(phrases: Iterable[str], unwanted: set[str]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for phrase in phrases:
        folded = fold(phrase)
        if folded not in unwanted:
            kept.setdefault(folded, phrase)
    return tuple(kept.values())


def _named_things(text: str) -> Iterator[str]:
    rules = (_titles, _dates, _codes, _numbers, _names, _acronyms)
    return (phrase for rule in rules for phrase in rule(text) if is_specific(phrase))


def _rare(text: str) -> Iterator[str]:
    words = words_of(text)
    if _is_english(words):
        yield from filter(is_specific, chain(_rare_words(words), _rare_pairs(text, words)))


def is_specific(phrase: str) -> bool:
    """Whether the phrase is more than a stop word, a common word or a part of one, so that it can be forbidden."""
    folded = fold(phrase)
    if folded.isdecimal():
        return len(folded) >= _MIN_DIGITS
    if len(folded.encode()) < _MIN_PHRASE_BYTES or hides_in_common_word(folded):
        return False
    words = [word.text for word in words_of(phrase)]
    return not all(map(is_stop, words)) and not (len(words) == 1 and is_common(words[0]))


def _titles(text: str) -> Iterator[str]:
    for match in _QUOTED.finditer(text):
        title = next(filter(None, match.groups())).strip(" ,.;:!?")
        yield title
        main = re.split(r"[:(]| [-–—] ", title, maxsplit=1)[0].strip(" ,.;")
        if len(words_of(main)) > 1:
            yield main


def _dates(text: str) -> Iterator[str]:
    return (match[0] for match in _DATE.finditer(text))


def _numbers(text: str) -> Iterator[str]:
    return (match[0] for match in _NUMBER.finditer(text))


def _codes(text: str) -> Iterator[str]:
    """Yield addresses, and words that mix letters and digits: keys, plates, postcodes."""
    for chunk in text.split():
        code = chunk.strip("()[]<>\"'“”‘’.,;:!?")
        mixed = any(c.isdigit() for c in code) and any(c.isalpha() for c in code)
        if (mixed or "@" in code or "://" in code) and not _ORDINAL.fullmatch(code):
            yield code


def _acronyms(text: str) -> Iterator[str]:
    return (match[0] for match in _ACRONYM.finditer(text) if sum(c.isalpha() for c in match[0]) > 1)


def _names(text: str) -> Iterator[str]:
    unquoted = _QUOTED.sub(lambda match: ";" * len(match[0]), text)
    for run in _capitalised_runs(unquoted):
        if len(run) > 1:
            yield text[run[0].start : run[-1].end]
        yield from (word.text for word in run if word.text[0].isupper() and not is_common(word.text))


def _capitalised_runs(text: str) -> Iterator[list[Word]]:
    """Yield runs of capitalised words, with particles inside, trimmed of words at either end that are no name."""
    run: list[Word] = []
    for word in words_of(text):
        if run and not _continues(text[run[-1].end : word.start], run[-1].text, word.text):
            yield from _trimmed(text, run)
            run = []
        if run or word.text[0].isupper():
            run.append(word)
    yield from _trimmed(text, run)


def _continues(gap: str, before: str, word: str) -> bool:
    joined = gap in (" ", "/", " & ") or (gap == ". " and (len(before) == 1 or before in _ABBREVIATED))
    return joined and (word[0].isupper() or word in _PARTICLES)


def _trimmed(text: str, run: list[Word]) -> Iterator[list[Word]]:
    if run and is_common(run[0].text) and _opens_sentence(text, run[0].start):
        rest = run[1:]
        if not rest or rest[0].text in _PARTICLES or not all(is_common(word.text) for word in rest):
            run = rest
    start, end = 0, len(run)
    while start < end and is_stop(run[start].text):
        start += 1
    while start < end and (is_stop(run[end - 1].text) or run[end - 1].text in _PARTICLES):
        end -= 1
    if 1 <= end - start <= _MAX_NAME_WORDS:
        yield run[start:end]


def _opens_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 8) : start]
    return (start <= 8 and not before.strip()) or _SENTENCE_END.search(before) is not None


def _rare_words(words: list[Word]) -> Iterator[str]:
    return (word.text for word in words if _is_rare_word(word.text))


def _is_rare_word(word: str) -> bool:
    plain = word.islower() and len(word) >= _MIN_RARE_WORD_CHARS
    return plain and not any(is_common(part) or is_derived(part) for part in word.split("-"))


def _rare_pairs(text: str, words: list[Word]) -> Iterator[str]:
    """Yield pairs of content words placed like an attribute and its noun: after an opener, ending a phrase."""
    for before, first, second, after in zip(words, words[1:], words[2:], [*words[3:], None], strict=False):
        opened = before.text.lower() in _OPENERS
        adjacent = text[before.end : first.start] == " " and text[first.end : second.start] == " "
        closed = after is None or is_stop(after.text) or text[second.end : after.start] != " "
        if opened and adjacent and closed and _is_rare_pair(first.text, second.text):
            yield f"{first.text} {second.text}"


def _is_rare_pair(first: str, second: str) -> bool:
    pair = (first, second)
    plain = all(word.islower() and not is_stop(word) and not is_derived(word) for word in pair)
    return plain and not any(map(_is_rare_word, pair)) and rank(first) * rank(second) >= _MIN_RARE_PAIR_RANKS


def _is_english(words: list[Word]) -> bool:
    return 2 * sum(is_common(word.text) for word in words) >= len(words)
