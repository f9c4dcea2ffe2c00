"""Words after which somebody or something is named: called, nicknamed, heißt, s'appelle, зовут."""

from __future__ import annotations

import re

from guard.phrases.context import is_function_word

_CALLED = re.compile(
    r"(?<!\w)(?:named|nicknamed|dubbed|known as|goes by|answers to|calls (?:her|him|it)|alias|née|heißt|hieß"
    r"|heißen"
    r"|namens|nannte|genannt|getauft auf|auf den namen|s['’]appelle|s['’]appelait|appelée?|nommée?"
    r"|surnommée?|baptisée?|prénommée?|du nom de|se llama|se llamaba|llamad[oa]|apodad[oa]|bautizad[oa]"
    r"|de nombre|al que llaman|si chiama|chiamat[oa]|soprannominat[oa]|chama-se|chamad[oa]|apelidad[oa]"
    r"|nazywa(?:ł[ao]?)? się|o imieniu|imieniem|zwan[yae]|wabi się|na imię|przezwisko|przezywan[ya]"
    r"|pseudonim|nazwał[ai]?|зовут|звали|по имени|по прозвищу|по кличке|кличка|прозвище|прозвали|назвали"
    r"|называют|называ(?:ется|л[ао]?сь|лся)|псевдоним"
    r"|(?:spitzname|surnom|apodo|alias|soprannome|nickname|przezwisko|прозвище|παρατσούκλι)(?: \w{1,3})?"
    r" (?:war|ist|lautet|était|est|era|es|was|is|to|było|brzmiało|было|ήταν|είναι|è)"
    r"|call(?:ed|s) (?:him|her|it)|nann?ten? (?:ihn|sie|es)(?: d[enmi]\w{0,2})?"
    r"|l['’]appel(?:le|ait|aient|aient)|l[oa] llam(?:an?|aban?)|l[oa] apod(?:an?|aban?)"
    r"|nazywał[aiy]? (?:go|ją|je)|(?:звали|зовут|прозвали) (?:его|её|ее)"
    r"|(?:τον|την|τη) (?:φώναζαν|φωνάζουν|έλεγαν|λένε)|λέγεται|λέγονται|ονομάζεται|με το όνομα"
    r"|τον φωνάζουν|τη φωνάζουν|adı|ismi|lakabı|takma adı|heet|heette|genaamd|heter|hette"
    r"|rief(?:en)? (?:ihn|sie)|дразнил[аи]? (?:его|её|ее)|przezywano (?:go|ją)"
    r"|(?:nicknamed|dubbed|called) (?:the|his|her|their|my|our) \w+"
    r"|(?:is|was|are|were|being|been|just|simply|only) called"
    r"|(?:heißt|hieß|heißen|hießen|nennt|nannten?|nennen)(?: \w+){0,4} (?:nur|bloß|einfach|auch|immer"
    r"|stets)(?: noch)?"
    r"|(?:nickname|sobriquet|pet name|spitzname|kosename|künstlername|surnom|sobriquet|apodo|mote"
    r"|sobrenombre|alias"
    r"|soprannome|apelido|przezwisk\w+|ksyw\w+|pseudonim\w*|прозвищ\w+|кличк\w+|псевдоним\w*|παρατσούκλι|ψευδώνυμο"
    r"|bijnaam|smeknamn)(?:[^.!?;:,]{0,24}:)?"
    r"|(?:l[aeo]s? )?(?:dicen|decían|dice|decía)|responde al nombre de|(?:bajo|con) el nombre de|répond au nom de"
    r"|sous le nom de|hört auf|mówi(?:ą|ł[ay]?|li|ła) na (?:niego|nią|nich)|mówi(?:ą|li|ł[aiy]?) (?:mu|jej|im)"
    r"|откликается на(?: имя)?|на имя|(?:кличут|величают|дразнят)(?: (?:его|её|ее))?|by the name of|answers to"
    r"|(?:nannten?|nennt|nennen) (?:ihn|sie|es)|απαντά στο όνομα|ακούει στο όνομα"
    r")(?: (?:nur|bloß|einfach|schlicht|immer|überall|alle|partout|toujours|simplement|tous|simplemente"
    r"|siempre|todos"
    r"|solo|просто|только|все|всегда|обычно|po prostu|zawsze|tylko|wszyscy|απλά|απλώς|μόνο|όλοι|just"
    r"|simply|only|always))?"
    r" (?:(?:der|die|den|das|el|la|los|le|les|ο|η|το) )?$"
)
CHINESE_CALLED = re.compile(
    r"(?:(?P<nickname>外号|绰号|昵称|小名|艺名|笔名|網名|网名|外號|綽號|暱稱)(?:是|叫|为|為)?|名叫|名为|名為|叫做|叫作|取名|人称|人稱"
    r"|叫[他她它]|叫)(?P<name>[\u3400-\u9fff]{2,10})"
)
"""In Chinese, with the name that follows."""
CHINESE_ROLE = re.compile(
    "律师|医生|医师|教师|老师|护士|工程师|司机|记者|邻居|丈夫|妻子|儿子|女儿|哥哥|弟弟|姐姐|妹妹|同事|同学|朋友|经理|会计|警察|作家|画家|导演|演员"
    "|厨师|农民|老板|店主|市长|校长|教授|法官|侦探|诗人|歌手|队长|学生|表哥|表妹|表弟|表姐|祖父|祖母|爷爷|奶奶|外公|外婆|叔叔|阿姨|先生|太太"
    "|律師|醫生|護士|鄰居|老師|教師|記者|兒子|女兒|經理|會計|畫家|導演|演員|廚師|農民|老闆|市長|校長|詩人|遇见|遇見|认识|認識|嫁给|嫁給|献给|獻給|师傅|師傅|木匠|铁匠|鐵匠"
    "|裁缝|裁縫|石匠|渔夫|漁夫|渔民|主任|院长|院長|店长|店長|秘书|秘書|翻译|翻譯|编辑|編輯"
    "|摄影师|攝影師|设计师|設計師|建筑师|建築師|药剂师|藥劑師|理发师|理髮師|牙医|牙醫|兽医|獸醫|保姆|邮递员|郵遞員|房东|房東|室友|同桌|搭档|未婚妻|未婚夫|前妻|前夫"
    "|女婿|儿媳|岳父|岳母|舅舅|姑姑|姑妈|姨妈|伯父|侄子|侄女|外甥|孙子|孫子|孙女|孫女|学徒|學徒|徒弟|恩师|恩師|导师|導師|船长|船長|村长|村長|镇长|鎮長|书记|書記|助产士"
    "|作曲家|小说家|小說家|钢琴家|歌唱家|舞蹈家|雕塑家|书法家|書法家|发明家|物理学家|化学家|历史学家|艺术家|探险家|馆长|館長|班主任|教练|教練|养父|养母|继父|继母|母亲|父亲"
)
"""In Chinese, what somebody is, or "met", before a name."""
JAPANESE_CALLED = re.compile(
    r"を([\u3041-\u30fa\u30fc\u3400-\u9fff]{2,12}?)と(?:呼|名付|あだ名)"
    r"|(?:名前|名|愛称|あだ名|芸名|筆名)は([\u3041-\u30fa\u30fc\u3400-\u9fff]{2,10}?)(?=で|だ|です|と|、|。|$)"
)
"""In Japanese, with the name."""
ARABIC_CALLED = re.compile(
    r"(?<!\w)(?:(?:و|ف)?(?:اسم ال\w+|يسمى|تسمى|يُسمى|سُمي|اسمه|اسمها|يدعى|تدعى|يُدعى|تُدعى|لقبه|لقبها|كنيته|كنيتها"
    r"|ينادونه|ينادونها|يسمونه|يسمونها|سماه|سمّاه|سمّاها"
    r"|سموه|أسموه|المسماة|المسمى|المسمّى|باسم) |(?:الملقب|الملقبة|الملقّب"
    r"|المعروف|المعروفة|يلقب|تلقب|يُلقّب|يلقّب|لقبوه|لقّبوه|اشتهر) ب)$"
)
"""In Arabic, before a name."""
HEBREW_CALLED = re.compile(
    r"(?<!\w)(?:ו|ש)?(?:קראו ל[וה]|קוראים ל[וה]|קורא(?:ת)? ל[וה]|מכנים אות[וה]|כינו אות[וה]|המכונה|מכונה|כינוי[וה]"
    r"|הכינוי|בשם"
    r"|בכינוי|בתור|שם ה\w+(?: הוא| היא)?|שמ[וה]|נקרא(?:ת)?|הידועה? בשם) $"
)
"""In Hebrew, before a name."""
HINDI_CALLED = re.compile(
    r" (?:कहकर (?:बुला|पुकार)|के नाम से|नाम से|नाम (?:का|की|के) |कहते (?:हैं|थे)|बुलाते (?:हैं|थे)"
    r"|पुकारते (?:हैं|थे)|उपनाम से)"
)
"""In Hindi, after a name."""
_CALLED_CHARS = 40
# In other languages the last words of a name may be small: La Corteza feliz.
_CAPITALS_THROUGHOUT = frozenset({"en", "de", "tr"})
_SMALL_END = re.compile(r"(?: [^\W\d_]{3,}){1,2}(?=[.,;!?]|$)")


def follows_called(text: str, start: int) -> bool:
    """Whether a word for being called precedes what begins at `start`."""
    return _CALLED.search(text[max(0, start - _CALLED_CHARS) : start].lower()) is not None


def small_end(text: str, end: int, language: str) -> str:
    """Return the words in small letters with which a name goes on after `end`, up to a comma or full stop."""
    small = None if language in _CAPITALS_THROUGHOUT else _SMALL_END.match(text, end)
    if small is None or any(is_function_word(word, language) for word in small[0].split()):
        return ""
    return small[0]
