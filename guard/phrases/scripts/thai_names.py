"""Names in Thai: what follows a courtesy, the word for a place or "is called", and runs of unknown letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from guard.phrases.context import is_frequent, is_given_name, is_place
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import ranks
from guard.text.segmentation import Segment, segments_of

_THAI = re.compile(r"[\u0e01-\u0e3a\u0e40-\u0e4e]+")
_COURTESY = re.compile(
    r"(?:นายแพทย์|แพทย์หญิง|นางสาว|เด็กชาย|เด็กหญิง|นาย|นาง|คุณครู|คุณหมอ|คุณ"
    r"|อาจารย์|ครู|หมอ|ดร\.|น\.ส\.|ด\.ช\.|ด\.ญ\.|ชื่อเล่นว่า|ชื่อเล่นคือ|ชื่อเล่น|ชื่อว่า|ชื่อคือ|ชื่อ"
    r"|เรียก(?:เขา|เธอ|มัน)?ว่า|(?:ฉายา|สมญา)(?:ของ(?:เขา|เธอ|มัน))?(?:ว่า|คือ)?) ?"
    r"(?=[\u0e01-\u0e2e\u0e40-\u0e44])"
)
_PLACE = re.compile(
    r"(?:หมู่บ้าน|ตำบล|อำเภอ|จังหวัด|ถนน|ซอย|แขวง|เขต|เมือง|เกาะ|แม่น้ำ|ภูเขา|วัด|โรงเรียน|มหาวิทยาลัย) ?"
    r"([\u0e01-\u0e3a\u0e40-\u0e4e]{3,24})"
)
# After these the name of a thing may be made of common words.
_NAMED = ("ชื่อ", "เรียก", "ฉายา", "สมญา")
_STREETS = ("ถนน", "ซอย", "หมู่บ้าน")
# A word of this rank or a commoner one is no name and ends one.
_MAX_FUNCTION_RANK = 400
# Before a name, and no name of one word.
_MAX_FREQUENT_RANK = 3_000
_RARE = 1 << 30
# "With", "to", "met" and the like.
_BEFORE_NAME = re.compile("กับ|ให้|พบ|แก่|ของ|คือ|และ|ถึง|จาก|โดย|รู้จัก|เจอ")
_MIN_NAME_CHARS = 3
_MAX_NAME_CHARS = 24
_MIN_UNKNOWN_CHARS = 3

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
        "ตก",
        "ตกเป็น",
        "เป็น",
        "ให้",
        "จาก",
        "เมื่อ",
        "มอบ",
        "ถูก",
        "กลาง",
    }
)
# Between such a word and the name: of music, of food.
_THAI_GOODS = frozenset({"ดนตรี", "อาหาร", "หนังสือ", "กาแฟ"})
_MAX_THAI_FUNCTION_RANK = 120
_MIN_THAI_NAME_RANK = 800
_MIN_THAI_RARE_RANK = 5_000
_MIN_THAI_CHARS = 5
_MAX_VERB_RANK = 700
_MAX_NAMED_CHARS = 16
_THAI_OF = frozenset({"ของ", "ที่", "ว่า", "ใน", "และ", "เป็น", "คน", "นี้", "นั้น", "เสียง"})


def thai_names(text: str) -> Iterator[Phrase]:
    """Yield the names in a Thai text."""
    yield from _organisations(text)
    taken: list[tuple[int, int]] = []
    for match in _PLACE.finditer(text):
        end = _end_of_name(text, match.start(1))
        place = text[match.start(1) : end]
        street = match[0].startswith(_STREETS) and place in ranks("th") and not is_frequent(place, "th")
        if (
            len(place) >= _MIN_NAME_CHARS
            and not place.startswith("ทุก")
            and not is_place(place)
            and (street or not _is_known(place))
        ):
            taken.append((match.start(1), end))
            yield Phrase(place, PhraseKind.PLACE, "name after the word for a place")
    words = _words_by_start(text)
    for match in _COURTESY.finditer(text):
        word = words.get(match.start())
        # In นายก (premier) there is นาย (Mr).
        if word is None or (word.rank is not None and len(word.text) > len(match[0].strip())):
            continue
        named = match[0].startswith(_NAMED)
        end = _end_of_name(text, match.end(), _MAX_THAI_FUNCTION_RANK if named else _MAX_FUNCTION_RANK)
        first = text[match.end() : end]
        family = _family_name(text, end)
        chunk = _THAI.match(text, match.end())
        if named and chunk and end < chunk.end() <= match.end() + _MAX_NAMED_CHARS and _is_known(first):
            # What something is called may have "with" in it.
            end = chunk.end()
            first = chunk[0] if segments_of(chunk[0], "th")[0].text not in _THAI_OF else ""
        # A teacher who teaches: a verb and its noun follow a courtesy, too.
        frequent = all(part.rank and part.rank <= _MAX_VERB_RANK for part in segments_of(first, "th"))
        if frequent and not named and not family.strip():
            continue
        if len(first) < _MIN_NAME_CHARS or (_is_known(first) and not is_given_name(first) and not family.strip()):
            continue
        taken.append((match.end(), end + len(family)))
        yield Phrase(first + family, PhraseKind.NAME, "name after a courtesy or the word for a name")
        if family.strip() and not is_frequent(family.strip(), "th", _RARE):
            yield Phrase(family.strip(), PhraseKind.PART, "rare part of a name")
    yield from _pairs(text, taken)
    yield from _unknown(text, taken)


def _words_by_start(text: str) -> dict[int, Segment]:
    chunks = _THAI.finditer(text)
    return {chunk.start() + word.start: word for chunk in chunks for word in segments_of(chunk[0], "th")}


def _pairs(text: str, taken: list[tuple[int, int]]) -> Iterator[Phrase]:
    """Yield two names between spaces, a given and a family name, without a word that is in no name."""
    chunks = list(_THAI.finditer(text))
    for first, second in pairwise(chunks):
        start, end = first.start() + _words_before_name(first[0]), second.end()
        given = text[start : first.end()]
        after = start > first.start() and not _is_known(given) and _family_name(text, first.end()) != ""
        like = _is_like_name(second[0]) and (after or _is_like_name(given, 1))
        unknown = any(part.rank is None for part in segments_of(given, "th"))
        named = text[first.end() : second.start()] == " " and (like or (after and unknown))
        if named and not any(a < end and start < b for a, b in taken):
            taken.append((start, end))
            yield Phrase(text[start:end], PhraseKind.NAME, "two rare words between spaces")
            yield Phrase(second[0], PhraseKind.PART, "rare part of a name")


def _words_before_name(chunk: str) -> int:
    """Return the length of the frequent words with which a chunk begins: ฉันพบ|เวนเซล."""
    length = max((match.end() for match in _BEFORE_NAME.finditer(chunk)), default=0)
    if _MIN_NAME_CHARS <= len(chunk) - length < len(chunk) and not _is_known(chunk[length:]):
        return length
    length = 0
    for part in segments_of(chunk, "th")[:-1]:
        if part.rank is None or part.rank > _MAX_FREQUENT_RANK or len(part.text) < 2:
            break
        length = part.end
    return length


def _is_like_name(chunk: str, least: int = 2) -> bool:
    """Whether a chunk of so many words or more has none that is in no name, and is rare if it is a single one."""
    parts = segments_of(chunk, "th")
    functions = any(
        part.rank is not None and part.rank <= _MAX_FUNCTION_RANK and len(part.text) > 1 for part in parts
    )
    return (
        _MIN_NAME_CHARS < len(chunk) <= _MAX_NAME_CHARS
        and len(parts) >= least
        and (len(parts) > 1 or (parts[0].rank or _RARE) > _MAX_FREQUENT_RANK)
        and not functions
        and not is_place(chunk)
    )


def _end_of_name(text: str, start: int, max_rank: int = _MAX_FUNCTION_RANK) -> int:
    """Return where the name that begins at `start` ends: at a space, or at a word that is in no name."""
    chunk = _THAI.match(text, start)
    if chunk is None:
        return start
    end = start
    for segment in segments_of(chunk[0], "th"):
        if segment.rank is not None and segment.rank <= max_rank and len(segment.text) > 1 and end > start:
            break
        end = start + segment.end
    return end


def _family_name(text: str, start: int) -> str:
    chunk = _THAI.match(text, start + 1) if text[start : start + 1] == " " else None
    if chunk is None:
        return ""
    parts = segments_of(chunk[0], "th")
    opens = parts[0].rank is not None and parts[0].rank <= _MAX_FUNCTION_RANK
    # A single word between spaces is no clause.
    alone = len(parts) == 1 and not opens and not is_place(chunk[0]) and len(chunk[0]) >= _MIN_NAME_CHARS
    if alone and text[chunk.end() : chunk.end() + 1] in (" ", ""):
        return " " + chunk[0]
    at = any(part.text in _THAI_AT for part in parts[1:])
    known = chunk[0] in ranks("th") or opens or at or is_place(chunk[0])
    return "" if known or (len(parts) < 2 and parts[0].rank is not None) else " " + chunk[0]


def _is_known(name: str) -> bool:
    return (
        name in ranks("th")
        or is_place(name)
        or all(part.rank is not None and part.rank <= _MAX_FUNCTION_RANK for part in segments_of(name, "th"))
    )


def _unknown(text: str, taken: list[tuple[int, int]]) -> Iterator[Phrase]:
    """Yield runs of characters of no known word, with the short pieces of words among them."""
    for chunk in _THAI.finditer(text):
        run: list[Segment] = []
        for segment in [*segments_of(chunk[0], "th"), None]:
            if segment is not None and segment.rank is None:
                run.append(segment)
                continue
            length = sum(len(part.text) for part in run)
            if length >= _MIN_UNKNOWN_CHARS:
                start, end = chunk.start() + run[0].start, chunk.start() + run[-1].end
                if not any(a < end and start < b for a, b in taken):
                    yield Phrase(text[start:end], PhraseKind.NAME, "characters of no known word")
            run = []


def _organisations(text: str) -> Iterator[Phrase]:
    for chunk in _THAI.finditer(text):
        parts = segments_of(chunk[0], "th")
        for index, part in enumerate(parts[:-1]):
            hamlet = part.text in _THAI_HAMLETS and index > 0 and parts[index - 1].text in _THAI_AT
            if not hamlet and part.text not in _THAI_NAMED and part.text not in _THAI_KINDS:
                continue
            name = _name_of_organisation(parts, index + 1 + (parts[index + 1].text in _THAI_GOODS))
            rarest = max((one.rank or _RARE for one in name), default=0)
            written = "".join(one.text for one in name)
            village = hamlet and parts[index - 1].text in ("บ้าน", "ตำบล")
            coined = len(name) > 1 and rarest > _MIN_THAI_NAME_RANK and (village or part.text in _THAI_NAMED)
            known = is_place(written) or is_place(part.text + written) or part.text + written in ranks("th")
            if known or len(written) < _MIN_THAI_CHARS or not (coined or rarest > _MIN_THAI_RARE_RANK):
                continue
            if hamlet:
                yield Phrase(part.text + written, PhraseKind.PLACE, "name after a preposition of place")
            elif len(name) > 1 or rarest == _RARE:
                yield Phrase(written, PhraseKind.NAME, "name after the word for an organisation")


def _name_of_organisation(parts: list[Segment], start: int) -> list[Segment]:
    name: list[Segment] = []
    for part in parts[start:]:
        function = part.rank is not None and part.rank <= _MAX_THAI_FUNCTION_RANK
        if (function and len(part.text) > 1) or part.text in _THAI_COMMON:
            break
        name.append(part)
    return name
