"""Which language a text is written in, by its script and its commonest words."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from guard.text.lexicon import frequent_words, ranks

_SCRIPTS = {
    "latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
    "cyrillic": "\u0400-\u052f",
    "arabic": "\u0600-\u06ff\u0750-\u077f",
    "kana": "\u3040-\u30ff",
    "han": "\u3400-\u9fff\U00020000-\U0003ffff",
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "he": "\u0590-\u05ff",
    "hi": "\u0900-\u097f",
    "bn": "\u0980-\u09ff",
    "th": "\u0e00-\u0e7f",
    "ko": "\uac00-\ud7a3\u1100-\u11ff",
}
_SCRIPT = re.compile("|".join(f"(?P<{name}>[{letters}])" for name, letters in _SCRIPTS.items()))
# Letters that hardly any other language of the script has; each counts as a word.
_OWN_LETTERS = {
    "de": "ß",
    "es": "ñ¿¡",
    "fr": "œ",
    "pl": "łśźżńćęą",
    "tr": "ğşı",
    "cs": "řůěť",
    "hu": "őű",
    "ro": "țșşţă",
    "pt": "ãõ",
    "uk": "іїєґ",
    "fa": "پچژگ",
    "ur": "ٹڈڑںے",
    "vi": "ơưđạảấầẩậắằặẹẻẽếềệỉịọỏốồộớờợụủứừựỳỵ",
}
_SHARED = {
    "latin": (
        "en",
        "de",
        "fr",
        "es",
        "it",
        "pt",
        "nl",
        "sv",
        "da",
        "nb",
        "fi",
        "pl",
        "cs",
        "hu",
        "ro",
        "ca",
        "tr",
        "vi",
        "id",
    ),
    "cyrillic": ("ru", "uk", "bg"),
    "arabic": ("ar", "fa", "ur"),
}
_WORD = re.compile(r"[^\W\d_]+")
# Addresses and codes, which are in no language.
_CODE = re.compile(r"(?<![A-Za-z0-9._%+:/-])[A-Za-z0-9._%+:/-]{0,64}[@\d][A-Za-z0-9@._%+:/-]*")
_CODE_SIGN = re.compile(r"[@\d]")
_MAX_CHARS = 2_000
# Languages whose scores are so close to the best are compared by their whole lists, so many at most.
_CLOSE = 1.0
_MAX_CLOSE = 3
# A han text with this share of kana is Japanese.
_MIN_KANA_SHARE = 0.05


def language_of(text: str) -> str:
    """Return the code of the language, as in `lexicon.LANGUAGES`; English for Latin text without a hint.

    The beginning of a long text decides. It takes tens of microseconds.
    """
    text = text[:_MAX_CHARS]
    if _CODE_SIGN.search(text):
        text = _CODE.sub(" ", text)
    if text.isascii():
        return _by_words(text, _SHARED["latin"])
    letters = Counter(match.lastgroup for match in _SCRIPT.finditer(text))
    if not letters:
        return "en"
    east_asian = letters["han"] + letters["kana"]
    script = letters.most_common(1)[0][0] or "latin"
    if script in ("han", "kana") or east_asian > letters["latin"] > 0 == letters["ko"]:
        return "ja" if letters["kana"] > _MIN_KANA_SHARE * east_asian else "zh"
    return _by_words(text, _SHARED[script]) if script in _SHARED else script


def _by_words(text: str, languages: tuple[str, ...]) -> str:
    lower = text.lower()
    words, weights = _WORD.findall(lower), _weights()
    scores = dict.fromkeys(languages, 0.0)
    for word in words:
        for language, weight in weights[word].items() if word in weights else ():
            if language in scores:
                scores[language] += weight
    for language, own in _OWN_LETTERS.items() if not lower.isascii() else ():
        if language in scores:
            scores[language] += sum(lower.count(letter) for letter in own)
    best = max(scores.values())
    if best == 0:
        return languages[0]
    close = [language for language in languages if scores[language] >= best - _CLOSE]
    if len(close) > 1:
        default = close[:1] if close[0] == languages[0] else []
        nearest = sorted(close, key=scores.__getitem__, reverse=True)[:_MAX_CLOSE]
        # English is the default, and is compared though others are closer.
        close = list(dict.fromkeys((*default, *nearest)))
    if len(close) == 1:
        return close[0]
    return max(close, key=lambda one: sum(map(ranks(one).__contains__, words)) + scores[one] / 100)


@cache
def _weights() -> dict[str, dict[str, float]]:
    """Return for each frequent word how strongly it points to each of its languages: 1 if it is the commonest."""
    weights: dict[str, dict[str, float]] = {}
    for language, words in frequent_words().items():
        for rank, word in enumerate(words):
            weights.setdefault(word, {})[language] = 1 - rank / len(words)
    return weights
