"""Names in Korean: words that are no known words once their particles are cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from math import prod

from guard.phrases.context import is_frequent, is_place
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import family_names, is_attested, ranks
from guard.text.segmentation import Segment, segments_of

_WORD = re.compile(r"(?<![\d가-힣])[가-힣]+")
_PARTICLES = tuple(
    sorted(
        "은 는 이 가 을 를 의 에 에서 에게 에게서 께서 께 와 과 로 으로 도 만"  # noqa: SIM905
        " 부터 까지 이다 다 이라는 라는 이라고 라고 이고 님 씨 님은 님이 씨는 씨가 씨의"
        " 이며 며 처럼 보다 이나 나 랑 이랑 하고 이란 란 인 라 이라"
        " 에는 에도 에서는 으로는 이었다 였다 네 야 아 들 들이".split(),
        key=len,
        reverse=True,
    )
)
_VERB = re.compile(
    r"(?:다|다가|고|며|면|면서|지만|는데|은데|아서|어서|해서|려고|러|도록|게|던|된|한|할|하는|되는|있는|없는|온|간|난|했던|하여|되어|하게|운|은|는|을|를)$"
)
_PLACE_ENDINGS = ("읍", "면", "리", "동", "골", "마을", "시", "군", "구", "섬", "산", "로", "길", "항")
_PREFIXES = frozenset("재미비무초고신구대소총부맨첫헛친외")
_SUFFIXES = frozenset(
    "집들님씨용점원장자인학집군양측쪽별당형식적화성기실관사소부과생회품물비료율법제권력감심대번년월일시분초명개살세"
)
_CALLED = re.compile(
    r"(?:이름|별명|예명|애칭|필명)(?:은|이) ([가-힣]{2,8}?)"
    r"(?=(?:이었다|였다|이다|이고|이며|이라|입니다|이었|다|고|며|라고|였|인데)?(?:[\s.,。]|$))"
)
# Numbers in words, diseases, and words for people, which are in no list with their endings.
_NUMBER = re.compile(r"[영일이삼사오육칠팔구십백천만억조]{2,}")
_DISEASES = ("증", "병", "염", "암")
_PRONOUNS = frozenset(
    {"그들", "저들", "이들", "너희", "저희", "우리들", "그녀들", "누구", "모두", "서로", "자신들"}
)
# Offices that no list has.
_OFFICES = frozenset(
    "이장 통장 면장 읍장 동장 조장 갑판장 주방장 공장장 지점장 편집장 학과장 조합장 부녀회장"  # noqa: SIM905
    " 청년회장 수간호사 물리치료사 산파 조산사 대장장이 목수 석공 뱃사공 해녀 염부 농부 어부 옹기장이 훈장 접골사"
    " 재봉사 이발사 미장이 도배사".split()
)
# What such a person is called follows.
_ROLE = re.compile(
    r"(?:명인|스승|장인|화가|작가|시인|소설가|작곡가|지휘자|의사|간호사"
    r"|변호사|교수|교사|기자|목사|스님|신부|판사|형사|선장|이장|면장|목수"
    r"|남편|아내|외삼촌|삼촌|이모|고모|할머니|할아버지|어머니|아버지|누나|언니|오빠|동생"
    r"|아들|딸|친구|이웃|제자|사위|며느리|조카) "
    r"([가-힣]{3,4}?)(?:에게서?|에게|한테서?|과|와|은|는|이|가|을|를|의|께)(?![가-힣])"
)
_CONNECTED_VERB = (
    "다가",
    "면서",
    "지만",
    "는데",
    "려고",
    "도록",
    "거나",
    "든지",
    "나서",
    "가서",
    "와서",
    "라서",
    "려서",
    "워서",
    "져서",
    "겨서",
    "켜서",
    "쳐서",
)
# Of these endings a place is named by what is before them, unless that is a word.
_SETTLEMENTS = ("마을", "고개", "나루", "읍", "골")
_SHOPS = (
    "국밥집",
    "빵집",
    "떡집",
    "상회",
    "다방",
    "철물점",
    "사진관",
    "양조장",
    "이발소",
    "책방",
    "제과점",
    "합창단",
    "악단",
)
_CALLED_QUOTED = re.compile(r"([가-힣]{2,10}?)(?:이라고|라고|이라|라) (?:불|부르|부른|놀)")
_CALLED_LONG = re.compile(
    r"(?:그|그녀|저|나)를 ([가-힣]+ [가-힣]+?(?: [가-힣]+?)?)(?:이라고|라고|이라|라) (?:불|부르|부른|놀|칭)"
)
_PRIZES = ("문학상", "미술상", "음악상", "과학상", "작가상", "시인상", "연기상", "공로상", "평화상")
# Rarer words may be what somebody is called.
_MAX_CALLED_RANK = 8_000
_KNOWN_PRIZES = ("노벨", "퓰리처")
# Two words that hardly stand together: ranks of the rarer one, and of both multiplied.
_MIN_RARE_RANK = 5_000
_MIN_RARE_RANKS = 50_000_000


def korean_names(text: str) -> Iterator[Phrase]:
    """Yield the names in a Korean text: of people by family name, of places by ending, others as rare words."""
    for match in chain(_CALLED.finditer(text), _CALLED_QUOTED.finditer(text)):
        if not is_frequent(match[1], "ko", _MAX_CALLED_RANK):
            yield Phrase(match[1], PhraseKind.NAME, "name after the word for a name")
    for match in _CALLED_LONG.finditer(text):
        yield Phrase(match[1], PhraseKind.NAME, "name before the word for being called")
    for match in _ROLE.finditer(text):
        if match[1][0] in family_names("ko") and not _is_known(match[1]) and _is_unusual(match[1]):
            yield Phrase(match[1], PhraseKind.NAME, "family name after the word for what somebody is")
    for match in _WORD.finditer(text):
        stem = _stem(match[0])
        if stem is None:
            continue
        if stem.endswith(_PLACE_ENDINGS):
            yield Phrase(stem, PhraseKind.PLACE, "rare word with the ending of a place")
        elif _is_person(stem):
            yield Phrase(stem, PhraseKind.NAME, "family name with a rare given name")
        else:
            yield Phrase(stem, PhraseKind.NAME, "rare word")


def _stem(word: str) -> str | None:
    """Return the word without its particle, or None if it is common with or without one, or a verb."""
    forms = [word, *(word.removesuffix(particle) for particle in _PARTICLES if word.endswith(particle))]
    compound = any(_are_rare_together(segments_of(form, "ko")) or _is_settlement(form) for form in forms)
    if word.startswith(_KNOWN_PRIZES) or not _OFFICES.isdisjoint(forms):
        return None
    if not compound and any(_is_common(form) or len(form) == 1 for form in forms):
        return None
    if len(forms) == 1:
        return None if _VERB.search(word) or word.endswith(_CONNECTED_VERB) else word
    persons = [form for form in forms if _is_person(form)]
    # The ending of a place may be a particle as well: a road is 로, and so is "to".
    places = [form for form in (*forms[1:], word) if form.endswith(_PLACE_ENDINGS)]
    if word.endswith(_CONNECTED_VERB) and not persons:
        return None
    if word.endswith(("다", "고", "며", "게")) and not (persons and word.endswith(("이다", "이고", "이며"))):
        return None if not word.endswith(("이다", "이고", "이며")) else forms[1]
    return (persons or places or forms[1:])[0]


def _is_settlement(form: str) -> bool:
    """Whether a word for a village or shop follows what is no single word, so that it names one: 늑대고개마을."""
    shop = next(filter(form.endswith, _SHOPS), "")
    if shop and form not in ranks("ko"):
        return len(form) - len(shop) > 1 and not is_frequent(form.removesuffix(shop), "ko", _MIN_RARE_RANK)
    ending = next(filter(form.endswith, _SETTLEMENTS), "")
    before = form.removesuffix(ending)
    return bool(ending) and len(before) > 2 and form not in ranks("ko") and not _is_known(before)


def _is_known(form: str) -> bool:
    return form in ranks("ko") or is_place(form) or is_attested(form, "ko")


def _is_person(form: str) -> bool:
    families = family_names("ko")
    two = len(form) == 4 and form[:2] in families
    return two or (len(form) == 3 and form[0] in families)


def _is_unusual(form: str) -> bool:
    """Whether no word of two syllables or more that is frequent is in it, as in a verb or a compound."""
    return all(len(p.text) == 1 or p.rank is None or p.rank > _MIN_RARE_RANK for p in segments_of(form, "ko"))


def _is_common(form: str) -> bool:
    if _is_known(form) or form in _PRONOUNS or _NUMBER.fullmatch(form):
        return True
    if form.endswith(_DISEASES) and len(form) > 2 and not _is_person(form):
        return True
    if len(form) == 4 and form[:2] in family_names("ko"):
        return False
    if form.endswith(_PRIZES) and form not in _PRIZES:
        return False
    if len(form) > 2 and form[0] in _PREFIXES and _is_known(form[1:]):
        return True
    parts = segments_of(form, "ko")
    if _are_rare_together(parts):
        return False
    return all(part.rank is not None and (len(part.text) > 1 or part.text in _SUFFIXES) for part in parts)


def _are_rare_together(parts: Sequence[Segment]) -> bool:
    """Whether a compound is one of two rare words, which a name is made of rather than a common noun."""
    both = [part.rank or 0 for part in parts if len(part.text) > 1]
    return len(both) == len(parts) == 2 and max(both) > _MIN_RARE_RANK and prod(both) > _MIN_RARE_RANKS
