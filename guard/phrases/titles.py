"""Works: their titles, in quotation marks or after a word like "wrote", and the names that they made known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from guard.phrases.context import (
    CAPITALISED_NOUNS,
    is_common,
    is_frequent,
    is_function_word,
    is_given_name,
    is_place,
)
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import english_names
from guard.text.words import words_of

QUOTED = re.compile(
    r"[“„]([^“„”\n]{2,160})[”“]|[‘‚]((?:[^‘‚’\n]|’(?=\w)){2,160})[’‘]|«([^«»\n]{2,160})»|»([^«»\n]{2,160})«"
    r"|[「『《〈]([^「『《〈」』》〉\n]{2,160})[」』》〉]"
    r'|(?<!\w)"([^"\n]{2,160})"'
    r"|(?<!\w)'(?=\S)((?:[^'\n]|'(?=\w)){2,160})(?<=\S)'(?![^\W\uac00-\ud7a3])"
)
# Words before a title without quotation marks: its making, and sorts of works.
BEFORE_TITLE = frozenset(
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
"""In lower case."""
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
    " di del della dei il lo e do da dos das του της των".split()
)
# Before the name of a place, which is no part of a title.
_AT = frozenset({"w", "we", "в", "во", "en", "à", "a", "em", "στη", "στην", "στο"})
# Titles of so many words end before "and".
_MIN_WORDS_BEFORE_AND = 3
# After these a name that a comma follows or a full stop: Her bakery, Rise and Crumble, opened.
_BUSINESSES = frozenset(
    "bakery café cafe restaurant pub bar shop bookshop bookstore band choir boat ship yacht ferry"  # noqa: SIM905
    " company startup brand magazine newspaper club team label gallery farm inn hotel salon studio"
    " quartet duo group firm charity school".split()
)
# In other languages than English, with forms that stand after "in" and "of".
_ORGANISATIONS = frozenset(
    "école compagnie troupe groupe restaurant café librairie boulangerie association chorale cirque"  # noqa: SIM905
    " atelier chalutier"
    " panadería librería grupo coro taller bar cervecería conservas cooperativa revista taberna orquesta compañía"
    " zespół zespole kawiarnia kawiarni piekarnia piekarni spółdzielnia spółdzielni karczma karczmie"
    " księgarnia księgarni chór chórze"
    " артель артели фабрика фабрике завод заводе кафе ресторан ресторане магазин магазине ансамбль"
    " ансамбле группа группе хор хоре"
    " премия премию премии приз орден медаль клуб клубе колхоз колхозе совхоз совхозе театр театре журнал журнале"
    " газета газете кооператив кооперативе"
    " ταβέρνα ορχήστρα χορωδία καφενείο εταιρεία περιοδικό trattoria osteria libreria panificio"
    " orchestra padaria livraria".split()
)
# A Slavic adjective with which the name of one begins: Красный.
_ADJECTIVE = re.compile("(?:ый|ий|ой|ая|яя|ое|ее|ые|ие|[yiae]|ος|η|ο)$")
# The subject of a sentence that says which work of somebody's it is: El canto de las ranas fue su única zarzuela.
_SUBJECT = re.compile(
    r"(?:^|[.!?] )([^\W\d_a-z][^.,;:!?«»“”„\"\n]{7,80}?) (?:was|is|became|fue|es|era|ist|war|wurde|est"
    r"|fut|était|foi|é|è|fu"
    r"|jest|był[ao]?|to|—|стал[аои]?|был[аои]?|είναι|ήταν) (?:his|her|their|sus?|seine?|ihre?|son|sa|leur"
    r"|(?:o |a )?(?:seu|sua)"
    r"|(?:il |la )?su[oa]|jego|jej|его|её|ее|(?:το|η|ο) \w+ τ(?:ου|ης)) (?:[^\W\d_]+ ){0,3}?(?:novel"
    r"|book|poem|song"
    r"|film|play|opera|painting|album"
    r"|novela|libro|poemario|poema|canción|película|zarzuela|ópera|cuadro|obra|cuento|Roman|Buch"
    r"|Gedicht|Lied|Film|Stück|Oper"
    r"|Gemälde|roman|livre|poème|chanson|pièce|opéra|tableau|recueil|romance|livro|canção|romanzo"
    r"|canzone|opera|quadro"
    r"|романом|книгой|повестью|песней|пьесой|картиной|фильмом|рассказом|powieścią|książką|piosenką"
    r"|powieść|książka|piosenka|wiersz|sztuka|obraz|роман|книга|повесть|песня|пьеса|картина|фильм"
    r"|рассказ|μυθιστόρημα"
    r"|βιβλίο|τραγούδι|ποίημα|έργο)(?!\w)"
)
# The comma in the title is one, as nothing but the full stop follows: intitulé Demain, la neige.
_TITLED = re.compile(
    r"(?:titled|entitled|titulad[oa]|intitulée?|intitolat[oa]|intitulad[oa]|pod tytułem|pt\."
    r"|под названием|με τίτλο)"
    r" ([^\W\d_a-z][^.,;:!?«»“”„\"\n]{1,40}, [^.,;:!?«»“”„\"\n]{2,40})(?=[.;!?]|$)"
)
# A capital article in the middle of a sentence, with which a name begins: cirque Les Pieds en l'air.
_CAPITAL_ARTICLE = re.compile(
    r"(?<=[^\W\d_] )((?:L['’]|(?:L[aeo]s?|El|Il|Gli|I|Os?|As?|Les) )(?<!\w['’] )[^\W\d_a-z][^\W\d_]+(?:[-"
    r" ][^\W\d_a-z][^\W\d_]+)*"
    r"(?: (?:de|del|des|du|de la|en|à|au|aux|sur|sous|con|sin|di|da|do|in|y|et|e) ?(?:(?:l['’]|el|la|le"
    r"|les|los|las) ?)?[^\W\d_]{3,})*)"
)
_ROMANCE = frozenset({"fr", "es", "it", "pt", "ca"})
_LEADING_ARTICLE = re.compile(
    r"(?:the|an?|der|die|das|el|la|los|las|le|les|il|lo|gli|os?|as?|ο|η|το|οι|τα|de|het) (?=[^\W\d_a-z])"
)
# In Turkish a word for being called follows the name.
_TURKISH_TITLE = re.compile(
    r"((?:[A-ZÇĞİÖŞÜ][\wçğıöşü]*)(?: (?:(?:ve|ile|için) )?[A-ZÇĞİÖŞÜ][\wçğıöşü]*){1,6})"
    r" (?:adlı|isimli|adında|başlıklı)\b"
)
_GERMAN_PAIR = re.compile(
    r"(?:Titel|Roman|Buch|Film|Lied|Gedicht|Gedichtband|Gemälde|Album|Stück|Erzählung|Novelle|Oper|Sammelband"
    r"|heißt|hieß)"
    r" ([A-ZÄÖÜ][\w-]+ (?:und|oder|im|am|ohne|nach|unter|über|vor|hinter|aus|auf|in|an|mit|für|zum"
    r"|zur|bei|gegen) (?:[a-zäöüß]+ )?[A-ZÄÖÜ][\w-]+)"
)
_AND = frozenset({"y", "e", "et", "i", "и", "και", "ve", "und", "en", "och", "a", "oraz"})
# A single word in quotation marks that is commoner is a common word.
_MAX_QUOTED_RANK = 10_000
_MAX_WORDS = 10
_MIN_WORDS = 2
_MIN_SUBJECT_WORDS = 3
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
        if (article := _LEADING_ARTICLE.match(title)) and not is_frequent(title[article.end() :], language):
            yield Phrase(title[article.end() :], PhraseKind.TITLE, "title without its article")
        main = re.split(r"[:(]| [-–—] ", title, maxsplit=1)[0].strip(" ,.;")
        if len(words_of(main)) > 1:
            yield Phrase(main, PhraseKind.TITLE, "main title without its subtitle")
    if language in CAPITALISED_NOUNS:
        for match in chain(_GERMAN_TITLE.finditer(text), _GERMAN_PAIR.finditer(text)):
            yield Phrase(match[1], PhraseKind.TITLE, "title after the word for a work or its making")
    else:
        yield from _unquoted(text, language)
    for match in _TITLED.finditer(text):
        yield Phrase(match[1], PhraseKind.TITLE, "title with a comma after the word for it")
    for match in _SUBJECT.finditer(text):
        if _is_title_of_common_words(match[1], language):
            yield Phrase(match[1], PhraseKind.TITLE, "title as the subject of its work")
    if language in _ROMANCE:
        for match in _CAPITAL_ARTICLE.finditer(text):
            if (
                not is_place(match[1])
                and not _is_known_start(text, match.start())
                and _is_unusual(match[1], language)
            ):
                yield Phrase(match[1], PhraseKind.NAME, "name that begins with an article")
    if language == "tr":
        for match in _TURKISH_TITLE.finditer(text):
            yield Phrase(match[1], PhraseKind.TITLE, "title before the word for being called")


def _is_title_of_common_words(title: str, language: str) -> bool:
    """Whether a subject has three words or more, none of them a frequent verb, and one that is not frequent."""
    words = [word.text for word in words_of(title)]
    inner = (word for word in words[1:] if word.lower() not in _INSIDE)
    small = all(not is_function_word(word, language) for word in inner)
    capitals = language != "en" or all(word[0].isupper() or word in _INSIDE for word in words)
    return len(words) >= _MIN_SUBJECT_WORDS and small and capitals and _is_unusual(title, language)


def _is_unusual(name: str, language: str) -> bool:
    words = [word.text for word in words_of(name)]
    return any(word.lower() not in _INSIDE and not is_frequent(word, language) for word in words)


def _is_known_start(text: str, start: int) -> bool:
    """Whether the words from `start` on, up to four of them, are a name that everybody knows."""
    ends = [word.end for word in words_of(text[start : start + 60])][:4]
    return any(is_place(text[start : start + end]) for end in ends)


def _unquoted(text: str, language: str) -> Iterator[Phrase]:
    words = words_of(text)
    for index in range(len(words) - 1):
        first = words[index + 1]
        gap, before = text[words[index].end : first.start], words[index].text.lower()
        business = gap == ", " and language == "en" and before in _BUSINESSES
        after = words[index + 2].text if index + 2 < len(words) else ""
        organisation = language != "en" and before in _ORGANISATIONS and _begins_name(first.text, after, language)
        if not (business or organisation or before in BEFORE_TITLE) or not first.text[0].isupper():
            continue
        if (
            text[words[index].end : first.start] not in (" ", ", ")
            or (is_given_name(first.text) and (language == "en" or after not in _INSIDE))
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


def _begins_name(first: str, after: str, language: str) -> bool:
    """Whether the name of an organisation begins that goes on in small letters: Красный пуговичник."""
    if language in _ROMANCE:
        return after in _INSIDE and after not in ("y", "e", "et") and not is_place(first)
    return after.islower() and _ADJECTIVE.search(first) is not None and not is_place(first)


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
    at_place = end > _MIN_WORDS and words[end - 2] in _AT and words[end - 1][0].isupper()
    return end - 2 if at_place and is_common(words[end - 1], language) else end


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
