"""Names that a fact of a work tells, however well known they are: its people, its places, who made it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guard.phrases.context import is_frequent, is_given_name, is_place
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import english_names, ranks
from guard.text.words import words_of

# Names that are more frequent are known without any work: months, parties, the largest companies.
MAX_KNOWN_RANK = 5_000
_MIN_CHARS = 4
# Belonging to a country, people or person: Texan, Austrians, Napoleonic, Danish.
_DEMONYM = re.compile(r"(?:ans?|ese|ish|ic|ists?)$")


def names_of_works(text: str, language: str) -> Iterator[Phrase]:
    """Yield the English words in `text` that are names and nothing else: Hogwarts, Tolkien, Gandalf.

    Of a person or fact they are context, being well known; of a work they are what is to be forgotten. Given
    names, places, demonyms and the most frequent names are left out.
    """
    if language != "en":
        return
    for word in words_of(text):
        name = word.text.removesuffix("'s").removesuffix("’s")
        # A family is named in the plural.
        if name[1:].islower() and name[0].isupper() and (_tells(name) or _tells(name.removesuffix("s"))):
            yield Phrase(name, PhraseKind.NAME, "name that a work made known")


def _tells(name: str) -> bool:
    lower = name.lower()
    known = lower in english_names() and lower in ranks("en")
    return (
        known
        and len(name) >= _MIN_CHARS
        and not _DEMONYM.search(lower)
        and not is_frequent(name, "en", MAX_KNOWN_RANK)
        and not is_given_name(name)
        and not is_place(name)
    )
