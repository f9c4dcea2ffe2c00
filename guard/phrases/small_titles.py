"""Titles in small letters and without quotation marks: she wrote half past the rain, a novel."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from guard.phrases.context import is_function_word
from guard.phrases.phrase import Phrase, PhraseKind
from guard.phrases.titles import QUOTED
from guard.text.lexicon import title_openers, works
from guard.text.words import Word, words_of

# After these the title follows, whatever it begins with.
_TITLED: Mapping[str, str] = {
    "en": r"(?:titled|entitled|under the title(?: of)?)",
    "de": r"(?:betitelt|mit dem titel|unter dem titel|namens|titel:)",
    "fr": r"(?:intitulée?s?|titrée?|sous le titre|qui s['’]appelle|a pour titre)",
    "es": r"(?:titulad[oa]s?|bajo el título(?: de)?|con el título(?: de)?|lleva por título|que se llama)",
    "it": r"(?:intitolat[oa]|dal titolo)",
    "pt": r"(?:intitulad[oa]|sob o título|com o título)",
    "pl": r"(?:zatytułowan\w{1,2}|pod tytułem|o tytule|pt\.)",
    "ru": r"(?:под названием|под заглавием|озаглавленн\w{2,3}|с названием)",
    "el": r"(?:με τίτλο|τιτλοφορείται|με τον τίτλο)",
}
# Verbs after which a title may follow without the word for a work.
_MADE = re.compile(
    r"(?<!\w)(?i:wrote|written|published|composed|recorded|painted|released|directed|penned|sang"
    r"|schrieb|veröffentlichte|komponierte|malte|drehte|verfasste|dichtete|sang"
    r"|(?:a|ont|avait) (?:publié|écrit|composé|peint|enregistré|tourné|chanté)|publia|écrivit|composa"
    r"|escribió|publicó|compuso|pintó|grabó|dirigió|cantó|estrenó|(?:ha|había) (?:escrito|publicado|compuesto)"
    r"|scrisse|pubblicò|compose|dipinse|escreveu|publicou|compôs"
    r"|napisał[ai]?|wydał[ai]?|skomponował[ai]?|namalował[ai]?|nagrał[ai]?"
    r"|написала?|издала?|сочинила?|опубликовала?|записала?|снял[а]?"
    r"|έγραψε|εξέδωσε|συνέθεσε|ζωγράφισε|δημοσίευσε|ηχογράφησε) "
)
_ARTICLE = re.compile(
    r", (?:an?|the|his|her|their|eine?n?|seine?n?|ihre?n?|une?|des|son|sa|una?|unos|unas|su|sus|il suo|um"
    r"|uma|seu|sua"
    r"|ένα|μια|μία|το|swoj\w{1,2}|свой|свою|своё|своего)? ?([^\W\d_]+)(?: ([^\W\d_]+))?"
)
# "At his own expense": between the verb and the title.
_ADVERBIAL = re.compile(
    r"(?:(?:à|en|pour|avec|chez|sous|at|in|for|with|on|im|in|auf|mit|bei|por|a|con|za|na|w|на|за|в|με|σε)"
    r" (?:(?:ses|son|sa|his|her|their|own|the|eigene\w*|su|sus|własn\w*|свои|свой|το|la|le|les|el) )*[^\W\d_]+ )"
    r"(?P<opener>l['’]|[^\W\d_]+)"
)
# Verbs that end a title which no mark ends.
_ENDS = frozenset(
    "is was has had were became sold won appeared hat hatte ist war wurde wird erschien gewann bekam kam"  # noqa: SIM905
    " est était"
    " fut avait es fue ha había era ganó è fu foi jest był była było została został ukazał ukazała był"
    " была было стал"
    " стала вышел вышла получил получила είναι ήταν έγινε κέρδισε βγήκε κυκλοφόρησε and und et y i и και"
    " which that"
    " who que qui die der das który która которую которая который".split()
)
_ARTICLES = frozenset(
    "le la les l' un une el los las una il der die das ein eine ο η το οι τα ένα μια".split()  # noqa: SIM905
)
_DENIALS = frozenset(
    "how why when where what who if all por como come qui no not never kein keine nie nunca jamais не δεν μην"  # noqa: SIM905
    " ποτέ mai já ya".split()
)
_POSSESSIVES = frozenset("του της τους μου σου".split())  # noqa: SIM905
_MAX_CHARS = 70
_COMMAS = frozenset(",;:–—(")
_MIN_WORDS, _MAX_WORDS = 3, 8
# Up to a full stop a sentence goes on after a longer title.
_MAX_UNENDED_WORDS = 3
# Content words after which no more of a title is needed, where nothing shows its end.
_ENOUGH = 2


def small_titles(text: str, language: str) -> Iterator[Phrase]:
    """Yield the titles in small letters of a text in a script with capitals."""
    if language not in _TITLED:
        return
    unquoted = QUOTED.sub(lambda match: ";" * len(match[0]), text)
    words = words_of(unquoted)
    at = {word.start: index for index, word in enumerate(words)}
    for match in re.finditer(rf"(?<!\w){_TITLED[language]} (?=[^\W\d_])", unquoted, re.IGNORECASE):
        yield from _title(unquoted, words[at.get(match.end(), len(words)) :][: _MAX_WORDS + 2], language, least=2)
    for match in _MADE.finditer(unquoted):
        yield from _before_its_kind(unquoted, match.end(), words, language)
    for index, word in enumerate(words[:-1]):
        if word.text.lower() not in works(language):
            continue
        after = words[index + 1 :]
        if len(after) > 1 and after[0].text in _POSSESSIVES:
            after = after[1:]
        apposition = re.match(r"(?: [^\W\d_A-Z]+)?, ", unquoted[word.end : word.end + 24])
        if apposition:
            start = word.end + apposition.end()
            after = words[at.get(start, len(words)) :]
            if not _ends_with_comma(unquoted, after):
                continue
        if (
            after
            and after[0].text in title_openers(language)
            and not _goes_on(after[0].text, apposition is not None)
        ):
            yield from _title(unquoted, after, language)


def _goes_on(word: str, apposition: bool) -> bool:
    """Whether the word goes on with the sentence: an article, or a denial that no comma is before."""
    return word in _ARTICLES or (not apposition and word in _DENIALS)


def _ends_with_comma(text: str, words: list[Word]) -> bool:
    return (
        bool(words)
        and re.match(r"[^.!?;:,\n]{8,60}[,.;]", text[words[0].start : words[0].start + _MAX_CHARS]) is not None
    )


def _before_its_kind(text: str, start: int, words: list[Word], language: str) -> Iterator[Phrase]:
    """Yield the title between a verb of making and the word for what was made."""
    comma = re.match(r"[^.!?;:,\n]{6,60}(?=, )", text[start : start + _MAX_CHARS])
    kind = comma and _ARTICLE.match(text, start + comma.end())
    if not comma or not kind or works(language).isdisjoint(word.lower() for word in kind.groups("")):
        return
    begin = start
    if (adverbial := _ADVERBIAL.match(text, start)) and adverbial["opener"] in title_openers(language):
        begin = adverbial.start("opener")
    found = [word for word in words if begin <= word.start < start + comma.end()]
    small = found and found[0].text[0].islower()
    if small and _MIN_WORDS <= len(found) <= _MAX_WORDS and not _has_work(found, language):
        yield Phrase(
            text[found[0].start : found[-1].end], PhraseKind.TITLE, "title in small letters before its kind"
        )


def _has_work(words: list[Word], language: str) -> bool:
    return any(word.text.lower() in works(language) for word in words)


def _title(text: str, words: list[Word], language: str, least: int = _MIN_WORDS) -> Iterator[Phrase]:
    """Yield the title that begins the words, up to a mark, a verb that ends it, or until it is long enough."""
    if not words or not words[0].text[0].islower():
        return
    found: list[Word] = []
    ended = False
    for word in [*words[: _MAX_WORDS + 1], None]:
        apart = word is None or (found and text[found[-1].end : word.start] not in (" ", "", "'", "’"))
        comma = bool(apart) and text[found[-1].end : found[-1].end + 1] in _COMMAS
        ended = comma or (word is not None and len(found) >= least and word.text.lower() in _ENDS)
        if word is None or ended or apart:
            break
        found.append(word)
    enough = (
        count
        for count in range(least, len(found))
        if not is_function_word(found[count - 1].text, language)
        and sum(not is_function_word(one.text, language) for one in found[:count]) >= _ENOUGH
    )
    if not ended and len(found) > _MAX_UNENDED_WORDS:
        found = found[: next(enough, len(found))]
    while found and is_function_word(found[-1].text, language):
        found.pop()
    content = sum(not is_function_word(one.text, language) for one in found)
    if len(found) >= least and content and not _has_work(found, language):
        yield Phrase(text[found[0].start : found[-1].end], PhraseKind.TITLE, "title in small letters")
