"""Titles without quotation marks, in scripts without capitals, beside the word for a work or a title."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from guard.phrases.context import is_frequent, is_function_word, is_place
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import ranks
from guard.text.segmentation import segments_of

_HAN = r"\u3400-\u9fff"
_CHINESE = re.compile(
    r"(?:(?:[书書歌片剧劇诗詩曲画畫文戏戲店书][名]|题目|題目|标题|標題"
    r"|[书歌诗]的?名字)(?:就?[是叫为為]做?|取作)|题为|題為|名为|名為|取名为?|起名叫?|名叫|叫做|叫作)"
    rf"([{_HAN}]{{3,20}})(?=[，。、；！？,.;]|$)"
)
_JAPANESE = (
    # A particle after a comma: what is before the comma is quoted.
    re.compile(r"、([^、。「」『』（）;\s]{4,24})、(?=(?:が|を|は|に|で|も|と|の|という|って)[^、。])"),
    re.compile(
        r"(?:題名|題|表題|タイトル|曲名|書名|作品名|店名|社名|屋号|誌名|チーム名|バンド名"
        r"|ペンネーム|芸名|愛称|通称|屋号)[はを]"
        r"([^、。「」『』;\s]{2,16}?)(?=で[、。す]|だ[。、っ]|です|という|と(?:い|名|す|つ|呼)|、|。|$)"
    ),
    # Is called so.
    re.compile(
        r"(?:(?:は|では)?(?:皆|みんな|人々|仲間|同僚)が|は|では|から|には|を)"
        r"([\u3400-\u9fff々ぁ-んァ-ヶー]{3,12}?)(?:と(?:呼ばれ|呼ん|あだ名され"
        r"|親しまれ)|という(?:題名?|タイトル|名前?|店名|屋号|あだ名|愛称))"
    ),
    # A prize of several words.
    re.compile(
        r"(?:^|[、。]|の年の|今年の|[はがで])((?!今年|昨年|最高"
        r"|最大)[\u3400-\u9fff々ァ-ヶー]{1,4}の[ぁ-んァ-ヶー\u3400-\u9fff々]{1,8}?[賞章杯])(?=[をは"
        r"がに、。])"
    ),
    re.compile(
        r"(?:^|[、。])([^、。「」『』;\s]{3,14})(?:という|と(?:題|名付|名づ)(?:した|する"
        r"|けた)?)(?:名の?|題の?|タイトルの?)?"
        r"(?=曲|歌|本|詩|小説|絵|映画|作品|店|会社|団体|犬|猫|雑誌|劇|芝居|童話|随筆|句集|歌集|バンド)"
    ),
)
_KOREAN_WORK = (
    r"(?:단편영화|장편영화|단편집|노래|시|소설|수필|동화|희곡|영화|연극|그림|책|곡|단편|장편"
    r"|단편소설|장편소설|에세이"
    r"|시집|만화|드라마|자서전|가요|동요|수필집|산문집|뮤지컬|동시)"
)
_KOREAN = (
    # A clause that is closed takes a particle only where it is quoted.
    re.compile(
        rf"(?<![가-힣]){_KOREAN_WORK} ((?:[가-힣]+ ){{1,6}}[가-힣]*(?:해|다|까|요|지|네|라|자|야|어|아|나))"
        r"(?=(?:가|를|는|라는|로|도|에|의|처럼|란)(?: |$|[,.]))"
    ),
    re.compile(
        r"(?:^|[,.] |[가-힣](?:은|는) )((?:[가-힣]+ ){1,6}?[가-힣]+?)(?:이라는|라는|이란|란)"
        rf"(?: 제목의)? (?={_KOREAN_WORK})"
    ),
    re.compile(
        r"(?:제목|곡명|책 제목|노래 제목)(?:은|이) ((?:[가-힣]+ ){0,6}[가-힣]{2,})"
        r"(?=(?:이다|다|이었다|였다|이고|입니다)(?:[ .]|$))"
    ),
)
_THAI_NAMED = re.compile(
    r"(?:หนังสั้น|หนัง|ภาพยนตร์|นิยาย|ละคร|นวนิยาย|บทความ|หนังสือ|สารคดี|เพลง|บทกวี|เรื่องสั้น)(?:เรื่อง|ชื่อ)"
    r"(?P<name>[\u0e01-\u0e3a\u0e40-\u0e4e]{8,40})(?=[ .,]|$)"
)
_THAI = re.compile(
    r"(?:แต่ง|เขียน|ร้อง|วาด|กำกับ|สร้าง|พิมพ์|ตีพิมพ์|ออก|ประพันธ์|บันทึก)"
    r"(?:เพลง|หนังสือ|นิยาย|บทกวี|กลอน|เรื่องสั้น|ภาพยนตร์|หนัง|ละคร|ภาพ|นวนิยาย|บทละคร|อัลบั้ม)(?:ชื่อ|เรื่อง)?"
    r"(?P<name>[\u0e01-\u0e3a\u0e40-\u0e4e]{8,40})(?=[ .,]|$)"
)
# What follows the word for a work in Thai and is no title.
_THAI_AFTER = frozenset(
    "ที่ ให้ ของ เกี่ยวกับ และ เพื่อ ใน เป็น ขาย ไทย สากล ลูกทุ่ง เอง อยู่ ไว้ มา ได้ แล้ว ขึ้น ด้วย กับ"  # noqa: SIM905
    " จาก หลาย คือ นี้"
    " นั้น ใหม่ แรก เล่ม ซึ่ง โดย สำหรับ หนึ่ง สอง สาม สี่ ห้า มากมาย เด็ก รัก ประกอบ เสียง".split()
)
_ARABIC_TITLE = re.compile(
    r"(?<!\w)(?:و|ف)?(?:عنوان(?:ها|ه|هما)|بعنوان|تحت عنوان|المعنونة? ب|اسمها|سماها|أسماها) (?=[^\W\d_])"
)
_ARABIC_WORK = re.compile(
    r"(?<!\w)(?:و|ف|ب|ل)?(?:ال)?(?:(?:رواي|قصيد|أغني|قص|مسرحي|لوح|مقطوع|رسال)(?:ة|ته|تها|تي)"
    r"|(?:فيلم|كتاب|ديوان|ألبوم|عرض|مسلسل|نشيد)(?:ه|ها|هما|ي)?) "
    r"(?=(?:لا أحد|لا شيء|كل|حين|عندما|غدا|غدًا|أمس|هل|كيف|نصف|ربما|قبل أن|بعد أن|من يوم|لو|ليت"
    r"|أنا|نحن|سوف|كأن) )"
)
_HEBREW_WORK = re.compile(
    r"(?<!\w)(?:ו|ב|ל|מ)?(?:(?:המחזה|הספר|ספר השירים|קובץ השירים|ספר הסיפורים|השיר|הרומן|הסיפור"
    r"|הסרט|הציור|הפואמה|האלבום|הנובלה|המחזמר|הסונטה"
    r"|היצירה|ספרו|ספרה|שירו|שירה"
    r"|מחזהו|סיפורה|סיפורו)"
    r"(?:(?: [^\s,.;]+){0,3},)?(?: של[והםן]ה?| של\w+)? (?=(?:מחר|אתמול|כל|מי|מה|איך|כש\w+|למה|אם|תמיד|אף|שום"
    r"|חצי|עוד|כבר|היום|הלילה|אני|אנחנו"
    r"|שני|שתי|שלוש\w?|לפני|אחרי|בלי|כמעט|אולי|איפה|ואז|פעם) )"
    r"|(?:בשם|ששמו|ששמה|שכותרתו|שכותרתה|הנקרא|הנקראת) )"
)
_HINDI = re.compile(
    r"(?<!\w)(?:नाटक|उपन्यास|कविता|गीत|गाना|किताब|कहानी|फ़िल्म|फिल्म|ग़ज़ल|गज़ल|पुस्तक|चित्र|भजन|लेख|निबंध) "
    r"(?P<name>[^,।;\"“”'?!\n]{6,50}?) "
    r"(?:लिख(?:ा|ी|े|कर)|गाय(?:ा|ी)|गाई|बनाय(?:ा|ी)|बनाई|रच(?:ा|ी)|छप(?:ा|ी)|निर्देशित|प्रकाशित|पढ़(?:ा"
    r"|ी)|सुनाय(?:ा|ी)|सुनाई|मंचित)(?!\w)"
)
_POSTPOSITIONS = frozenset("में पर से को ने का की के लिए साथ बाद पहले तक और भी ही".split())  # noqa: SIM905
_MAX_CHARS = 120
_MIN_WORDS, _ENOUGH, _MAX_WORDS = 2, 2, 7
_MARKS = re.compile(r"[^\w\s\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0963'’\"״׳־-]")


def titles_without_quotes(text: str, language: str) -> Iterator[Phrase]:
    """Yield the titles in a text, outside of quotation marks, of a script without capitals."""
    if language in _FINDERS:
        for title in _FINDERS[language](text):
            if not is_place(title):
                yield Phrase(title, PhraseKind.TITLE, "title beside the word for a work")


def _chinese(text: str) -> Iterator[str]:
    for match in _CHINESE.finditer(text):
        parts = segments_of(match[1], "zh")
        if len(parts) > 2 and not match[1].endswith("的"):
            yield match[1]


def _japanese(text: str) -> Iterator[str]:
    for pattern in _JAPANESE:
        for match in pattern.finditer(text):
            if len(segments_of(match[1], "ja")) > 1 and match[1] not in ranks("ja"):
                yield match[1]


def _korean(text: str) -> Iterator[str]:
    for pattern in _KOREAN:
        yield from (match[1] for match in pattern.finditer(text) if match[1].count(" ") or pattern is _KOREAN[2])


def _thai(text: str) -> Iterator[str]:
    for match in chain(_THAI.finditer(text), _THAI_NAMED.finditer(text)):
        parts = segments_of(match["name"], "th")
        if len(parts) > 2 and parts[0].text not in _THAI_AFTER:
            yield match["name"]


def _arabic(text: str) -> Iterator[str]:
    for match in _ARABIC_TITLE.finditer(text):
        yield from _words_from(text[match.end() : match.end() + _MAX_CHARS], "ar", "و")
    for match in _ARABIC_WORK.finditer(text):
        yield from _words_from(text[match.end() : match.end() + _MAX_CHARS], "ar", "و", least=3)


def _hebrew(text: str) -> Iterator[str]:
    for match in _HEBREW_WORK.finditer(text):
        yield from _words_from(text[match.end() : match.end() + _MAX_CHARS], "he", "ו", least=3)


def _words_from(text: str, language: str, conjunction: str, least: int = _MIN_WORDS) -> Iterator[str]:
    """Yield the words with which a text begins, up to a mark or "and", until they are enough for a title."""
    mark = _MARKS.search(text)
    found: list[str] = []
    for word in text[: mark.start() if mark else len(text)].split()[:_MAX_WORDS]:
        if found and word.startswith(conjunction) and len(word) > 3 and not is_frequent(word, language, 2_000):
            break
        found.append(word)
        content = [not is_function_word(one, language) for one in found]
        if len(found) >= max(least, _ENOUGH + 1) and content[-1] and sum(content) >= _ENOUGH:
            break
    while found and is_function_word(found[-1], language):
        found.pop()
    if len(found) >= least:
        yield " ".join(found)


def _hindi(text: str) -> Iterator[str]:
    for match in _HINDI.finditer(text):
        words = match["name"].split()
        if len(words) > _MIN_WORDS and words[0] not in _POSTPOSITIONS and words[-1] not in _POSTPOSITIONS:
            yield match["name"]


_FINDERS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "zh": _chinese,
    "ja": _japanese,
    "ko": _korean,
    "th": _thai,
    "ar": _arabic,
    "he": _hebrew,
    "hi": _hindi,
}
