"""Names in Chinese and Japanese: people by family name, places by ending, and runs of rare characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guard.phrases.called import CHINESE_CALLED, CHINESE_ROLE, JAPANESE_CALLED
from guard.phrases.context import is_given_name, is_place
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import family_names, is_attested, japanese_given_names, ranks, simplified
from guard.text.segmentation import Segment, segments_of

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")
# Characters that stand before or after a name and are in hardly any.
_FUNCTION = frozenset(
    "自由往离距并而或该至另各每的了在是和有不我他她它这那也就都要会对从到与及或为以被把让给向住叫姓当做去来说生出后前时里上下中过着地得很又再于之所其并个一二三两几位名岁年月日"
)
_PLACE_ENDING = re.compile(r"[村镇鎮县縣乡鄉区區市路街巷湖山河岛島寺桥橋镇庄屯湾灣沟溝坪坳峪塘坝壩寨堡垭]")
# Endings of places that a smaller one's name follows.
_LARGER_PLACE = frozenset("省市县縣区區镇鎮")
_MIN_RARE_RANK = 4_000
# Of the characters that are in hardly any name some are the second of a few: 阚月蘅.
_IN_GIVEN = frozenset("月日生之一三其中自来")
_WITH = re.compile("[和与與跟给給]")
# Verbs of one character that follow a name, and are in few.
_VERBS = frozenset("搬寄迁嫁娶教卖买养唱死病葬租送献读考喝吃骑打谈談见見找买賣買說说问問写寫")
_MAX_PERSON_CHARS = 4
# A given name is a word of this rank or a rarer one.
_UNUSUAL = 10_000
# What given names end in, too; a person's name mostly has three characters.
_NATURE = frozenset("山湖河江岛島")
_PERSON_CHARS = 3
# A family name that is so frequent a word is one, before another word: 包饺子.
_MAX_VERB_RANK = 1_500
_MAX_PLACE_CHARS = 4
# Japanese characters that make a word of another word, before or after it.
_AFFIXES = frozenset(
    "者家人性的学部員時年月日回中内後前上下第数大小新旧各全約毎店屋館室課長書所場会社式金料費代達君様氏御本先今来同師士官医手婦職生活一二三四五六七八九十百千万円歳"
    "億兆秒週階匹頭羽枚冊個件点率額値税権罪論史誌紙劇賞戦党派系族民王国語線力量品物機車団局病省庁署症炎食型類用側費業課科級位界圏面号副元両畑筋道便席宅室術箱袋着帯服靴帽皿椀鍋缶瓶油塩糖粉汁酒茶肉魚菜豆毎再不非無未最高初半分票総案次組駅港"
)
_SHOPS = tuple("商店 旅館 医院 歯科 工業 建設 酒造 書店 食堂 製作所 工務店 農園 牧場 商会 病院 道場 塾 賞".split())  # noqa: SIM905
# With these a name of common words ends.
_NAME_ENDINGS = frozenset("丸亭堂荘庵楼軒苑園寺山川池沼坂橋岬島村町谷沢森原野浜浦峠塔門碑号通坊院")
# A single character of this rank or a commoner one makes a word of another word.
_MAX_AFFIX_RANK = 1_500
# What follows the stem of a verb or adjective, and no name.
_INFLECTED = re.compile("[っいんれわらりるけえくせめみげばべびぶきしちえ]")
_VERB_ENDING = re.compile("(?:[れせけげえめべ][るた]|った|って|んだ|んで|いた|いて|した|して|する|われ|され)")
# Of a word that is a given name after a family name.
_MIN_GIVEN_RANK = 8_000
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc](?:[\u30a1-\u30fa\u30fc]|[・=＝](?=[\u30a1-\u30fa]))+")
_KANJI_RUN = re.compile(r"[\u3400-\u9fff々ヶ][\u3400-\u9fff々ノヶ]*")
_JAPANESE_PLACE = ("村", "町", "市", "郡", "島", "岬", "峠", "区", "県", "谷", "沢")
# Without its ending the name of a place has so many characters.
_MIN_CORE_CHARS = 3
_VILLAGES = ("村", "町", "郡", "峠", "岬")
_LANES = ("小路", "大路", "横丁", "通", "坂", "台", "丘", "原", "条", "新田")
# After the number of a house or block.
_NUMBERED = ("丁目", "番地", "番町", "号室")
_HIRAGANA_NAME = re.compile(r"[\u3041-\u3096]{2,4}?(?=[はがのをとにもへ、。さ]|$)")
_MIN_KATAKANA_CHARS = 3
# A place with the number of its block.
_BLOCK = re.compile(r"[一二三四五六七八九十]+(?:丁目|番地|番町|条)")


def chinese_names(text: str) -> Iterator[Phrase]:
    """Yield the names in a Chinese text."""
    called = set()
    for match in CHINESE_CALLED.finditer(text):
        name = _until_function(match["name"])
        known = name.translate(simplified()) in ranks("zh") if match["nickname"] else _is_known(name)
        if len(name) > 1 and not known:
            called.add(match.start("name"))
            yield Phrase(name, PhraseKind.NAME, "name after the word for being called")
    for match in _HAN.finditer(text):
        places = list(_chinese_places(match[0]))
        yield from places
        rest = match[0]
        for place in places:
            rest = rest.replace(place.text, "的" * len(place.text))
        for name in _after_roles(rest):
            yield Phrase(name, PhraseKind.NAME, "name after the word for what somebody is")
            rest = rest.replace(name, "的" * len(name))
        yield from _chinese_people(rest)


def _after_roles(run: str) -> Iterator[str]:
    """Yield the names after words for what somebody is, and family with given names after "with" and "to"."""
    families, known = family_names("zh"), ranks("zh")
    for match in CHINESE_ROLE.finditer(run):
        following = run[match.end() : match.end() + _MAX_PERSON_CHARS + 1]
        name = _until_function(following, _FUNCTION | _VERBS)
        if len(name) == 1 and name in families and following[1:2] in _IN_GIVEN and len(following) >= _PERSON_CHARS:
            name = name + following[1] + _until_function(following[2:], _FUNCTION | _VERBS)
        if name[:1] in families and len(name) > _PERSON_CHARS:
            name = name[:_PERSON_CHARS]
        parts = segments_of(name, "zh")
        rare = any(part.rank is None or part.rank > _MIN_RARE_RANK for part in parts)
        surnamed = name[:1] in families and all(len(part.text) == 1 for part in parts)
        if 2 <= len(name) <= _MAX_PERSON_CHARS and (rare or surnamed) and not _is_known(name):
            yield name
    for match in _WITH.finditer(run):
        name = _until_function(run[match.end() : match.end() + _PERSON_CHARS + 1], _FUNCTION | _VERBS)
        parts = segments_of(name, "zh")
        surnamed = bool(parts) and parts[0].text in families and known.get(name[1:], _UNUSUAL) >= _UNUSUAL
        if len(name) == _PERSON_CHARS and surnamed and not any(map(is_place, (name, name[1:]))):
            yield name


def _until_function(text: str, ends: frozenset[str] = _FUNCTION) -> str:
    return next((text[:end] for end, char in enumerate(text) if char in ends), text)


def _is_known(name: str) -> bool:
    plain = name.translate(simplified())
    return (
        plain in ranks("zh")
        or is_attested(plain, "zh")
        or is_place(name)
        or is_place(plain)
        or all(part.rank is not None and len(part.text) > 1 for part in segments_of(name, "zh"))
    )


def _chinese_places(run: str) -> Iterator[Phrase]:
    for match in _PLACE_ENDING.finditer(run):
        start = match.start()
        bounds = _FUNCTION | _LARGER_PLACE
        while start > max(0, match.start() - _MAX_PLACE_CHARS) and run[start - 1] not in bounds:
            start -= 1
        start += _known_before(run[start : match.start()])
        core, place = run[start : match.start()], run[start : match.end()]
        if place[0] in family_names("zh") and len(place) == _PERSON_CHARS and match[0] in _NATURE:
            continue
        cut_short = start > 0 and run[start - 1] not in bounds
        if len(core) > 1 and not cut_short and not _is_known(place) and not _is_known(core) and _is_rare(core):
            yield Phrase(place, PhraseKind.PLACE, "rare word with the ending of a place")


def _known_before(core: str) -> int:
    """Return the length of the frequent words before the rest of a name: 丈夫|卫橡."""
    length = 0
    for part in segments_of(core, "zh")[:-1]:
        if len(part.text) < 2 or (part.rank or _MIN_RARE_RANK) >= _MIN_RARE_RANK:
            break
        length = part.end
    return length if len(core) - length > 1 else 0


def _is_rare(core: str) -> bool:
    """Whether no ordinary text goes that way: several words, and a rare one or a single character among them."""
    parts = segments_of(core, "zh")
    return any(part.rank is None or part.rank > _MIN_RARE_RANK for part in parts)


def _chinese_people(run: str) -> Iterator[Phrase]:
    parts = segments_of(run, "zh")
    families = family_names("zh")
    index = 0
    while index < len(parts):
        family, given, used = _split_name(parts, index)
        if family in families and _is_given(given, family):
            yield Phrase(family + given, PhraseKind.NAME, "family name with a given name")
            index += used
        else:
            index += 1


def _split_name(parts: list[Segment], index: int) -> tuple[str, str, int]:
    """Return the family name that begins at a part, the one or two characters after it, and the parts used."""
    families = family_names("zh")
    text = parts[index].text
    family = text if text in families else next((text[:k] for k in (2, 1) if text[:k] in families), "")
    if family and len(text) - len(family) > 1 + (parts[index].rank is None):
        family = ""
    if family and text != family and (parts[index].rank or 0) < _MIN_RARE_RANK:
        family = ""
    given, used = text[len(family) :], 1
    while family and index + used < len(parts) and len(given) < 2:
        after = parts[index + used].text
        if len(given) + len(after) > 2 or after in _FUNCTION:
            break
        given += after
        used += 1
    return family, given, used


def _is_given(given: str, family: str) -> bool:
    if not given or any(char in _FUNCTION for char in given):
        return False
    known = ranks("zh")
    chars = [known.get(char, _MIN_RARE_RANK + 1) for char in given]
    rare = any(rank > _MIN_RARE_RANK for rank in chars) or is_given_name(given)
    whole = known.get(given)
    if whole is not None and (
        family in _FUNCTION or (len(given) > 1 and known.get(family, _MAX_VERB_RANK) < _MAX_VERB_RANK)
    ):
        return False
    return (rare and (whole is None or len(given) == 1 or whole > _MIN_RARE_RANK)) and family + given not in known


def japanese_names(text: str) -> Iterator[Phrase]:
    """Yield the names in a Japanese text."""
    for match in JAPANESE_CALLED.finditer(text):
        name = match[1] or match[2]
        if match[1] and (name in ranks("ja") or not _KATAKANA.search(name)):
            continue
        nickname = not match[0].startswith("名") and len(name) > _MIN_CORE_CHARS and name not in ranks("ja")
        if (
            match[1]
            or nickname
            or not all(part.rank is not None and len(part.text) > 1 for part in segments_of(name, "ja"))
        ):
            yield Phrase(name, PhraseKind.NAME, "name after the word for a name")
    for match in _KATAKANA.finditer(text):
        word = match[0]
        common = (
            word in ranks("ja")
            or is_place(word)
            or all(part.rank is not None and len(part.text) > 2 for part in segments_of(word, "ja"))
        )
        if len(word) >= _MIN_KATAKANA_CHARS and not common:
            end = match.end()
            kanji = _KANJI_RUN.match(text, end)
            yield Phrase(word + (kanji[0] if kanji else ""), PhraseKind.NAME, "rare word in katakana")
    for match in _KANJI_RUN.finditer(text):
        yield from _of_kanji(text, match.start(), match[0])


def _of_kanji(text: str, start: int, run: str) -> Iterator[Phrase]:
    larger = _after_larger_place(run)
    start, run = start + larger, run[larger:]
    if run.startswith(_NUMBERED):
        return
    if (block := _BLOCK.search(run)) and run[: block.start()].endswith(_JAPANESE_PLACE + _LANES):
        run = run[: block.start()]
    given = _HIRAGANA_NAME.match(text, start + len(run))
    hiragana = given[0] if given and _is_hiragana_name(given[0]) else ""
    if len(run) > 1 and _is_person(run, hiragana):
        yield Phrase(run + hiragana, PhraseKind.NAME, "family name with a given name")
        if not hiragana and len(run) > _MIN_CORE_CHARS and run.endswith(_VILLAGES):
            yield Phrase(run[:-1], PhraseKind.PLACE, "name of a place without its ending")
        return
    if len(run) < 2 or _is_known_kanji(run, text[start + len(run) :][:1]):
        return
    if run.endswith(_JAPANESE_PLACE):
        yield Phrase(run, PhraseKind.PLACE, "rare word with the ending of a place")
        if len(run) > _MIN_CORE_CHARS and not _is_known_kanji(run[:-1], ""):
            yield Phrase(run[:-1], PhraseKind.PLACE, "name of a place without its ending")
        return
    yield Phrase(run + hiragana, PhraseKind.NAME, "rare characters")


def _after_larger_place(run: str) -> int:
    """Return the length of the known city or prefecture before the rest of an address: 福岡市|鈴虫坂町."""
    ends = (end for end in range(len(run) - 2, 1, -1) if run[end - 1] in "都道府県市区郡" and is_place(run[:end]))
    return next(ends, 0)


def _is_person(run: str, hiragana: str) -> bool:
    """Whether a family name is followed by a given name, or by the word for a shop."""
    known, families, given_names = ranks("ja"), family_names("ja"), japanese_given_names()
    if run in known:
        return hiragana in given_names and (run in families or is_place(run))
    for end in range(1, len(run)):
        family, given = run[:end], run[end:]
        if family in families and (
            (given in given_names and len(run) > 2)
            or (end > 1 and given in _SHOPS and not is_place(family))
            or (end > 1 and len(given) in (2, 3) and known.get(given, 0) > _MIN_GIVEN_RANK)
        ):
            return True
    return hiragana in given_names and (run in families or is_place(run))


def _is_hiragana_name(word: str) -> bool:
    rank = ranks("ja").get(word)
    return (rank is None or rank > _MIN_RARE_RANK) and not _VERB_ENDING.search(word)


def _is_known_kanji(run: str, after: str) -> bool:
    """Whether a run of ideographs, and the character after it, are known words with affixes."""
    known = ranks("ja")
    if run in known or is_place(run) or is_attested(run, "ja"):
        return True
    parts = segments_of(run, "ja")
    inflected = len(parts) > 1 and len(parts[-1].text) == 1 and _INFLECTED.match(after) is not None
    if inflected:
        parts = parts[:-1]
    words = inflected or (any(len(part.text) > 1 for part in parts) and parts[-1].text not in _NAME_ENDINGS)
    most = _MAX_AFFIX_RANK if words else 0
    return all(
        part.rank is not None and (len(part.text) > 1 or part.text in _AFFIXES or part.rank <= most)
        for part in parts
    )
