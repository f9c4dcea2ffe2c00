"""People with names of common words, and firms, that a courtesy, a preposition or the word for a firm shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from guard.phrases.context import is_frequent, is_function_word, is_given_name, is_place
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.lexicon import family_names, ranks, simplified
from guard.text.segmentation import segments_of

_HAN = r"\u3400-\u9fff"
_CHINESE_TITLE = re.compile(
    "老师|先生|女士|小姐|太太|师傅|医生|大夫|教授|律师|经理|主任|阿姨|叔叔|爷爷|奶奶|同学|校长"
    "|博士|导演|教练|队长|警官|法官|护士长"
    "|老師|師傅|醫生|律師|經理|爺爺|同學|校長|導演|教練|隊長"
)
_CHINESE_FIRM = re.compile(
    rf"[办开創创立建营營辦開](?:了|办了?|立了?|設了?|设了?|過|过|起)?(?:一[家个間间]|自己的|这家"
    rf"|那家)?(?:叫|名叫|名为)?"
    rf"(?P<name>[{_HAN}]{{3,12}}?(?:工作室|公司|书店|書店|咖啡馆|餐厅|饭馆|面馆|酒吧|茶馆|网店"
    rf"|画廊|农场|乐队|杂货店|花店|诊所|旅馆|民宿|作坊|商店|俱乐部"
    rf"|剧团|培训班|出版社|工厂))"
)
_CHINESE_CALLED = re.compile(
    rf"(?:管[^，。]{{1,4}}叫做?|都叫[他她它]|[人自]称|[店船狗猫鸟馬马队社厂铺坊]叫做?|取名叫?"
    rf"|起名叫?|称[他她它]为|绰号[是叫]|外号[是叫])"
    rf"(?P<name>[{_HAN}]{{3,9}})(?=[，。、；！？,.;]|$)"
)
_CHINESE_VILLAGE = re.compile(
    r"(?:住在|生于|出生于|出生在|生在|来自|老家[是在]|搬到|搬去|家在|回到|嫁到)"
    rf"(?P<name>[{_HAN}]{{2,4}}[村沟溝屯庄莊坳坪峪寨镇鎮乡鄉巷弄桥橋湾灣岭嶺坡塘])(?=[，。、；！？,.;的\n]|$)"
)
_NO_VILLAGE = frozenset("小大老新一这那个某同本附边山乡农")
_NOT_A_NAME = re.compile(
    "很|非常|最|比较|漂亮|著名|知名|[新小大老好]的|[一二三两几每这那]|自己|大型|小型|有限|科技|贸易"
)
# In no name before a courtesy, also where they are family names.
_NO_PART = frozenset("叫他她它的了是在说這这那都也很把被给給和与與及跟同从從向有于於时時经經能来來由")
_JAPANESE_PERSON = re.compile(
    rf"(?<![{_HAN}])(?P<family>[{_HAN}々ヶ]{{1,4}})(?P<given>[\u3041-\u3096]{{2,4}}?"
    rf"|[\u30a1-\u30fa\u30fc]{{2,5}})"
    r"(?P<title>先生|さん|氏|様|君|くん|ちゃん|師匠|博士|教授|監督|女史|選手|医師|社長|部長|夫妻)"
)
_JAPANESE_FIRM = re.compile(
    rf"(?:株式会社|有限会社|合同会社|合資会社|財団法人|社団法人|株）|協同組合)"
    rf"(?P<name>[\u3041-\u30fa\u30fc{_HAN}々]{{2,12}}?)(?=[、。「『（,\n]|(?:の|に|で|が|は|を|へ"
    rf"|と)(?![\u3041-\u3096]{{2}})|で|$)"
)
_WORD = re.compile(
    r"[^\W\d_](?:[^\W\d_]|[\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u200c\u200d]"
    r"|['’\"״׳־-](?=[^\W\d_]))*['׳]?"
)
_COURTESIES: Mapping[str, frozenset[str]] = {
    "ar": frozenset(
        "الأستاذ الأستاذة الدكتور الدكتورة السيد السيدة الشيخ الشيخة الحاج الحاجة المهندس المهندسة الآنسة"  # noqa: SIM905
        " المعلم المعلمة"
        " الأسطى العم الخال العمة الخالة القاضي المحامي المحامية الشاعر الشاعرة الفنان الفنانة الكابتن"
        " المدرب العقيد"
        " النقيب الطبيب الطبيبة الكاتب الكاتبة الممرضة الراهبة الأب الأخت".split()
    ),
    "he": frozenset(
        "מר גב' גברת ד\"ר פרופ' פרופסור דוקטור הרב הרבנית אצל עו\"ד השכן השכנה המורה הרופא הרופאה דודה דוד סבא"  # noqa: SIM905
        " סבתא האחות"
        " המאמן המאמנת השחקן השחקנית הזמר הזמרת הסופר הסופרת המשורר המשוררת הצייר הציירת השופט השופטת הנגר"
        " הסנדלר".split()
    ),
    "hi": frozenset(
        "उस्ताद पंडित श्री श्रीमती डॉ डॉक्टर प्रोफ़ेसर प्रोफेसर सुश्री मास्टर बाबू ठाकुर मौलवी वैद्य हकीम"  # noqa: SIM905
        " कुमारी गुरु आचार्य"
        " कैप्टन वकील जज इंस्पेक्टर स्वामी सेठ लाला".split()
    ),
}
# After these in Hebrew a verb follows as well as a name, so a name begins with a given one.
_HEBREW_NAMES_ALWAYS = frozenset("מר גב' גברת ד\"ר פרופ' עו\"ד".split())  # noqa: SIM905
_KUNYA = re.compile(r"(?<!\w)(?P<prefix>[وفبل]?)(?P<name>(?:أبو|أبي|أبا|ابو|أم|ام) (?P<of>ال\w{2,}|\w{3,}))")
_ADDRESS = re.compile(
    r"(?:\n|पता:?|[,।] |^) ?,? ?((?:[^\s,।\n]+ ){1,3}(?:गली|मार्ग|रोड|लेन|चौक|मोहल्ला|नगर"
    r"|कॉलोनी|टोला|पथ|बाग))(?=[,।\s]|$)"
)
# The name of the cat is Y.
_HINDI_NAME = re.compile(r"(?<!\w)नाम (?P<name>(?:[^\s,।\n]+ ){0,2}[^\s,।\n]+) (?:है|था|थी|रखा|पड़ा|हैं|थे)(?!\w)")
_MIN_NAME_RANK = 300
# Whom somebody married.
_MARRIED: Mapping[str, re.Pattern[str]] = {
    "ar": re.compile(r"(?<!\w)(?:و|ف)?(?:تزوجت?|اقترنت?|طلقت?|خطبت?)(?: من| بـ)? (?P<name>\w{2,} \w{3,})"),
    "he": re.compile(
        r"(?<!\w)(?:לאישה את|(?:ה?תחתנ?[הו]?|התגרש[הו]?|התארס[הו]?|נישא[הו]?) עם) "
        r"(?P<name>[^\W\d_]{2,} [^\W\d_]{2,})"
    ),
    "hi": re.compile(
        r"(?<!\w)(?:शादी|विवाह|ब्याह|सगाई|तलाक) (?P<name>[^\s,।]+ [^\s,।]+) (?:से|के साथ)(?!\w)"
        r"|(?P<before>[^\s,।]+ [^\s,।]+) (?:से|के साथ) (?:शादी|विवाह|ब्याह|सगाई)(?!\w)"
    ),
    "ja": re.compile(rf"(?<![{_HAN}])(?P<name>[{_HAN}々]{{1,4}}[\u3041-\u3096]{{2,4}})と(?:結婚|婚約|離婚|再婚)"),
    "th": re.compile(
        r"(?:แต่งงานกับ|สมรสกับ|หมั้นกับ|หย่ากับ|ภรรยาคือ"
        r"|สามีคือ)(?P<name>[\u0e01-\u0e3a\u0e40-\u0e4e]{3,20} [\u0e01-\u0e3a\u0e40-\u0e4e]{3,20})(?= |$)"
    ),
}
# Who somebody is to somebody, before a name that begins with a given one.
_KIN: Mapping[str, frozenset[str]] = {
    "ar": frozenset(
        f"{word}{whose}"
        for word in ("ابن ابنت زوج زوجت أخو أخت والد والدت صديق صديقت جار جارت خطيب خطيبت حفيد حفيدت").split()  # noqa: SIM905
        for whose in ("ه", "ها", "هما", "هم", "ي")
    ),
    "he": frozenset(
        "בנו בנה בנם בתו בתה בתם אחיו אחיה אחותו אחותה אשתו בעלה אביו אביה אמו אמה דודו דודה נכדו"  # noqa: SIM905
        " נכדה חברו חברתה שכנו שכנתה"
        " ארוסתו ארוסה גיסו חמותו בנותיהם".split()
    ),
    "hi": frozenset("बेटा बेटी बेटे पति पत्नी भाई बहन पिता माँ मां दादा दादी नाना नानी दोस्त सहेली पड़ोसी दामाद बहू".split()),  # noqa: SIM905
}
_MAX_NAME_WORDS = 3
_BEFORE_CHARS = 8
_MIN_MARRIED_RANK = 700
_MIN_OF_RANK = 300
_MIN_HINDI_RANK = 600


def people_and_firms(text: str, language: str) -> Iterator[Phrase]:
    """Yield such names in a text, outside of quotation marks, of a script without capitals."""
    if language in _FINDERS:
        yield from _FINDERS[language](text)
    if language in _MARRIED:
        for match in _MARRIED[language].finditer(text):
            name = next(filter(None, match.groups()))
            words = name.split()
            function = any(is_function_word(word, language) or is_place(word[1:]) for word in words)
            frequent = all(is_frequent(word, language, _MIN_MARRIED_RANK) for word in words)
            if not (function or frequent or is_place(name)):
                yield Phrase(name, PhraseKind.NAME, "whom somebody married")


def _chinese(text: str) -> Iterator[Phrase]:
    families, known = family_names("zh"), ranks("zh")
    for match in _CHINESE_TITLE.finditer(text):
        run = re.search(f"[{_HAN}]*$", text[max(0, match.start() - _BEFORE_CHARS) : match.start()])
        before = run[0] if run else ""
        starts = {part.start for part in segments_of(before, "zh")}
        for length in (3, 2):
            start = len(before) - length
            name = before[start:] if start >= 0 else ""
            plain = name.translate(simplified())
            if (
                name[:1] not in families
                or not _NO_PART.isdisjoint(name)
                or start not in starts
                or plain in known
                or is_place(plain)
            ):
                continue
            given = segments_of(name[1:], "zh")
            if length == 2 and known.get(plain[1:], 10_000) < 500:
                continue
            if len(given) <= length - 1:
                yield Phrase(name, PhraseKind.NAME, "family and given name before a courtesy")
                break
    yield from _called_in_chinese(text)
    for match in _CHINESE_FIRM.finditer(text):
        core = match["name"]
        if "的" in core.rstrip("的") and not _NOT_A_NAME.search(core) and not core.startswith("的"):
            yield Phrase(core, PhraseKind.NAME, "name of a firm after its foundation")


def _called_in_chinese(text: str) -> Iterator[Phrase]:
    for match in _CHINESE_CALLED.finditer(text):
        if match["name"].translate(simplified()) not in ranks("zh") and not match["name"].endswith("的"):
            yield Phrase(match["name"], PhraseKind.NAME, "name after the word for being called")
    for match in _CHINESE_VILLAGE.finditer(text):
        name = match["name"]
        known = name.translate(simplified()) in ranks("zh") or is_place(name) or is_place(name[:-1])
        if not known and name[0] not in _NO_VILLAGE:
            yield Phrase(name, PhraseKind.PLACE, "name of a village after the word for living there")


def _japanese(text: str) -> Iterator[Phrase]:
    families = family_names("ja")
    for match in _JAPANESE_PERSON.finditer(text):
        if match["family"] in families and not is_frequent(match["given"], "ja", 300):
            yield Phrase(
                match["family"] + match["given"], PhraseKind.NAME, "family and given name before a courtesy"
            )
    for match in _JAPANESE_FIRM.finditer(text):
        if match["name"][0] not in "のはがをにで" and not is_frequent(match["name"], "ja"):
            yield Phrase(match["name"], PhraseKind.NAME, "name after the word for a firm")


def _spaced(text: str, language: str) -> Iterator[Phrase]:
    """Yield what follows a courtesy: two words or more, also common ones."""
    words = list(_WORD.finditer(text))
    for index, word in enumerate(words):
        kin = word[0] in _KIN[language]
        if not kin and word[0] not in _COURTESIES[language]:
            continue
        name: list[re.Match[str]] = []
        previous = word
        for after in words[index + 1 : index + 1 + _MAX_NAME_WORDS]:
            gap = text[previous.end() : after.start()]
            if gap not in (" ", ". ") or _ends_name(after[0], language, bool(name)):
                break
            if len(name) == 2 and (kin or is_frequent(after[0], language) or language != "hi"):
                break
            name.append(after)
            previous = after
        given = bool(name) and (is_given_name(name[0][0]) or language == "hi" or word[0] in _HEBREW_NAMES_ALWAYS)
        if kin:
            given = bool(name) and is_given_name(name[0][0])
        if (
            len(name) > 1
            and (given or (language == "ar" and not kin))
            and not is_place(text[name[0].start() : name[-1].end()])
        ):
            yield Phrase(text[name[0].start() : name[-1].end()], PhraseKind.NAME, "two words after a courtesy")


def _ends_name(word: str, language: str, begun: bool) -> bool:
    if is_function_word(word, language) or (language == "hi" and is_frequent(word, "hi", _MIN_HINDI_RANK)):
        return True
    if language == "ar":
        rest = word[1:]
        return (word[0] in "بوف" and (is_place(rest) or is_function_word(rest, "ar"))) or (
            begun and is_frequent(word, "ar", 1_000) and not is_given_name(word)
        )
    if language == "he":
        return begun and is_frequent(word, "he", 1_500) and not is_given_name(word)
    return False


def _arabic(text: str) -> Iterator[Phrase]:
    yield from _spaced(text, "ar")
    for match in _KUNYA.finditer(text):
        name, of = match["name"], match["of"]
        if not is_place(name) and not is_frequent(of, "ar", _MIN_OF_RANK) and not is_function_word(of, "ar"):
            yield Phrase(name, PhraseKind.NAME, "father or mother of")


def _hindi(text: str) -> Iterator[Phrase]:
    yield from _spaced(text, "hi")
    for match in _ADDRESS.finditer(text):
        if not is_place(match[1]):
            yield Phrase(match[1], PhraseKind.PLACE, "name of a street after a number")
    for match in _HINDI_NAME.finditer(text):
        words = match["name"].split()
        if not any(is_function_word(word, "hi") or is_frequent(word, "hi", _MIN_NAME_RANK) for word in words):
            yield Phrase(match["name"], PhraseKind.NAME, "name after the word for a name")


_FINDERS: Mapping[str, Callable[[str], Iterator[Phrase]]] = {
    "zh": _chinese,
    "ja": _japanese,
    "ar": _arabic,
    "he": lambda text: _spaced(text, "he"),
    "hi": _hindi,
}
