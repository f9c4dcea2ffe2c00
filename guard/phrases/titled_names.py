"""Names of common words: after a courtesy or a given name, and before what a thing is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, pairwise

from guard.phrases.context import (
    CAPITALISED_NOUNS,
    is_common,
    is_frequent,
    is_function_word,
    is_given_name,
    is_place,
)
from guard.phrases.institutions import COURTESY, PARTICLES, has_endings, is_known
from guard.phrases.phrase import Phrase, PhraseKind
from guard.phrases.titles import QUOTED
from guard.text.english import is_stop
from guard.text.words import Word, words_of

_CAPITAL = r"[^\W\d_a-zà-öø-ÿа-яёα-ωά-ώąćęłńóśźżğışç]"
_NAME = rf"{_CAPITAL}[^\W\d_]+(?:-{_CAPITAL}[^\W\d_]+)*"
_AND = r"(?:&|and|und|et|y|e|i|и|και|ve|och)"
_JOINED = re.compile(
    rf"(?<!\w)(?P<before>[^\W\d_]+) (?P<name>{_NAME} (?:et|y|e|i|и|και) {_NAME})(?! {_CAPITAL})(?!\w)"
    rf"|(?P<firm>{_NAME} & {_NAME})(?!\w)"
    rf"|(?P<turkish>{_NAME} ve {_NAME}) {_CAPITAL}[^\W\d_]+(?:s?[ıiuü])(?!\w)"
)
_GERMAN_COURTESY = re.compile(
    r"(?<!\w)((?:Tante|Onkel|Oma|Opa|Oberst|Käpt['’]n|Kapitän|General|Graf|Gräfin|Baron|Baronin|Doktor|Professor"
    r"|Fräulein|Meister|Pater|Schwester|Bruder|Leutnant|Major|Admiral|Direktor|Inspektor|Kommissar) "
    rf"{_NAME})(?! {_CAPITAL})(?!\w)"
)
_ROMANCE_THING = re.compile(
    rf"(?<!\w)(?:[Ll]es?|[Ll]a|[Ll]['’]|[Ee]l|[Ll]os|[Ll]as|[Ii]l|[Oo]|[Aa]) ?(?P<name>(?P<thing>{_NAME})"
    r" (?:d['’]|de |di |à |en |con |sin |sans )(?P<of>[^\W\d_A-Z]{2,}))(?!\w)"
)
_MIN_THING_RANK = 6_000
_INSIDE = r"(?:de la|de las|de los|del|de|du|des|di|da|do|dos|of the|of|von|zum|zur|z|ze|w|на|из|από|του|της"
r"|sin|con|sans|sous|sur"
_INSIDE += r"|(?:and|et|y|e|und|και) (?:the|la|le|les|el|los|las|il|lo|o|a|der|die|das|η|ο|το))"
# A name of several words, which begins and ends with a capital: Tinta de Sobra, Gwoździk i Córki.
_LONG_NAME = rf"{_NAME}(?: (?:(?:{_INSIDE}|{_AND}) )?{_NAME}){{1,5}}"
# What a thing is stands after its name: Tinta de Sobra, una editorial; Rise and Crumble is a bakery.
_APPOSITION = re.compile(
    rf"(?:^|[.!?:;] |(?<=\w) )((?:(?:The|Le|La|Les|El|Los|Las|Il|Der|Die|Das|Η|Ο|Το) )?{_LONG_NAME})"
    r"(?:, (?:a|an|the|his|her|their|una?|su|une?|sa|son|leur|eine?|seine?|ihre?|uno|una|μια|μία|ένα|ένας) "
    r"|,? (?:is|was|es|era|est|était|ist|war|to|jest|był[ao]?|είναι|ήταν) (?:an?|una?|une?|eine?|μια|ένα) "
    r"| — (?:это )?)(?:[^\W\d_A-Z]+)"
)
# Between commas after the word for it: Their horse, Bread and Butter, won.
_BETWEEN_COMMAS = re.compile(rf"(?<=[a-z], )({_LONG_NAME})(?=, )")
_FIRM = re.compile(
    r"(?<!\w)(?i:at|for|by|from|of|firm\w{0,3}|compan(?:y|ies)|shop|partnership|bei|firma|unternehmen"
    r"|kanzlei|laden"
    r"|chez|maison|cabinet|entreprise|société|empresa|tienda|bufete|compañía|casa|ditta|azienda|studio"
    r"|spół[kc]\w{1,2}"
    r"|sklep\w{0,3}|warsztat\w{0,3}|фирм\w{1,2}|компани\w{1,2}|лавк\w{1,2}|мастерск\w{2}|εταιρεία\w?"
    r"|μαγαζί|φίρμα|w|u|в|στο[νυ]?|στη[νς]?) "
    rf"({_NAME} {_AND} (?:{_NAME}|сыновья|сын|дочери|synowie|hijos|hijas|fils|figli|filhos))(?!\w)"
    rf"|({_NAME} ve (?:Oğulları|Oğlu|Kızları|Kardeşler|Kardeşleri|Ortakları))(?!\w)"
)
# English given names that are common words, and in no list of given names.
_WORD_NAMES = frozenset(
    "amber april art ash autumn basil bill brook buck candy charity chase cherry chip clay cliff coral"  # noqa: SIM905
    " crystal dale"
    " dawn dean destiny dusty faith fern flora forest frank ginger glen grace grant guy harmony hazel"
    " heath heather"
    " holly honor hope hunter iris ivy jack jade jasmine jay jewel joy june lance lily mark"
    " mason may melody mercy"
    " miles misty olive patience pearl penny piers pierce poppy prudence rain ray reed rich river rob"
    " robin rocky rose"
    " rosemary rowan ruby rusty sage sandy serenity skip sky sonny star storm sue summer sunny trinity"
    " verity violet"
    " will willow winter wren".split()
)
# In small letters they are before a name alone: el maestro Miga.
_ROLES = frozenset(
    "maestro maestra mistrz mistrza mistrzem мастер мастера мастером doña tío tía tante oncle"  # noqa: SIM905
    " ciocia wujek".split()
)
# After these a weekday or town is somebody, too: Mister Thursday.
_PERSONAL = frozenset(
    "mr mister mrs missus miss ms uncle aunt auntie granny tía tío doña don tante oncle ciocia".split()  # noqa: SIM905
)
_MIN_RARER_RANK = 1_000


def titled_names(text: str, language: str) -> Iterator[Phrase]:
    """Yield names of common words in a script with capitals."""
    unquoted = QUOTED.sub(lambda match: ";" * len(match[0]), text)
    words = words_of(unquoted)
    if all(word.text[0].isupper() for word in words if len(word.text) > 3):
        return
    if language in CAPITALISED_NOUNS:
        for match in _GERMAN_COURTESY.finditer(unquoted):
            name = match[1].split()[-1]
            if (
                not is_frequent(name, language, _MIN_RARER_RANK)
                and not is_given_name(name)
                and not is_place(match[1])
            ):
                yield Phrase(match[1], PhraseKind.NAME, "common word after a courtesy")
    else:
        yield from _after_courtesy(unquoted, words, language)
        yield from _people(unquoted, words, language)
    yield from _named_things(unquoted, language)


def _after_courtesy(text: str, words: list[Word], language: str) -> Iterator[Phrase]:
    """Yield a courtesy with one common word with a capital after it: Doña Ceniza, Senator Plum."""
    for before, word, after in zip(words, words[1:], [*words[2:], None], strict=False):
        if before.text.lower() not in COURTESY or text[before.end : word.start] not in (" ", ". "):
            continue
        goes_on = after is not None and text[word.end : after.start] == " " and _is_part(after.text)
        named = word.text[0].isupper() and not goes_on and not is_given_name(word.text)
        whole = text[before.start : word.end]
        common = is_place(word.text) or is_function_word(word.text, language)
        known = (
            is_place(whole) or word.text.lower() in COURTESY or is_frequent(word.text, language, _MIN_RARER_RANK)
        )
        known = known or (common and before.text.lower() not in _PERSONAL)
        if named and not known and (before.text[0].isupper() or before.text in _ROLES):
            yield Phrase(whole, PhraseKind.NAME, "common word after a courtesy")


def _is_part(word: str) -> bool:
    return word[0].isupper() or word in PARTICLES


def _people(text: str, words: list[Word], language: str) -> Iterator[Phrase]:
    """Yield a given name with a word with a capital, both of them common: May Hope, Paz Rosales."""
    for index, (first, last) in enumerate(pairwise(words)):
        after = words[index + 2] if index + 2 < len(words) else None
        before = words[index - 1] if index else None
        joined = before is not None and text[before.end : first.start] == " " and before.text[0].isupper()
        goes_on = after is not None and text[last.end : after.start] in (" ", "-") and _is_part(after.text)
        capitals = first.text[0].isupper() and last.text[0].isupper() and first.text[1:].islower()
        if joined or goes_on or not capitals or text[first.end : last.start] != " " or not last.text[1:].islower():
            continue
        whole = text[first.start : last.end]
        given = is_given_name(first.text) or (language == "en" and first.text.lower() in _WORD_NAMES)
        if not given or is_place(whole) or is_known(text, [first, last], language):
            continue
        if is_function_word(last.text, language) or (language == "en" and is_stop(last.text)):
            continue
        opens = before is None or text[before.end : first.start] != " "
        function = is_function_word(first.text, language) or (language == "en" and is_stop(first.text))
        if opens and function and not (is_given_name(last.text) or last.text.lower() in _WORD_NAMES):
            continue
        if is_common(first.text, language) and is_common(last.text, language):
            yield Phrase(whole, PhraseKind.NAME, "given name with a common word")


def _named_things(text: str, language: str) -> Iterator[Phrase]:
    """Yield a name of several common words before what it is, and of two with "and" after the word for a firm."""
    commas = _BETWEEN_COMMAS.finditer(text) if language == "en" else ()
    for match in chain(_APPOSITION.finditer(text), commas):
        if _is_unusual(match[1], language, opens=match.start(1) == 0):
            yield Phrase(match[1], PhraseKind.NAME, "name before what it is")
    for match in _JOINED.finditer(text):
        name = match["name"] or match["firm"] or match["turkish"]
        parts = [word.text for word in words_of(name) if word.text[0].isupper()]
        before = match["before"]
        apart = before and (before[0].isupper() or is_function_word(before, language))
        inflected = language == "tr" and any(map(has_endings, parts))
        if not (apart or inflected or is_given_name(parts[-1])) and _is_unusual(name, language):
            yield Phrase(name, PhraseKind.NAME, "two names with and")
    if language in ("fr", "es", "it", "pt"):
        for match in _ROMANCE_THING.finditer(text):
            thing = match["thing"]
            if not thing[1:].islower() or is_function_word(match["of"], language):
                continue
            known = is_frequent(thing, language, _MIN_THING_RANK) or is_given_name(thing) or is_place(thing)
            if not known and not is_place(match["name"]):
                yield Phrase(match["name"], PhraseKind.NAME, "thing with a capital, and of what it is")
    for match in _FIRM.finditer(text):
        name = match[1] or match[2]
        if _is_unusual(name, language):
            yield Phrase(name, PhraseKind.NAME, "two names with and")


def _is_unusual(name: str, language: str, *, opens: bool = True) -> bool:
    """Whether no word of a name is a known place, and one is no frequent word."""
    words = [word.text for word in words_of(name) if word.text[0].isupper()]
    if is_place(name) or any(map(is_place, words)) or (opens and is_function_word(words[0], language)):
        return False
    return not all(is_frequent(word, language, _MIN_RARER_RANK) for word in words)
