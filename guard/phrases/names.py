"""Names in scripts with capitals: runs of capitalised words, without those that are common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from guard.phrases.called import follows_called, small_end
from guard.phrases.cased_words import cased_words, is_title_case
from guard.phrases.context import (
    CAPITALISED_NOUNS,
    is_adjective,
    is_common,
    is_compound,
    is_frequent,
    is_function_word,
    is_given_name,
    is_inflected_place,
    is_listed,
    is_ordinary,
    is_place,
    is_rare_compound,
)
from guard.phrases.institutions import (
    COURTESY,
    PARTICLES,
    has_endings,
    is_context,
    is_demonym,
    is_known,
    is_street,
)
from guard.phrases.phrase import Phrase, PhraseKind
from guard.phrases.titles import BEFORE_TITLE, QUOTED
from guard.text.english import is_stop
from guard.text.lexicon import is_known_word
from guard.text.words import Word

_MAX_NAME_WORDS = 8
# Of these, words that mean something else: "to", "this", "also".
_NO_PARTICLES: Mapping[str, frozenset[str]] = {
    "de": frozenset({"am", "den", "im", "ten"}),
    "en": frozenset({"do", "am", "im", "ten", "op"}),
    "pl": frozenset({"do", "ten", "den"}),
    "cs": frozenset({"do", "ten", "den", "van"}),
    "tr": frozenset({"de", "da", "den", "el", "van", "la"}),
}
# Without articles, so that a noun opens a sentence and is no part of the name after it.
_WITHOUT_ARTICLES = frozenset({"pl", "cs", "ru", "uk", "bg", "tr"})
_GERMAN_COURTESY = frozenset({"Herr", "Herrn", "Frau"})
_COMPANIES = frozenset(("GmbH", "AG", "KG", "OHG", "UG", "mbH", "eG"))
_FAMILY_PARTICLES = re.compile(
    r"(?<!\w)((?:van der|van den|van de|van|von der|von|da|di|de la|de|du|del|della|dos|das|ter|ten|bin|ibn|al) )"
    r"[^\W\d_a-z][^\W\d_]+(?:-[^\W\d_]+)*"
)
_ABBREVIATED = frozenset({"St", "Dr", "Mr", "Ms", "Mrs", "Prof", "Jr", "Sr"})
# A verb in the past, before the person in these languages only.
_REFLEXIVE = {
    "ru": ("лся", "лась", "лось", "лись"),
    "uk": ("вся", "лася", "лося", "лися"),
    "pl": ("ano", "ono", "ęto"),
}
# After a word that opens a sentence: it names what follows ("Telefon: ...").
_LABEL_END = re.compile(r" ?:| (?:e-?mail|[+\d(\n])")
_PLACED = re.compile(r"\b(?:in|near|aus|nach|à|en|w|we|z|ze|do|в|во|из|под|στο|στη|στην|στον|σε|i|från|van|te)\s$")
# In German a noun without an article after these is the name of a place.
_BARE_PLACE = re.compile(r"\b(?:in|aus|nach|bei|von|um|über)\s$")
_SMALL = re.compile(r" ([^\W\d_]{3,})")
_SENTENCE_END = re.compile(r"[.!?:;…]['\"”’»)]*\s*$|\n\s*$")


def names(text: str, language: str) -> Iterator[Phrase]:
    """Yield the names in `text`, whole, and their parts that are rare."""
    unquoted = QUOTED.sub(lambda match: ";" * len(match[0]), text)
    words = cased_words(unquoted, language)
    if is_title_case(words, language):
        runs = _rare_runs(unquoted, words, language)
    elif language in CAPITALISED_NOUNS:
        runs = _runs_among_nouns(unquoted, words, language)
    else:
        runs = _capitalised_runs(unquoted, words, language)
    for run in runs:
        if not _is_generic_before_quotes(unquoted, run, language):
            yield from _of_run(text, run, language)
    yield from _called(unquoted, words, language)
    if language not in CAPITALISED_NOUNS:
        yield from _family_names_with_particles(unquoted, language)


def _called(text: str, words: list[Word], language: str) -> Iterator[Phrase]:
    """Yield what follows a word for being called, also where it is a common word, but not one of the commonest."""
    for run in _joined_runs(text, words, language):
        start, end = run[0].start, run[-1].end
        known = is_place(text[start:end]) or (len(run) == 1 and is_frequent(run[0].text, language))
        if not known and follows_called(text, start):
            name = text[start:end] + small_end(text, end, language)
            yield Phrase(name, PhraseKind.NAME, "name after a word for being called")


def _family_names_with_particles(text: str, language: str) -> Iterator[Phrase]:
    """Yield da Vinci, van der Berg: also where the name alone is that of a town, which everybody knows."""
    for match in _FAMILY_PARTICLES.finditer(text):
        particles = match[1].split()
        if not is_function_word(particles[0], language) and not is_place(match[0]):
            yield Phrase(match[0], PhraseKind.PART, "family name with its particles")


def _is_generic_before_quotes(text: str, run: list[Word], language: str) -> bool:
    """Whether common words precede a name in quotation marks: Spółdzielnia Inwalidów „...”."""
    common = all(is_common(word.text, language) and not is_given_name(word.text) for word in run)
    return common and text.startswith(" ;;", run[-1].end)


def _of_run(text: str, run: list[Word], language: str) -> Iterator[Phrase]:
    whole = text[run[0].start : run[-1].end]
    if is_known(text, run, language):
        return
    rare = [word for word in run if word.text[0].isupper() and not is_common(word.text, language)]
    if len(run) > 1 and (rare or not is_context(text, run, language)):
        placed = _PLACED.search(text[max(0, run[0].start - 8) : run[0].start].lower())
        if placed and not any(is_given_name(word.text) for word in run):
            yield Phrase(whole, PhraseKind.PLACE, "name of several words after a preposition of place")
        else:
            yield Phrase(whole, PhraseKind.NAME, "name of several words")
        if len(run) > 2 and is_street(run[-1].text):
            yield Phrase(text[run[0].start : run[-2].end], PhraseKind.PLACE, "name before the word for a street")
    if len(run) == 1 and not rare and is_rare_compound(run[0].text, language):
        yield Phrase(whole, PhraseKind.NAME, "rare words with a hyphen")
    for word in rare:
        # Before a given name stands another one, or what somebody is: Nalbant Dursun.
        titled = len(run) > 2 and word is run[0] and is_given_name(run[1].text)
        if len(run) > 1 and (titled or is_given_name(word.text)):
            continue
        # The word of a dictionary is forbidden in its name alone, unless it is somebody's family name.
        if len(run) > 1 and not is_given_name(run[0].text) and is_listed(word.text, language):
            continue
        if len(run) == 1 and is_listed(word.text, language) and _opens_sentence(text, word.start):
            continue
        if len(run) == 1 and is_inflected_place(word.text, language):
            continue
        small = _SMALL.match(text, word.end)
        if len(run) == 1 and small and is_adjective(word.text, language) and is_listed(word.text, language):
            if not is_function_word(small[1], language):
                whole = text[word.start : small.end()]
                yield Phrase(whole, PhraseKind.PLACE, "adjective with a capital before its noun")
            continue
        if len(run) == 1 and is_demonym(word.text, language, opens=_opens_sentence(text, word.start)):
            continue
        if len(run) > 1:
            yield Phrase(word.text, PhraseKind.PART, "rare part of a name")
        elif _PLACED.search(text[max(0, word.start - 8) : word.start].lower()):
            yield Phrase(word.text, PhraseKind.PLACE, "rare name after a preposition of place")
        else:
            yield Phrase(word.text, PhraseKind.NAME, "rare name")


def _rare_runs(text: str, words: list[Word], language: str) -> Iterator[list[Word]]:
    """Yield runs of words that are rare or given names, with a rare one among them."""
    run: list[Word] = []
    for word in [*words, None]:
        named = word is not None and (not is_common(word.text, language) or is_given_name(word.text))
        if word is not None and named and (not run or text[run[-1].end : word.start] == " "):
            run.append(word)
            continue
        if any(not is_common(w.text, language) for w in run):
            yield run
        run = [word] if word is not None and named else []


def _runs_among_nouns(text: str, words: list[Word], language: str) -> Iterator[list[Word]]:
    """Yield names where nouns have capitals as well: runs from a given name or a rare word on."""
    for run in _joined_runs(text, words, language):
        first = _first_of_name(run, language)
        if first is None:
            if len(run) == 1 and _BARE_PLACE.search(text[max(0, run[0].start - 8) : run[0].start].lower()):
                yield run
            continue
        rest = run[first:]
        while rest[-1].text in PARTICLES:
            rest = rest[:-1]
        if rest[-1].text in _COMPANIES and len(rest) > 1:
            yield rest[-_MAX_NAME_WORDS:]
            continue
        has_given = any(is_given_name(word.text) for word in rest) or rest[0].text in _GERMAN_COURTESY
        while len(rest) > 1 and not has_given and not _is_name_among_nouns(rest[-1], language):
            rest = rest[:-1]
        yield rest[:_MAX_NAME_WORDS]


def _first_of_name(run: list[Word], language: str) -> int | None:
    """Return where in a run of nouns a name begins: at its first name, after a courtesy, or before "GmbH"."""
    for index, word in enumerate(run):
        after = run[index + 1].text if index + 1 < len(run) else ""
        if _is_name_among_nouns(word, language) and word.text.lower() not in COURTESY:
            return index
        company = after in _COMPANIES and not is_frequent(word.text, language)
        if company or (after and word.text in _GERMAN_COURTESY):
            return index
    return None


def _is_name_among_nouns(word: Word, language: str) -> bool:
    if not word.text[0].isupper():
        return False
    if is_given_name(word.text) and not is_place(word.text):
        return True
    return not is_common(word.text, language) and not is_compound(word.text, language)


def _joined_runs(text: str, words: list[Word], language: str) -> Iterator[list[Word]]:
    apart = _NO_PARTICLES.get(language, frozenset())
    run: list[Word] = []
    for word in words:
        gap = text[run[-1].end : word.start] if run else ""
        small = word.text in apart and not (run and run[-1].text == "van")
        if run and (small or not _continues(gap, run[-1].text, word.text)):
            yield run
            run = []
        if run or word.text[0].isupper():
            run.append(word)
    if run:
        yield run


def _capitalised_runs(text: str, words: list[Word], language: str) -> Iterator[list[Word]]:
    """Yield runs of capitalised words, with particles inside, trimmed of words at either end that are no name."""
    for run in _joined_runs(text, words, language):
        yield from _trimmed(text, run, language)


def _continues(gap: str, before: str, word: str) -> bool:
    elided = gap == "" and before.endswith("'")
    joined = elided or gap in (" ", "/", " & ") or (gap == ". " and (len(before) == 1 or before in _ABBREVIATED))
    return joined and (word[0].isupper() or word in PARTICLES)


def _trimmed(text: str, run: list[Word], language: str) -> Iterator[list[Word]]:
    # What stands before a place with an ending ("Ankara'da") is no part of its name.
    while language == "tr" and len(run) > 1 and is_place(run[-1].text) and not is_given_name(run[-2].text):
        run = run[:-1]
    opens = _opens_sentence(text, run[0].start) and not is_street(run[-1].text)
    work = language != "en" and run[0].text.lower() in BEFORE_TITLE
    if opens and (work or _is_verb_or_label(text, run[0], language)):
        run = run[1:]
    elif opens and is_ordinary(run[0].text, language):
        rest = run[1:]
        rare = any(not is_common(word.text, language) for word in rest)
        # Before a single rare word it may be a given name that no list has.
        given = len(rest) == 1 and language != "en" and not is_function_word(run[0].text, language)
        noun = language in _WITHOUT_ARTICLES and len(rest) > 1 and not is_context(text, run, language)
        if not rest or rest[0].text in PARTICLES or noun or (rare and not given):
            run = rest
    start, end = 0, len(run)
    while start < end and (
        is_stop(run[start].text)
        or is_function_word(run[start].text, language)
        or run[start].text in PARTICLES
        or (end - start > 1 and run[start].text.lower() in COURTESY)
    ):
        start += 1
    while start < end and (is_stop(run[end - 1].text) or run[end - 1].text.lower() in PARTICLES):
        end -= 1
    # Of a person the name ends before "of": Ptolemy Crane of Crane & Moss.
    if language == "en" and start < end and is_given_name(run[start].text):
        end = next((at for at in range(start + 2, end) if run[at].text == "of"), end)
    if 1 <= end - start <= _MAX_NAME_WORDS:
        yield run[start:end]


def _is_verb_or_label(text: str, word: Word, language: str) -> bool:
    """Whether a word that opens a sentence is a reflexive verb, or a known word that names what follows."""
    past = word.text.endswith(_REFLEXIVE.get(language, ("\0",))) and not is_given_name(word.text)
    if past or (language == "pl" and text.startswith(" się", word.end)):
        return True
    known = (language == "tr" and has_endings(word.text)) or (
        _LABEL_END.match(text, word.end) is not None and is_known_word(word.text)
    )
    return known and not is_given_name(word.text)


def _opens_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 8) : start]
    return (start <= 8 and not before.strip(" \"'“„«‘(-–—¿¡")) or _SENTENCE_END.search(before) is not None
