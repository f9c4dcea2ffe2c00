"""Names in scripts with spaces and without capitals: Arabic, Hebrew, Hindi and their neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guard.phrases.called import ARABIC_CALLED, HEBREW_CALLED, HINDI_CALLED
from guard.phrases.context import is_frequent, is_function_word, is_given_name, is_listed, is_place
from guard.phrases.phrase import Phrase, PhraseKind
from guard.phrases.scripts.affixes import PREFIXES, SUFFIXES, VOWEL_SIGNS
from guard.text.lexicon import ranks
from guard.text.words import Word

_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0970-\u0dff\u200c\u200d"
)
_WORD = re.compile(rf"[^\W\d_](?:[^\W\d_]|[{_MARKS}]|['’\"״׳־-](?=[^\W\d_]))*")
_SUFFIXES = SUFFIXES | {"ur": ("وں", "یں", "ے", "ی")}
_MIN_STEM = 3
# A noun with these has one letter more without them.
_AFTER_SHORT_STEMS = frozenset({"تها", "ته"})
_MIN_GIVEN_RANK = 2_000
# Words for places, which the name of one follows.
_PLACE_WORDS = frozenset(
    "زقاق درب جادة ساحة ميدان نهج ممر حارة قرية بلدة مدينة حي شارع ضاحية منطقة مزرعة روستای"  # noqa: SIM905
    " شهرک گاؤں קיבוץ מושב כפר רחוב סמטת סמטה שדרות שכונת היישוב"
    " יישוב"
    " गाँव गांव क़स्बा कस्बा मोहल्ला गली ग्राम গ্রাম".split()
)
# She did: a verb in the past opens a sentence.
_ARABIC_VERB = re.compile(r"\w{3,5}ت")
# A verb follows them.
_PRONOUNS = ("היא ", "הוא ", "הם ", "הן ", "אני ")
# And the, with the, to the: before a thing, as nobody's family name alone is spelt.
_AND_THE = ("وال", "بال", "كال", "فال")
# It was issued: such a verb opens a clause.
_HEBREW_PASSIVE = re.compile("ה[ות]\\w{3,4}|נ\\w{3}[הו]")
# With a noun before them they are one verb: मंचित किया.
_HINDI_VERB = re.compile(" (?:किया|करते|करता|करती|करना|करने|करके|करवाया|हुआ|हुई|हुए|होता|होती|होते)(?!\\w)")
# Before a name, and no part of it.
_COURTESIES = frozenset(
    "الشيخ الشيخة الأستاذ الأستاذة الدكتور الدكتورة السيد السيدة الحاج الحاجة المهندس المهندسة الآنسة العم العمة"  # noqa: SIM905
    " القاضي المحامي المحامية الطبيب الطبيبة المعلم المعلمة الشاعر الشاعرة الجار الخالة الخال"
    " גברת הרב דוד דודה סבא סבתא דוקטור פרופסור השופט השופטת הסופר הסופרת המורה הרופא הרופאה האחות"
    " उस्ताद पंडित श्री श्रीमती डॉ डॉक्टर प्रोफ़ेसर प्रोफेसर सुश्री मास्टर बाबू ठाकुर मौलवी वैद्य हकीम".split()
)
# Illnesses, instruments, trades and workplaces that the lists of commonest words lack.
_NOUNS = frozenset(
    "مطحنة مطاحن مخبز خياطة خياط نجار نجارة حداد حدادة دباغ دباغة إسكافي ساعاتي عود قانون ناي كمان بزق أكورديون"  # noqa: SIM905
    " ربو صرع حصبة جدري نقرس شقيقة طحان إسكاف قابلة ممرض معصرة منجرة ورشة بيطري سباك لحام قصاب"
    " عطار خزاف خطاط مشتل"
    " אסתמה סוכרת אפילפסיה מיגרנה דלקת אקורדיון כינור חליל צ'לו נבל קלרינט מנדולינה בלשנות תופרת סנדלר נגר נפח"
    " שען אופה קצב מיילדת חובש טחנה נגרייה מאפייה מתפרה מכבסה מספרה חייט וטרינר גנן דייג כוורן כוורת סמטה סמטת"
    " दमा मिर्गी मधुमेह चेचक खसरा गठिया सितार सारंगी शहनाई तबला संतूर बाँसुरी बढ़ई लोहार कुम्हार जुलाहा"
    " दर्ज़ी मोची"
    " सुनार दाई हलवाई मल्लाह चरवाहा पंसारी पनवाड़ी मुनीम आढ़ती".split()
)
_HEBREW_ABBREVIATION = re.compile(r"[א-ת]{1,3}[\"״][א-ת]")
# Of a name of common words one is rarer than this.
_MIN_CALLED_RANK = 5_000
_MIN_HINDI_CALLED_RANK = 1_000
_MAX_CALLED_WORDS = 3
_MAX_CALLED_RANK = 500
_BEFORE_CHARS = 24
# With these a second word for being called begins.
_CALLED_AGAIN = frozenset({"בכינוי", "בשם", "בכינויו", "بلقب", "باسم", "कहकर", "नाम"})
_MAX_NAME_WORDS = 4
_MAX_PLACE_WORDS = 2


def spaced_names(text: str, language: str) -> Iterator[Phrase]:
    """Yield runs of rare words and given names with a rare one among them, and the names of places."""
    words = [Word(match[0], match.start(), match.end()) for match in _WORD.finditer(text)]
    yield from _called(text, words, language)
    placed = {place[0].start: place for place in _places(text, words, language)}
    run: list[Word] = []
    index = 0
    while index < len(words):
        word = words[index]
        place = placed.get(word.start)
        if place:
            yield from _of_run(text, run, language)
            run = []
            yield Phrase(text[place[0].start : place[-1].end], PhraseKind.PLACE, "name after the word for a place")
            index += len(place)
            continue
        if run and (
            text[run[-1].end : word.start] != " " or len(run) == _MAX_NAME_WORDS or _is_and(word.text, language)
        ):
            yield from _of_run(text, run, language)
            run = []
        if (
            (is_given_name(word.text) and not _ends_name(run, word, language))
            or not _is_common(word.text, language)
            or _may_be_given(text, words, index, language)
            or (run and is_given_name(run[-1].text) and _is_double(word.text, language))
        ):
            run.append(word)
        else:
            yield from _of_run(text, run, language)
            run = []
        index += 1
    yield from _of_run(text, run, language)


def _is_and(word: str, language: str) -> bool:
    """Whether "and" is written together with a word that is no name: ويرسو, ועוגנת."""
    conjunction = {"ar": "و", "he": "ו"}.get(language, "\0")
    named = is_given_name(word) or word in ranks(language)
    return word.startswith(conjunction) and len(word) > _MIN_STEM and not named


def _may_be_given(text: str, words: list[Word], index: int, language: str) -> bool:
    """Whether a word that is not frequent precedes a rare one, as a given name precedes a family name."""
    word, after = words[index], words[index + 1 : index + 2]
    rank = ranks(language).get(word.text, 0)
    adjacent = bool(after) and text[word.end : after[0].start] == " "
    return rank > _MIN_GIVEN_RANK and adjacent and not _is_common(after[0].text, language)


def _of_run(text: str, run: list[Word], language: str) -> Iterator[Phrase]:
    while run and (_is_courtesy(run[0].text) or _is_trade(run)):
        run = run[1:]
    rare = [word for word in run if not _is_common(word.text, language)]
    if not rare and len(run) > 1 and is_given_name(run[0].text) and _is_double(run[1].text, language):
        yield Phrase(text[run[0].start : run[-1].end], PhraseKind.NAME, "given name with a double family name")
    if len(run) == 1 and _is_verb_or_thing(text, run[0], language):
        return
    if rare and len(run) > 1:
        yield Phrase(text[run[0].start : run[-1].end], PhraseKind.NAME, "rare words and given names")
        unlisted = [word for word in rare if not _is_listed(word.text, language)]
        person = any(is_given_name(word.text) for word in run) or (unlisted and len(rare) > 1)
        parts = rare if person else unlisted
        yield from (Phrase(word.text, PhraseKind.PART, "rare part of a name") for word in parts)
    elif rare and not _is_listed(rare[0].text, language):
        yield Phrase(rare[0].text, PhraseKind.NAME, "rare word")


def _is_verb_or_thing(text: str, word: Word, language: str) -> bool:
    """Whether a single rare word is a verb, or a thing with "and the" before it."""
    if language == "ar":
        verb = _opens_sentence(text, word) and _ARABIC_VERB.fullmatch(word.text)
        return bool(verb) or word.text.startswith(_AND_THE)
    if language == "he":
        passive = _opens_clause(text, word) and _HEBREW_PASSIVE.fullmatch(word.text)
        return bool(passive) or text[: word.start].endswith(_PRONOUNS)
    return language == "hi" and _HINDI_VERB.match(text, word.end) is not None


def _is_courtesy(word: str) -> bool:
    return word in _COURTESIES or _HEBREW_ABBREVIATION.fullmatch(word) is not None


def _is_trade(run: list[Word]) -> bool:
    """Whether a run begins with a trade before a given name: in Hebrew with an article, in Hindi with "-wale"."""
    trade = run[0].text.startswith("ה") or run[0].text.endswith(("वाले", "वाला", "वाली"))
    return trade and len(run) > 2 and is_given_name(run[1].text) and not is_given_name(run[0].text)


def _ends_name(run: list[Word], word: Word, language: str) -> bool:
    """Whether a frequent Hebrew word, a given name too, follows a whole name, as a verb does."""
    return language == "he" and len(run) > 1 and is_frequent(word.text, "he", _MIN_GIVEN_RANK)


def _is_double(word: str, language: str) -> bool:
    """Whether a word is two with a hyphen that is in no list, as a family name is after a given one."""
    return ("-" in word or "־" in word) and word not in ranks(language)


def _called(text: str, words: list[Word], language: str) -> Iterator[Phrase]:
    """Yield what follows a word for being called in Arabic and Hebrew, and what precedes one in Hindi."""
    named = {"ar": ARABIC_CALLED, "he": HEBREW_CALLED}.get(language)
    for index, word in enumerate(words):
        if named and named.search(text[max(0, word.start - _BEFORE_CHARS) : word.start]):
            name = _name_at(text, words[index : index + _MAX_CALLED_WORDS], language)
        elif language == "hi" and HINDI_CALLED.match(text, word.end):
            before = words[max(0, index - _MAX_CALLED_WORDS + 1) : index + 1]
            name = _name_at(text, before[::-1], language)[::-1]
        else:
            continue
        least = _MIN_HINDI_CALLED_RANK if language == "hi" else _MIN_CALLED_RANK
        rank = max((ranks(language).get(one.text, _MIN_CALLED_RANK + 1) for one in name), default=0)
        if name and not is_place(text[name[0].start : name[-1].end]) and rank > least:
            yield Phrase(
                text[name[0].start : name[-1].end], PhraseKind.NAME, "name beside a word for being called"
            )


def _name_at(text: str, words: list[Word], language: str) -> list[Word]:
    """Return the first of `words` up to a mark, a function word or a very frequent one."""
    name: list[Word] = []
    for word in words:
        apart = name and text[min(name[-1].end, word.end) : max(name[-1].start, word.start)] != " "
        frequent = is_frequent(word.text, language, _MAX_CALLED_RANK) and not is_given_name(word.text)
        if (
            apart
            or frequent
            or (name and _is_and(word.text, language))
            or word.text in _CALLED_AGAIN
            or is_function_word(word.text, language)
        ):
            break
        name.append(word)
    return name


def _opens_sentence(text: str, word: Word) -> bool:
    return not text[: word.start].rstrip(' "“«').rstrip() or text[: word.start].rstrip()[-1] in ".!?؟"


def _opens_clause(text: str, word: Word) -> bool:
    return _opens_sentence(text, word) or text[: word.start].endswith(", ")


def _places(text: str, words: list[Word], language: str) -> Iterator[list[Word]]:
    for index, word in enumerate(words):
        head = word.text
        if head not in _PLACE_WORDS and not any(stem in _PLACE_WORDS for stem in _stripped(head, language)):
            continue
        name: list[Word] = []
        for after in words[index + 1 : index + 1 + _MAX_PLACE_WORDS]:
            previous = name[-1] if name else word
            if text[previous.end : after.start] != " " or is_function_word(after.text, language):
                break
            if name and _is_common(after.text, language) and not _is_definite(after.text, language):
                break
            name.append(after)
        rare = any(not _is_common(part.text, language) for part in name)
        known = name and is_place(text[name[0].start : name[-1].end])
        if name and not known and (rare or len(name) > 1):
            yield name


def _is_definite(word: str, language: str) -> bool:
    return word.startswith({"ar": "ال", "he": "ה"}.get(language, "\0"))


def _is_common(word: str, language: str) -> bool:
    word = VOWEL_SIGNS.sub("", word)
    parts = re.split("[-־]", word)
    if len(parts) > 1:
        return all(len(part) < _MIN_STEM or _is_common(part, language) for part in parts) or is_place(word)
    if language == "he" and _HEBREW_ABBREVIATION.fullmatch(word):
        return True
    common = ranks(language)
    forms = [form for spelt in _spellings(word, language) for form in (spelt, *_stripped(spelt, language))]
    return any(form in common or form in _NOUNS or is_place(form) for form in forms)


def _is_listed(word: str, language: str) -> bool:
    """Whether a dictionary has the word, with or without what is written together with it at its beginning."""
    if language == "hi" and word.endswith(("वाला", "वाली", "वाले")):
        return True
    bare = VOWEL_SIGNS.sub("", word)
    prefixes = (prefix for prefix in PREFIXES.get(language, ()) if bare.startswith(prefix))
    return any(is_listed(form, language) for form in (bare, *map(bare.removeprefix, prefixes)))


def _spellings(word: str, language: str) -> list[str]:
    """Return the word as it is and as it is also spelt: a Hindi dot below or an Arabic hamza left out."""
    if language == "hi":
        return [word, word.replace("\u093c", ""), word.replace("\u093c", "").replace("\u0901", "\u0902")]
    if language == "ar":
        return [word, re.sub("[أإآ]", "ا", word)]
    return [word]


def _stripped(word: str, language: str) -> Iterator[str]:
    """Yield the word without each prefix and ending that its language writes together with it."""
    prefixes = ("", *(p for p in PREFIXES.get(language, ()) if word.startswith(p)))
    for prefix in prefixes:
        bare = word[len(prefix) :]
        if len(bare) < _MIN_STEM - 1:
            continue
        yield bare
        if language == "ar" and prefix in ("لل", "ولل"):
            yield "ال" + bare
        for suffix in _SUFFIXES.get(language, ()):
            shortest = _MIN_STEM - (suffix in _AFTER_SHORT_STEMS)
            if bare.endswith(suffix) and len(bare) - len(suffix) >= shortest:
                stem = bare[: -len(suffix)]
                yield stem
                if language == "ar":
                    yield stem + "ة"
                    yield "ال" + stem
                if language == "hi":
                    yield from (stem + "ा", stem + "ी")
                if language == "he":
                    yield from (stem + "ה", stem + "ת")
