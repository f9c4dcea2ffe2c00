"""Names beside the word for a prize, firm, band, school or hamlet, in scripts without capitals.

And the names of streets and prizes in scripts with capitals, where common words with a capital make one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from guard.phrases.context import is_frequent, is_function_word, is_listed, is_place, lowered
from guard.phrases.institutions import is_known
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import family_names, ranks
from guard.text.segmentation import Segment, segments_of
from guard.text.words import Word

_RARE = 1 << 30
# Words of a name are of this rank or rarer ones, one of them by far.
_MIN_WORD_RANK = 3_000
_MIN_HINDI_RANK = 1_500
_MIN_ADJECTIVE_RANK = 100
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
# Digits are line ends here.
_CHINESE_STREET = re.compile(
    rf"(?<=[市区區县縣镇鎮州])((?:(?![市区區县縣镇鎮州])[{_HAN}]){{2,5}}[弄里坊巷街路道])(?=[\n\d])"
)
_MAX_CHINESE_CHARS = 8
# A single character of this rank or a rarer one is no word before another.
_MIN_CHAR_RANK = 2_000
_JAPANESE = re.compile(
    rf"(?P<first>[{_HAN}々ヶ]{{2,6}})[\u30a1-\u30fa\u30fc]{{2,10}}(?P<kind>製作所|製造所|工業|工務店|商店|商会|商事|会社|工場|興業|建設|店|堂|社|園|館|賞|隊|団)"
)
_CAPITAL = r"[A-ZÀ-ÞŒ][^\W\d_]+"
# Digits are line ends here.
_GERMAN_STREET = re.compile(
    r"(?<!\w)((?:[AI]m|[ai]m(?= \w{9})|Zum|Zur|Unter den|(?:An|Auf|In|Hinter|Bei|Vor) de[rmn]) "
    rf"(?:{_CAPITAL} ){{0,2}}{_CAPITAL}"
    rf"|{_CAPITAL}e[rnms]? {_CAPITAL}(?:gasse|straße|weg|allee|platz|ufer|steig|stieg|damm|graben|hof)"
    rf"|{_CAPITAL}(?:gasse|straße|weg|allee|platz|ufer|steig|stieg|damm|graben|hof|twiete))"
    r"(?= \n+[a-z]?(?:[,.;)]| in | bei |$))"
)
_GERMAN_PAIR = re.compile(
    r"(?<!\w)(?:der|die|das|den|dem|des|vom|zum|zur|im|am|beim|ins|ans) "
    rf"(?P<name>(?P<stem>{_CAPITAL}?)(?P<ending>e|en|er|es|em) (?P<noun>{_CAPITAL}(?:-{_CAPITAL})*))"
)
_STREET_ENDINGS = ("gasse", "straße", "weg", "allee", "platz", "ufer", "steig", "damm", "graben", "hof", "twiete")
_ADJECTIVE_ENDINGS = ("e", "en", "er", "es")
_MIN_FORMS = 3
_OF = r"(?:de la |de las |de los |du |des |de l['’]|de |d['’]|del |della |dei |do |da |dos |das )"
_STREET = re.compile(
    r"(?i:(?<!\w)(?:rue|impasse|allée|chemin|quai|ruelle|passage|venelle"
    r"|calle|callejón|avenida|paseo|travesía|via|vicolo|viale|rua|travessa)) "
    rf"{_OF}?({_CAPITAL}(?:[- ](?:(?:de|du|des|del|la|le|l['’]|y|et)[- ])?{_CAPITAL})*)"
)
_PRIZE = re.compile(
    rf"(?<!\w)(?:prix|médaille|premio|medalla|medaglia|prêmio|medalha) "
    rf"{_OF}?({_CAPITAL}(?: (?:de |d['’]|di )?[^\W\d_]{{3,}})?)"
)
_KNOWN_PRIZES = frozenset(
    "Nobel Goncourt Femina Médicis Renaudot Cervantes Planeta Pulitzer Goya Strega Camões Jabuti César".split()  # noqa: SIM905
)
_SPACED_WORD = re.compile(
    r"[^\W\d_](?:[^\W\d_]|[\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u200c\u200d]|['’\"״׳־-](?=[^\W\d_]))*"
)
_JAPANESE_STREET = re.compile(rf"(?<![{_HAN}])([{_HAN}]{{2,4}}通り)(?=[一二三四五六七八九十\n\d])")
_JAPANESE_WOMAN = re.compile(
    rf"(?P<family>(?<![{_HAN}])[{_HAN}]{{2,3}})[\u3041-\u3096]{{2,3}}[江子美代枝恵緒乃香奈]"
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
_HINDI_OF = frozenset({"का", "की", "के", "वाली", "वाला", "वाले"})
# For spinning: the trade of a firm.
_FOR = "لل"
_PREFIXES = {"ar": ("وال", "بال", "لل", "ال", "و", "ب", "ل", "ف"), "he": ("וה", "ה", "ב", "ל", "מ", "ו", "ש", "כ")}


def organisations(text: str, language: str) -> Iterator[Phrase]:
    """Yield the names beside such a word; nothing in scripts with capitals."""
    if language in _KINDS_BEFORE:
        yield from _after_kind(text, language)
    elif language in _FINDERS:
        yield from _FINDERS[language](text)


def streets_and_prizes(text: str, language: str) -> Iterator[Phrase]:
    """Yield the names of streets and prizes of common words, in German and the Romance languages."""
    if language == "de":
        for match in _GERMAN_STREET.finditer(text):
            words = match[1].split()
            first = next((words[0][: -len(end)] for end in _STREET_ENDINGS if words[0].endswith(end)), "")
            common = len(words) == 1 and lowered(first, "de") in ranks("de")
            if not common and not is_place(words[-1]) and not all(is_frequent(word, "de") for word in words):
                yield Phrase(match[1], PhraseKind.PLACE, "name of a street")
        for match in _GERMAN_PAIR.finditer(text):
            if _is_german_name(text, match):
                yield Phrase(match["name"], PhraseKind.NAME, "adjective with a capital and a noun")
    elif language in ("fr", "es", "it", "pt"):
        for match in _STREET.finditer(text):
            words = match[1].replace("-", " ").split()
            named = len(words) > 1 and not is_place(match[1])
            if named and not all(is_frequent(word, language) for word in words):
                yield Phrase(match[1], PhraseKind.PLACE, "name of a street")
        for match in _PRIZE.finditer(text):
            words = match[1].split()
            if words[0] in _KNOWN_PRIZES:
                continue
            named = len(words) > 1 and not any(is_function_word(word, language) for word in (words[0], words[-1]))
            if named and not is_place(match[1]) and not all(is_frequent(word, language) for word in words):
                yield Phrase(match[1], PhraseKind.NAME, "name of a prize")


def _is_german_name(text: str, match: re.Match[str]) -> bool:
    """Whether an adjective has a capital for no other reason than that it begins a name: den Goldenen Löffel."""
    stem, noun, known = lowered(match["stem"], "de"), match["noun"], ranks("de")
    forms = [stem + ending for ending in _ADJECTIVE_ENDINGS]
    adjective = sum(form in known or is_listed(form, "de") for form in forms) >= _MIN_FORMS
    run = [
        Word(match["stem"] + match["ending"], match.start("stem"), match.end("ending")),
        Word(noun, match.start("noun"), match.end()),
    ]
    return (
        adjective and not stem.endswith("isch") and not is_frequent(noun, "de") and not is_known(text, run, "de")
    )


def _chinese(text: str) -> Iterator[Phrase]:
    for match in _CHINESE_STREET.finditer(text):
        if not is_place(match[1]) and not is_frequent(match[1][:-1], "zh"):
            yield Phrase(match[1], PhraseKind.PLACE, "name of a street before a number")
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
    for match in _JAPANESE_STREET.finditer(text):
        if match[1][:-2] not in family_names("ja") and not is_frequent(match[1], "ja"):
            yield Phrase(match[1], PhraseKind.PLACE, "name of a street before a number")
    for match in _JAPANESE_WOMAN.finditer(text):
        if match["family"] in family_names("ja"):
            yield Phrase(match[0], PhraseKind.NAME, "family name with a given name")
    for match in _JAPANESE.finditer(text):
        first = match["first"]
        named = first in family_names("ja") or first not in ranks("ja")
        if named and not is_place(first):
            yield Phrase(match[0], PhraseKind.NAME, "family name with goods and the word for a firm")


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
            article = {"ar": "ال", "he": "ה"}[language]
            # A definite adjective after a definite noun may be a frequent word.
            agrees = bool(name) and name[-1][0].startswith(article) and after[0].startswith(article)
            frequent = _rank(after[0], language) < (_MIN_ADJECTIVE_RANK if agrees else _MIN_WORD_RANK)
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
            if len(name) > 1:
                parts = (one[0] for one in rare if not is_listed(_bare(one[0], language), language))
                yield from (Phrase(part, PhraseKind.PART, "rare part of a name") for part in parts)


def _has_form(word: str, listed: list[str], language: str) -> str:
    """Return the listed word that `word` is, with or without a prefix."""
    bare = [word, *(word[len(prefix) :] for prefix in _PREFIXES[language] if word.startswith(prefix))]
    return next((one for one in bare if one in listed), "")


def _bare(word: str, language: str) -> str:
    """Return the word without the article that is written together with it."""
    return word.removeprefix({"ar": "ال", "he": "ה"}[language])


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
        for before in reversed(words[max(0, index - _MAX_NAME_WORDS) : index]):
            following = name[0] if name else word
            # Of: चाँदी की चिड़िया पुरस्कार.
            if before[0] in _HINDI_OF and len(name) == 1 and text[before.end() : name[0].start()] == " ":
                name.insert(0, before)
                continue
            frequent = _rank(before[0], "hi") < _MIN_HINDI_RANK
            if text[before.end() : following.start()] != " " or is_function_word(before[0], "hi") or frequent:
                break
            name.insert(0, before)
        while name and name[0][0] in _HINDI_OF:
            name = name[1:]
        if len(name) > 1 and not is_place(text[name[0].start() : name[-1].end()]):
            yield Phrase(
                text[name[0].start() : name[-1].end()], PhraseKind.NAME, "name before an organisation's word"
            )


_FINDERS: Mapping[str, Callable[[str], Iterator[Phrase]]] = {
    "zh": _chinese,
    "ja": _japanese,
    "hi": _hindi,
}
