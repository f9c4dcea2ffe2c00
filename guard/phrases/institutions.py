"""Whether a run of capitalised words names what everybody knows: a place, or an institution of a state or town."""

from __future__ import annotations

from guard.phrases.context import is_frequent, is_function_word, is_given_name, is_ordinary, is_place, lowered
from guard.text.words import Word

PARTICLES = frozenset(
    "de del della der den des di da das do dos du la las le les los van von zu zum zur vom am im ter ten bin ibn"  # noqa: SIM905
    " al el of for the sur sous nad του της των d' l' 't op het".split()
)
"""Small words inside a name."""
# What these name is known to everybody, with any words that are no person's; of English there is the list of known
# names.
_INSTITUTIONS = frozenset(
    "université ministère mairie académie universidad ayuntamiento ministerio barrio calle uniwersytet"  # noqa: SIM905
    " politechnika ministerstwo urząd университет министерство академия институт πανεπιστήμιο υπουργείο δήμος"
    " üniversitesi bakanlığı belediyesi università ministero comune universidade universiteit universitet".split()
)
# These with the name of a place.
_OF_TOWNS = frozenset("hospital hôpital ospedale szpital szpitalu больница больнице νοσοκομείο hastanesi".split())  # noqa: SIM905
# These, of states, with any words that are not rare.
_OF_STATES = frozenset(
    "ministry university court parliament congress senate"  # noqa: SIM905
    " ministère université parlement cour tribunal ministerio universidad parlamento corte congreso senado"
    " ministero università ministério universidade ministerie universiteit"
    " ministerstwo ministerstwa uniwersytet uniwersytetu parlament parlamentu sąd sądu trybunał trybunału sejm"
    " министерство министерства университет университета парламент суд суда υπουργείο πανεπιστήμιο κοινοβούλιο"
    " bakanlığı üniversitesi parlamentosu mahkemesi meclisi".split()
)
_MAX_RANK_OF_STATES = 10_000
# Where words have many forms, each is rarer.
_MAX_INFLECTED_RANK = 25_000


def is_context(text: str, run: list[Word], language: str) -> bool:
    """Whether a run of common words names what everybody knows: a known place, alone or with ordinary words."""
    if is_place(text[run[0].start : run[-1].end]):
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
    kinds = {lowered(word.text, language) for word in run}
    if language != "en" and (kinds & _INSTITUTIONS or (any(covered) and kinds & _OF_TOWNS)):
        return True
    rest = [word.text for word, known in zip(run, covered, strict=True) if not known]
    if kinds & _OF_STATES:
        most = _MAX_RANK_OF_STATES if language == "en" else _MAX_INFLECTED_RANK
        others = (word for word in rest if lowered(word, language) not in _OF_STATES)
        return all(word in PARTICLES or is_frequent(word, language, most) for word in others)
    return any(covered) and all(is_frequent(word, language) for word in rest)


def _is_person(run: list[Word], language: str) -> bool:
    """Whether a given name begins the run and no word is ordinary: Carmen Montenegro, both of them places too."""
    first, *rest = (word.text for word in run if word.text not in PARTICLES)
    given = is_given_name(first) and not is_function_word(first, language)
    return given and bool(rest) and not any(is_ordinary(word, language) for word in rest)
