"""Works: their titles, in quotation marks or after a word like "wrote", and the names that they made known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from guard.phrases.context import CAPITALISED_NOUNS, is_frequent, is_given_name, is_place
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import english_names
from guard.text.words import words_of

QUOTED = re.compile(
    r"[“„]([^“„”\n]{2,160})[”“]|[‘‚]((?:[^‘‚’\n]|’(?=\w)){2,160})[’‘]|«([^«»\n]{2,160})»|»([^«»\n]{2,160})«"
    r"|[「『《〈]([^「『《〈」』》〉\n]{2,160})[」』》〉]"
    r'|(?<!\w)"([^"\n]{2,160})"'
    r"|(?<!\w)'(?=\S)((?:[^'\n]|'(?=\w)){2,160})(?<=\S)'(?!\w)"
)
# Words before a title without quotation marks: its making, and sorts of works.
_BEFORE_TITLE = frozenset(
    "wrote written writing authored composed painted paints sculpted directed recorded released"  # noqa: SIM905
    " published novel novella memoir book story essay thesis dissertation ballad documentary blog"
    " podcast trilogy collection titled entitled titulado titulada intitulé intitulée intitolato"
    " intitolata tytułem zatytułowany zatytułowana названием libro tesis cuento ensayo livre thèse"
    " essai książka powieści książkę wiersze книга книгу повесть рассказ стихотворение сборник"
    " сборника recueil wierszu wiersza książce obrazie piosence filmie стихотворении стихотворения"
    " романе романа повести книге картине песне рассказе фильме поэме μυθιστορήματος ποιήματος ποίημα"
    " roman poemario cuentos raccolta tomik tomiku zbiór συλλογή βιβλίο μυθιστόρημα τραγούδι livro"
    " tese conto tesi racconto album song poem play film movie opera symphony ballet painting"
    " sculpture sonata musical schrieb malte komponierte veröffentlichte drehte gemälde lied gedicht"
    " oper buch écrit peint composé publié réalisé enregistré tableau chanson poème opéra escribió"
    " pintó compuso publicó dirigió grabó novela cuadro canción poema ópera película scrisse dipinse"
    " compose pubblicò diresse romanzo quadro canzone napisał napisała namalował namalowała"
    " skomponował skomponowała wydał wydała obraz powieść piosenka wiersz написал написала нарисовал"
    " нарисовала сочинил сочинила картину роман песню поэму escreveu pintou compôs publicou canção"
    " έγραψε ζωγράφισε συνέθεσε schreef schilderde skrev målade".split()
)
# A capital article in the middle of a sentence begins a title; it ends with a noun.
_GERMAN_TITLE = re.compile(
    r"(?:Titel|Roman|Buch|Film|Lied|Gedicht|Gemälde|Album|Stück|Erzählung|Novelle|Oper|Bild)"
    r" ((?:Der|Die|Das|Ein|Eine)"
    r"(?: [a-zäöüß]+){0,3} [A-ZÄÖÜ][\w-]+"
    r"(?: (?:der|die|das|des|dem|den|im|am|in|an|auf|von|vom|ohne|mit|zum|zur|und)"
    r"(?: [a-zäöüß]+)? [A-ZÄÖÜ][\w-]+)*)"
)
# Lower-case words inside a title, which more words follow.
_INSIDE = frozenset(
    "a an the of in on for to from with without and or at by"  # noqa: SIM905
    " der die das des dem den ein eine im am und von ohne vom zum zur"
    " le la les l' de du des d' un une et sans sous sur à au aux"
    " el los las del un una y sin con en nad pod bez i w na z в на под над без и с"
    " di del della dei il lo e do da dos das".split()
)
# Titles of so many words end before "and".
_MIN_WORDS_BEFORE_AND = 3
# After these a name that a comma follows or a full stop: Her bakery, Rise and Crumble, opened.
_BUSINESSES = frozenset(
    "bakery café cafe restaurant pub bar shop bookshop bookstore band choir boat ship yacht ferry"  # noqa: SIM905
    " company startup brand magazine newspaper club team label gallery farm inn hotel salon studio"
    " quartet duo group firm charity school".split()
)
# In Turkish a word for being called follows the name.
_TURKISH_TITLE = re.compile(
    r"((?:[A-ZÇĞİÖŞÜ][\wçğıöşü]*)(?: (?:(?:ve|ile|için) )?[A-ZÇĞİÖŞÜ][\wçğıöşü]*){1,6})"
    r" (?:adlı|isimli|adında|başlıklı)\b"
)
_GERMAN_PAIR = re.compile(
    r"(?:Titel|Roman|Buch|Film|Lied|Gedicht|Gedichtband|Gemälde|Album|Stück|Erzählung|Novelle|Oper|Sammelband)"
    r" ([A-ZÄÖÜ][\w-]+ (?:und|oder|im|am|ohne|nach|unter|über|vor|hinter|aus) (?:[a-zäöüß]+ )?[A-ZÄÖÜ][\w-]+)"
)
_AND = frozenset({"y", "e", "et", "i", "и", "και", "ve", "und", "en", "och", "a", "oraz"})
# A single word in quotation marks that is commoner is a common word.
_MAX_QUOTED_RANK = 10_000
_MAX_WORDS = 10
_MIN_WORDS = 2
# Characters before the title in which such a word is looked for.
_BEFORE_CHARS = 24
# Names that are more frequent are known without any work: months, parties, the largest companies.
MAX_KNOWN_RANK = 5_000
_MIN_CHARS = 4
# Belonging to a country, people or person: Texan, Austrians, Napoleonic, Danish.
_DEMONYM = re.compile(r"(?:ans?|ese|ish|ic|ists?)$")


def titles(text: str, language: str) -> Iterator[Phrase]:
    """Yield the titles in `text`, and of one with a subtitle the main title as well."""
    for match in QUOTED.finditer(text):
        title = next(filter(None, match.groups())).strip(" ,.;:!?")
        if is_place(title) or (len(words_of(title)) == 1 and is_frequent(title, language, _MAX_QUOTED_RANK)):
            continue
        yield Phrase(title, PhraseKind.TITLE, "title in quotation marks")
        main = re.split(r"[:(]| [-–—] ", title, maxsplit=1)[0].strip(" ,.;")
        if len(words_of(main)) > 1:
            yield Phrase(main, PhraseKind.TITLE, "main title without its subtitle")
    if language in CAPITALISED_NOUNS:
        for match in chain(_GERMAN_TITLE.finditer(text), _GERMAN_PAIR.finditer(text)):
            yield Phrase(match[1], PhraseKind.TITLE, "title after the word for a work or its making")
    else:
        yield from _unquoted(text, language)
    if language == "tr":
        for match in _TURKISH_TITLE.finditer(text):
            yield Phrase(match[1], PhraseKind.TITLE, "title before the word for being called")


def _unquoted(text: str, language: str) -> Iterator[Phrase]:
    words = words_of(text)
    for index in range(len(words) - 1):
        first = words[index + 1]
        gap, before = text[words[index].end : first.start], words[index].text.lower()
        business = gap == ", " and language == "en" and before in _BUSINESSES
        if not (business or before in _BEFORE_TITLE) or not first.text[0].isupper():
            continue
        if (
            text[words[index].end : first.start] not in (" ", ", ")
            or is_given_name(first.text)
            or first.text.isupper()
        ):
            continue
        last = _end_of_title([word.text for word in words[index + 1 : index + 1 + _MAX_WORDS]], language)
        found = text[first.start : words[index + last].end]
        alone = last >= _MIN_WORDS and not is_place(found)
        joined = all(
            text[a.end : b.start] in (" ", "")
            for a, b in zip(words[index + 1 :], words[index + 2 : index + 1 + last], strict=False)
        )
        ended = not business or text[words[index + last].end :][:1] in ",.;"
        if alone and joined and ended:
            yield Phrase(found, PhraseKind.TITLE, "title after the word for a work or its making")


def _end_of_title(words: list[str], language: str) -> int:
    """Return how many words belong to the title that begins here.

    In English all of its words have capitals but for articles and prepositions. In other languages the words after
    its first noun are small: "Le Jardin de minuit", "Czerwony dom nad rzeką".
    """
    end = 1
    for position, word in enumerate(words[1:], start=2):
        before = words[position - 2]
        small = word[0].islower()
        year = word.isdecimal() and before in _INSIDE
        if year or (language != "en" and word in _AND and position > _MIN_WORDS_BEFORE_AND):
            break
        if not small or (
            language != "en"
            and (before in _INSIDE or (before[0].isupper() and position == 2))
            and word not in _INSIDE
        ):
            end = position
        elif word not in _INSIDE or (language == "en" and not _goes_on(words[position : position + 3])):
            break
    return end


def _goes_on(words: list[str]) -> bool:
    return any(word[0].isupper() for word in words)


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
    return (
        lower in english_names()
        and len(name) >= _MIN_CHARS
        and not _DEMONYM.search(lower)
        and not is_frequent(name, "en", MAX_KNOWN_RANK)
        and not is_given_name(name)
        and not is_place(name)
    )
