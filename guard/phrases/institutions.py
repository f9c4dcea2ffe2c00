"""Whether a run of capitalised words names what everybody knows: a place, or an institution of a state or town."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cache

from guard.phrases.context import is_frequent, is_function_word, is_given_name, is_ordinary, is_place, lowered
from guard.text.lexicon import places, ranks
from guard.text.words import Word

PARTICLES = frozenset(
    "de del della der den des di da das do dos du la las le les los van von zu zum zur vom am im ter ten bin ibn"  # noqa: SIM905
    " al el of for the sur sous nad του της των d' l' 't op het".split()
)
"""Small words inside a name."""
COURTESY = frozenset(
    "maestro maestra mistrz mistrza mistrzem мастер мастера мастером καπετάν mister missus"  # noqa: SIM905
    " madam auntie granny mr mrs ms miss dr prof professor sir lady lord madame"
    " monsieur mme mlle docteur herr frau doktor"
    " señor señora sr sra don doña doctor doctora pan pani dottor signor signora bay bayan hanım senhor"
    " senhora dona г-н г-жа господин госпожа доктор κ κύριος κυρία δρ mijnheer mevrouw meneer herra rouva"
    " fru detective inspector sergeant captain colonel major general lieutenant admiral commander corporal"
    " constable officer judge justice senator governor mayor president chancellor minister bishop"
    " archbishop cardinal pope father sister brother mother reverend rabbi imam king queen prince princess"
    " duke duchess count countess baron baroness earl uncle aunt auntie grandma grandpa nurse coach"
    " principal ambassador councillor congressman congresswoman tante onkel oma opa schwester bruder pater"
    " tía tío abuela abuelo padre madre fray oncle père sœur frère maître ciocia wujek babcia dziadek"
    " ksiądz siostra profesor inżynier mecenas тётя дядя бабушка дедушка отец профессор капитан θεία θείος"
    " παππούς γιαγιά πατήρ teyze amca dayı abla ağabey dede nine hoca sayın zio zia nonno nonna suor tio"
    " tia avô avó usta hafız nalbant terzi kasap bakkal berber demirci marangoz öğretmen doktor hemşire"
    " mühendis avukat muhtar imam çoban balıkçı kaptan komiser yazar şair ressam müdür dr prof".split()
)
"""Words before a name, in small letters, that are no part of it."""
# Of these and frequent words offices are made: Head Nurse, Президент России.
_OFFICES = frozenset(
    "head chief senior junior deputy assistant nurse teacher manager officer director editor engineer"  # noqa: SIM905
    " professor minister secretary president chairman embassy consulate council committee prime"
    " foreign presidente gobierno ministro ministra embajada président ministre ambassade prezydent"
    " premier marszałek kanclerz ambasada президент премьер министр глава канцлер посольство πρόεδρος"
    " πρωθυπουργός υπουργός πρεσβεία cumhurbaşkanı başbakan başbakanı bakan bakanı başkan başkanı"
    " büyükelçiliği primo".split()
)
# What these name is known to everybody, with any words that are no person's; of English there is the list of known
# names.
_INSTITUTIONS = frozenset(
    "université ministère mairie académie universidad ayuntamiento ministerio barrio calle uniwersytet"  # noqa: SIM905
    " politechnika ministerstwo urząd университет министерство академия институт πανεπιστήμιο υπουργείο δήμος"
    " üniversitesi bakanlığı belediyesi università ministero comune universidade universiteit"
    " universitet".split()
)
# These with the name of a place.
_OF_TOWNS = frozenset(
    "hospital hôpital ospedale szpital szpitala szpitalu больница больницы больнице νοσοκομείο hastanesi"  # noqa: SIM905
    " hastanesinde".split()
)
# These, of states, with any words that are not rare.
_OF_STATES = frozenset(
    "ministry university court parliament congress senate"  # noqa: SIM905
    " ministère université parlement cour tribunal ministerio universidad parlamento corte congreso senado"
    " ministero università ministério universidade ministerie universiteit"
    " ministerstwo ministerstwa uniwersytet uniwersytetu parlament parlamentu sąd sądu trybunał trybunału sejm"
    " министерство министерства университет университета парламент суд суда υπουργείο πανεπιστήμιο κοινοβούλιο"
    " bakanlığı üniversitesi parlamentosu mahkemesi meclisi".split()
)
# Languages whose nouns have cases, and how many letters at the end of one differ; a shorter stem tells nothing.
_INFLECTED = frozenset({"bg", "cs", "de", "el", "hu", "pl", "ro", "ru", "tr", "uk"})
_MAX_ENDING = 4
_MIN_STEM = 3
_MAX_KNOWN_WORDS = 4
_MIN_INSTITUTION, _MIN_INSTITUTION_STEM = 8, 7
_STREETS = frozenset(
    form
    for word in ("Cadde", "Sokağ", "Mahalle", "Köy", "Bulvar", "Çıkmaz", "Meydan")
    for form in (f"{word}si", f"{word}ı", f"{word}ü", f"{word}sinde", f"{word}ında", f"{word}ünde")
)
# The last letter of a stem, perhaps the ending of who works with it, and those of number, person and case.
_ENDINGS = re.compile(
    "(?:.[cç](?=[ıiuü]))?(?:[aeıioöuü](?:s[ıiuü]|n[ıiuü]n|y[aeıiuü])|[^aeıioöuü](?:[ıiuü]"
    "|[ıiuü]n|[ae])|.l[ae]r(?:[ıi])?)"
    "(?:n?[dt][ae]n?|n[ıiuü]n|n[ae]|n[ıiuü])?|.[dt][ae]n?"
)
_HARDENED = {"b": "p", "c": "ç", "d": "t", "ğ": "k"}
_MIN_TURKISH_STEM = 4
_RARE = 40_000
# Of women and men from a country or town.
_DEMONYM_ENDINGS = {
    "ru": re.compile("(?:[ия]нка|янка|анка|йка|ка|ец|[ия]нин)$"),
    "uk": re.compile("(?:[ия]нка|ка|ець|[ия]нин)$"),
    "tr": re.compile("l[iıuü](?:yd[iıuü]|dir|dır|dur|dür|ler|lar|yim)$"),
    "pl": re.compile("(?:anka|inka|ynka|ka|anin|czyk|in)$"),
}
_MIN_DEMONYM_STEM = 4
_WORD_END = re.compile(r"(?<=\w)\b")
_MAX_SMALL_CHARS = 24
_MAX_RANK_OF_STATES = 10_000
# Where words have many forms, each is rarer.
_MAX_INFLECTED_RANK = 25_000


def is_context(text: str, run: list[Word], language: str) -> bool:
    """Whether a run of common words names what everybody knows: a known place, alone or with ordinary words."""
    if is_known(text, run, language):
        return True
    given = (word.text for word in run if is_given_name(word.text) and not is_function_word(word.text, language))
    if _is_person(run, language) or not all(map(is_place, given)):
        return False
    covered = [False] * len(run)
    for start in range(len(run)):
        for end in range(len(run), start, -1):
            known = text[run[start].start : run[end - 1].end]
            # Some place has the name of any English word: a Silver, a Hollow.
            if is_place(known) and (end - start > 1 or not (language == "en" and is_ordinary(known, "en"))):
                covered[start:end] = [True] * (end - start)
                break
    kinds = {_first_case(lowered(word.text, language), language) for word in run}
    if language != "en" and (kinds & _INSTITUTIONS or (any(covered) and kinds & _OF_TOWNS)):
        return True
    rest = [word.text for word, known in zip(run, covered, strict=True) if not known]
    if kinds & _OFFICES and all(is_frequent(w, language, _MAX_RANK_OF_STATES) or w in PARTICLES for w in rest):
        return True
    if kinds & (_OF_STATES if language == "en" else _OF_STATES | _OF_TOWNS):
        most = _MAX_RANK_OF_STATES if language == "en" else _MAX_INFLECTED_RANK
        others = (word for word in rest if lowered(word, language) not in _OF_STATES | _OF_TOWNS)
        return all(word in PARTICLES or is_frequent(word, language, most) for word in others)
    return any(covered) and all(is_frequent(word, language) for word in rest)


def _first_case(word: str, language: str) -> str:
    """Return the word for an institution that the word is a form of, or the word itself: Ministerstwie."""
    if language not in _INFLECTED or len(word) < _MIN_INSTITUTION:
        return word
    listed = _OF_STATES | _OF_TOWNS | _INSTITUTIONS
    stem = word[:_MIN_INSTITUTION_STEM]
    same = (one for one in listed if one.startswith(stem) and abs(len(one) - len(word)) <= 2)
    return word if word in listed else next(same, word)


def is_known(text: str, run: list[Word], language: str) -> bool:
    """Whether the run is, as a whole, a name that everybody knows, or a form of one: Соединённых Штатах."""
    start, end = run[0].start, run[-1].end
    # In other languages than English the last words of such a name are small: Seconde Guerre mondiale.
    ends = [end, *(end + match.end() for match in _WORD_END.finditer(text[end : end + _MAX_SMALL_CHARS]))]
    return any(is_place(text[start:last]) for last in ends) or _is_known_inflected(run, language)


def is_street(word: str) -> bool:
    """Whether a word is the Turkish one for a street or village, which follows its name: Caddesi, Köyü."""
    return word in _STREETS


def is_demonym(word: str, language: str, *, opens: bool) -> bool:
    """Whether a word that opens a sentence has the ending of who comes from a place, and its stem: Японка.

    In Turkish also one that does not open a sentence.
    """
    if not opens and language != "tr":
        return False
    ending = _DEMONYM_ENDINGS.get(language)
    lower = word.lower()
    if ending is None or (match := ending.search(lower)) is None or match.start() < _MIN_DEMONYM_STEM:
        return False
    stem, known = lower[: match.start()], _sorted_places()
    index = bisect_left(known, stem)
    return index < len(known) and known[index].startswith(stem) and len(known[index]) <= len(stem) + _MAX_ENDING


def has_endings(word: str) -> bool:
    """Whether a word of Turkish is a known one with endings, as in muhasebeci|leri."""
    lower, known = lowered(word, "tr"), ranks("tr")
    for end in range(_MIN_TURKISH_STEM, len(lower)):
        stem = lower[:end]
        hard = stem[:-1] + _HARDENED.get(stem[-1], stem[-1])
        if _ENDINGS.fullmatch(lower, end - 1) and min(known.get(s, _RARE) for s in (stem, hard)) < _RARE:
            return True
    return False


def _is_person(run: list[Word], language: str) -> bool:
    """Whether a given name begins the run and no word is ordinary: Carmen Montenegro, both of them places too."""
    first, *rest = (word.text for word in run if word.text not in PARTICLES)
    given = is_given_name(first) and not is_function_word(first, language)
    return given and bool(rest) and not any(is_ordinary(word, language) for word in rest)


def _is_known_inflected(run: list[Word], language: str) -> bool:
    """Whether every word differs only in its ending from that of a known name: Соединённых Штатах."""
    if language not in _INFLECTED or len(run) < 2:
        return False
    words = tuple(word.text.lower().replace("ё", "е") for word in run)
    return any(
        all(map(_is_form, words, name))
        for name in _known_by_stem().get(tuple(word[:_MIN_STEM] for word in words), ())
    )


def _is_form(word: str, known: str) -> bool:
    stem = max(_MIN_STEM, max(len(word), len(known)) - _MAX_ENDING)
    return abs(len(word) - len(known)) <= _MAX_ENDING and word[:stem] == known[:stem]


@cache
def _sorted_places() -> list[str]:
    return sorted(places())


@cache
def _known_by_stem() -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the known names of two to four words by the beginnings of these."""
    known: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for name in places():
        words = tuple(name.replace("ё", "е").split(" "))
        if 1 < len(words) <= _MAX_KNOWN_WORDS and all(word[:1].isalpha() for word in words):
            known.setdefault(tuple(word[:_MIN_STEM] for word in words), []).append(words)
    return known
