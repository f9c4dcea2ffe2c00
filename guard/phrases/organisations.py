"""Names beside the word for a prize, firm, band, school or hamlet, in scripts without capitals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from guard.phrases.context import is_function_word, is_place
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import family_names, ranks
from guard.text.segmentation import Segment, segments_of

_RARE = 1 << 30
# Words of a name are of this rank or rarer ones, one of them by far.
_MIN_WORD_RANK = 3_000
_MIN_HINDI_RANK = 1_500
_MIN_RARE_RANK = 10_000
_MAX_NAME_WORDS = 3

_HAN = r"\u3400-\u9fff"
_CHINESE_KIND = re.compile(
    "(?:文学|美术|音乐|艺术|科学|新闻|摄影|诗歌|戏剧|电影|建筑|文學|美術|音樂|藝術)?[奖獎]|[工]?[厂廠]|公司|[乐樂][队隊团團]|合唱[团團]|剧[团社]|劇團"
    "|基金[会會]|[协協][会會]|[学學][会會]|研究所|[诗詩]社|[书書][店局院坊]|[饭飯]店|酒[店馆楼樓館]|茶[馆楼館樓坊]|[面麵][馆館]|餐[馆廳厅館]"
    "|咖啡[馆館]|客[栈棧]|旅[馆館]|照相[馆館]|裁[缝縫][店铺鋪]|[诊診]所|[医醫]院|[药藥][房店铺]|[中小][学學]|幼[儿兒][园園]|[学學]堂"
    "|出版社|[杂雜][志誌]社|合作社|[农農牧林茶][场場]|作坊|豆腐坊|染坊|油坊|商行|[当當][铺鋪]|武[馆館]|道[场場]|胡同|弄堂|大[厦廈]|公寓|小[区區]|花[园園]"
)
_CHINESE_BOUNDS = frozenset(
    "自由往离距并而或该至另各每的了在是和有不我他她它这那也就都要会对从到与及为以被把让给向住叫姓当做去来说生出后前时里上下中过着地得很又再于之所其个一二三两几位名岁年月日"
    "获荣赢领颁进加创办开管任职由将此家穿過獲贏領頒進創辦開給與從對會"
)
_MAX_CHINESE_CHARS = 8
# A single character of this rank or a rarer one is no word before another.
_MIN_CHAR_RANK = 2_000
_JAPANESE = re.compile(
    rf"(?P<first>[{_HAN}々ヶ]{{2,6}})[\u30a1-\u30fa\u30fc]{{2,10}}(?P<kind>製作所|製造所|工業|工務店|商店|商会|商事|会社|工場|興業|建設|店|堂|社|園|館|賞|隊|団)"
)
_THAI = re.compile(r"[\u0e01-\u0e3a\u0e40-\u0e4e]+")
# What follows these is a name; what follows the others is one if it is rare, as goods follow them too.
_THAI_NAMED = frozenset(
    {"มูลนิธิ", "วง", "วงดนตรี", "รางวัล", "คณะ", "โรงแรม", "สมาคม", "ชมรม", "ค่าย", "หมู่บ้าน", "สำนักพิมพ์"}
)
_THAI_KINDS = frozenset(
    {
        "บริษัท",
        "โรงงาน",
        "ร้าน",
        "ร้านอาหาร",
        "โรงพยาบาล",
        "ห้าง",
        "โรงสี",
        "อู่",
        "สหกรณ์",
        "ไร่",
        "สวน",
        "ฟาร์ม",
        "คลินิก",
        "เรือ",
        "ตลาด",
        "นิตยสาร",
    }
)
_THAI_HAMLETS = frozenset(
    {
        "หนอง",
        "ห้วย",
        "ดอน",
        "โคก",
        "บึง",
        "คลอง",
        "ท่า",
        "ดอย",
        "ทุ่ง",
        "ปาก",
        "บาง",
        "นา",
        "โพน",
        "กุด",
        "ภู",
        "เขา",
        "ถ้ำ",
        "บ้าน",
        "วัง",
        "สระ",
        "ป่า",
    }
)
_THAI_AT = frozenset({"ที่", "จาก", "ใน", "ถึง", "สู่", "ตำบล", "บ้าน", "ใกล้", "แถว", "ไป", "มา", "เมือง", "ชาว"})
_THAI_COMMON = frozenset(
    {
        "ยอดเยี่ยม",
        "ชนะเลิศ",
        "รองชนะเลิศ",
        "ดีเด่น",
        "เกียรติยศ",
        "ออสการ์",
        "โนเบล",
        "แพทยศาสตร์",
        "วิศวกรรมศาสตร์",
        "ศาสตร์",
        "แห่งชาติ",
        "ระดับ",
        "กลาง",
    }
)
# Between such a word and the name: of music, of food.
_THAI_GOODS = frozenset({"ดนตรี", "อาหาร", "หนังสือ", "กาแฟ"})
_MAX_THAI_FUNCTION_RANK = 120
_MIN_THAI_NAME_RANK = 800
_MIN_THAI_RARE_RANK = 5_000
_MIN_THAI_CHARS = 5
_SPACED_WORD = re.compile(
    r"[^\W\d_](?:[^\W\d_]|[\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u200c\u200d]|['’\"״׳־-](?=[^\W\d_]))*"
)
_KINDS_BEFORE = {
    "ar": "جمعية مؤسسة شركة مصنع معمل معامل مصانع فرقة نادي مدرسة جائزة دار مكتبة مطعم فندق صحيفة مجلة مقهى مخبز"
    " مطحنة ورشة معهد عيادة قناة جسر برج عمارة وسام كأس مهرجان مطبعة مزرعة سفينة صيدلية محل رابطة",
    "he": "עמותת קרן פרס להקת תזמורת מפעל מפעלי חברת מסעדת מאפיית חנות מרפאת נגריית מכון הוצאת עיתון ספינת אגודת "
    " סדנת יקב חוות מלון מועדון תיאטרון מקהלת קפה בנק גלריית מספרת מכבסת אניית אוניית",
}
_HAMLETS_BEFORE = {
    "ar": "عين تل وادي دير كفر خربة عزبة كوم بئر جبل رأس بيت نجع",
    "he": "תל עין גבעת קריית קרית רמת מעלה כפר באר נחל נווה נוה מצפה",
}
_HINDI_KINDS = frozenset(
    "सम्मान पुरस्कार कंपनी कम्पनी संस्था संस्थान बैंड फ़ैक्टरी फैक्ट्री फ़ैक्ट्री विद्यालय स्कूल"  # noqa: SIM905
    " महाविद्यालय अस्पताल ट्रस्ट समिति संघ मंडली क्लब होटल ढाबा भंडार मिल मिल्स प्रकाशन प्रेस अख़बार"
    " पत्रिका उद्योग वाचनालय पुस्तकालय नाट्यमंडली अकादमी गली टोला".split()
)
# For spinning: the trade of a firm.
_FOR = "لل"
_PREFIXES = {"ar": ("وال", "بال", "لل", "ال", "و", "ب", "ل", "ف"), "he": ("וה", "ה", "ב", "ל", "מ", "ו", "ש", "כ")}


def organisations(text: str, language: str) -> Iterator[Phrase]:
    """Yield the names beside such a word; nothing in scripts with capitals."""
    if language in _KINDS_BEFORE:
        yield from _after_kind(text, language)
    elif language in _FINDERS:
        yield from _FINDERS[language](text)


def _chinese(text: str) -> Iterator[Phrase]:
    for match in _CHINESE_KIND.finditer(text):
        start = match.start()
        while start > max(0, match.start() - _MAX_CHINESE_CHARS) and re.match(f"[{_HAN}]", text[start - 1]):
            if text[start - 1] in _CHINESE_BOUNDS:
                break
            start -= 1
        parts = segments_of(text[start : match.start()], "zh")
        while len(parts) > 2 and len(parts[0].text) > 1 and (parts[0].rank or _RARE) < _MIN_WORD_RANK:
            start, parts = start + len(parts[0].text), parts[1:]
        if _is_coined(parts) and not is_place(text[start : match.start()]):
            yield Phrase(
                text[start : match.end()], PhraseKind.NAME, "rare word before the word for an organisation"
            )


def _is_coined(parts: list[Segment]) -> bool:
    """Whether a name begins with what is no word: two characters of which one is in few, or a very rare word."""
    if len(parts) < 2:
        return bool(parts) and parts[0].rank is None and len(parts[0].text) > 1
    first, second = parts[:2]
    single = len(first.text) == len(second.text) == 1
    ranked = [part.rank or _RARE for part in (first, second)]
    return (single and min(ranked) > _MIN_CHAR_RANK) or (len(first.text) > 1 and ranked[0] > 2 * _MIN_RARE_RANK)


def _japanese(text: str) -> Iterator[Phrase]:
    for match in _JAPANESE.finditer(text):
        first = match["first"]
        named = first in family_names("ja") or first not in ranks("ja")
        if named and not is_place(first):
            yield Phrase(match[0], PhraseKind.NAME, "family name with goods and the word for a firm")


def _thai(text: str) -> Iterator[Phrase]:
    for chunk in _THAI.finditer(text):
        parts = segments_of(chunk[0], "th")
        for index, part in enumerate(parts[:-1]):
            hamlet = part.text in _THAI_HAMLETS and index > 0 and parts[index - 1].text in _THAI_AT
            if not hamlet and part.text not in _THAI_NAMED and part.text not in _THAI_KINDS:
                continue
            name = _thai_name(parts, index + 1 + (parts[index + 1].text in _THAI_GOODS))
            rarest = max((one.rank or _RARE for one in name), default=0)
            written = "".join(one.text for one in name)
            coined = len(name) > 1 and rarest > _MIN_THAI_NAME_RANK and part.text in _THAI_NAMED
            known = is_place(written) or is_place(part.text + written) or part.text + written in ranks("th")
            if known or len(written) < _MIN_THAI_CHARS or not (coined or rarest > _MIN_THAI_RARE_RANK):
                continue
            if hamlet:
                yield Phrase(part.text + written, PhraseKind.PLACE, "name after a preposition of place")
            elif len(name) > 1 or rarest == _RARE:
                yield Phrase(written, PhraseKind.NAME, "name after the word for an organisation")


def _thai_name(parts: list[Segment], start: int) -> list[Segment]:
    name: list[Segment] = []
    for part in parts[start:]:
        function = part.rank is not None and part.rank <= _MAX_THAI_FUNCTION_RANK
        if (function and len(part.text) > 1) or part.text in _THAI_COMMON:
            break
        name.append(part)
    return name


def _after_kind(text: str, language: str) -> Iterator[Phrase]:
    """Yield the rare words after the word for an organisation, and the name of a hamlet with its word."""
    kinds, hamlets = _KINDS_BEFORE[language].split(), _HAMLETS_BEFORE[language].split()
    words = list(_SPACED_WORD.finditer(text))
    for index, word in enumerate(words):
        kind, hamlet = _has_form(word[0], kinds, language), _has_form(word[0], hamlets, language)
        if not kind and not hamlet:
            continue
        name: list[re.Match[str]] = []
        for after in words[index + 1 : index + 1 + (_MAX_NAME_WORDS - 1)]:
            previous = name[-1] if name else word
            frequent = _rank(after[0], language) < _MIN_WORD_RANK
            if text[previous.end() : after.start()] != " " or is_function_word(after[0], language) or frequent:
                break
            if after[0].startswith(_FOR):
                break
            name.append(after)
        if not name or is_place(text[name[0].start() : name[-1].end()]):
            continue
        rare = [one for one in name if _rank(one[0], language) == _RARE]
        definite = name[0][0].startswith({"ar": "ال", "he": "ה"}[language])
        if hamlet and (rare or (language == "he" and definite)):
            start = word.end() - len(hamlet)
            if not is_place(text[start : name[0].end()]):
                yield Phrase(text[start : name[0].end()], PhraseKind.PLACE, "name of a hamlet with its word")
        elif kind and (rare or (len(name) > 1 and definite)):
            yield Phrase(
                text[name[0].start() : name[-1].end()], PhraseKind.NAME, "name after an organisation's word"
            )
            yield from (Phrase(one[0], PhraseKind.PART, "rare part of a name") for one in rare if len(name) > 1)


def _has_form(word: str, listed: list[str], language: str) -> str:
    """Return the listed word that `word` is, with or without a prefix."""
    bare = [word, *(word[len(prefix) :] for prefix in _PREFIXES[language] if word.startswith(prefix))]
    return next((one for one in bare if one in listed), "")


def _rank(word: str, language: str) -> int:
    """Return the rank of the commonest form of a word with and without its prefix."""
    known = ranks(language)
    forms = [word, *(word[len(prefix) :] for prefix in _PREFIXES.get(language, ()) if word.startswith(prefix))]
    return min(known.get(form, _RARE) for form in forms)


def _hindi(text: str) -> Iterator[Phrase]:
    words = list(_SPACED_WORD.finditer(text))
    for index, word in enumerate(words):
        if word[0] not in _HINDI_KINDS:
            continue
        name: list[re.Match[str]] = []
        for before in reversed(words[max(0, index - _MAX_NAME_WORDS + 1) : index]):
            following = name[0] if name else word
            frequent = _rank(before[0], "hi") < _MIN_HINDI_RANK
            if text[before.end() : following.start()] != " " or is_function_word(before[0], "hi") or frequent:
                break
            name.insert(0, before)
        if len(name) > 1 and not is_place(text[name[0].start() : name[-1].end()]):
            yield Phrase(
                text[name[0].start() : name[-1].end()], PhraseKind.NAME, "name before an organisation's word"
            )


_FINDERS: Mapping[str, Callable[[str], Iterator[Phrase]]] = {
    "zh": _chinese,
    "ja": _japanese,
    "th": _thai,
    "hi": _hindi,
}
