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
    r") (?:(?:der|die|das|el|la|los|le|les|ο|η|το) )?$"
)
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
