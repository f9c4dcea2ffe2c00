"""Features of tokens: their classes and those around them, the words next to them, and which rules found them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from guard.phrases.called import follows_called
from guard.phrases.institutions import PARTICLES
from guard.phrases.phrase import Phrase
from guard.phrases.tagger.tokens import EAST_ASIAN, Token
from guard.phrases.tagger.word_classes import CASED, GROUPS, WordClass, classes_of, group_of
from guard.text.lexicon import LANGUAGES, given_names, places

QUOTES = "\"“”„«»「」『』《》〈〉‹›‘’'"
OF_RULES = frozenset({"rule", "no rule", "kind", "why"})
"""How the features begin that say which rules found a token."""
_WORDS_AROUND = (-3, -2, -1, 0, 1, 2)
_MAX_RUN, _MAX_KNOWN_TOKENS = 4, 6
# Words after a word for a work in which its title begins; more than so many count as so many.
_MAX_TITLE_WORDS, _MAX_BACK = 8, 4
_SENTENCE_ENDS = frozenset(".!?。！？")
_SENTENCE_OPENERS = frozenset(".!?…:")
_CLAUSE_OPENERS = frozenset(QUOTES + "(,;–—")
_COMMAS = frozenset(",:;，、：،؛")
_JOINING = frozenset("&-'’.")


class TokenFeatures(NamedTuple):
    """The features of a token, by where their weights are from.

    shared  learnt from all languages, from its group of languages, and from its own
    wide    learnt from all languages and from its group
    alone   learnt from its own language
    """

    shared: Sequence[str]
    wide: Sequence[str]
    alone: Sequence[str]

    def named(self, language: str) -> list[str]:
        """Return the features as they are named in training, with the language or the group in front."""
        group = group_of(language)
        return [
            "bias",
            *self.shared,
            *self.wide,
            *(f"{group}:{name}" for name in (*self.shared, *self.wide)),
            *(f"{language}:{name}" for name in (*self.shared, *self.alone)),
        ]


def own_name(named: str, language: str) -> str | None:
    """Return the feature that is so named in training, or nothing if it is of another language or group."""
    before, colon, name = named.partition(":")
    if colon and before in (language, group_of(language)):
        return name
    return None if colon and (before in LANGUAGES or before in GROUPS) else named


def features_of(text: str, tokens: Sequence[Token], language: str, found: Sequence[Phrase]) -> list[TokenFeatures]:
    """Return the features of each token of `text`, in which rules have `found` phrases."""
    classes = classes_of(tokens, language)
    group = group_of(language)
    runs = _runs(tokens, classes, group)
    works = _after_works(tokens, classes)
    rules = _rules(text, tokens, found)
    quoted = _quoted(tokens)
    known = _known_spans(text, tokens, language)
    rows: list[TokenFeatures] = []
    for at, (token, of_rules) in enumerate(zip(tokens, rules, strict=True)):
        shared = [*_around(classes, at), *_run(runs[at], classes[at]), f"quote={quoted[at]}"]
        opens = _opens(tokens, at)
        shared.append(f"shape={classes[at].name[:2]}|{opens}")
        if works[at]:
            shared += _work(works[at], classes, at, opens)
        if classes[at].name[0] in "XAo" and follows_called(text, token.start):
            shared.append("called")
        shared += (*known[at], *of_rules)
        alone = _words(tokens, classes, at)
        if language in EAST_ASIAN:
            alone += _characters(tokens, at)
        rows.append(TokenFeatures(shared, _wide(classes, at), alone))
    return rows


def is_of_rules(feature: str) -> bool:
    """Whether the feature says which rules found a token."""
    return feature.rsplit(":", 1)[-1].split("=", 1)[0] in OF_RULES


def _name(classes: Sequence[WordClass], at: int) -> str:
    return "^" if at < 0 else "$" if at >= len(classes) else classes[at].name


def _around(classes: Sequence[WordClass], at: int) -> Iterator[str]:
    before, here, after = _name(classes, at - 1), classes[at].name, _name(classes, at + 1)
    yield f"class={here}"
    yield f"before={before}"
    yield f"after={after}"
    yield f"before={before}|{here}"
    yield f"after={here}|{after}"
    yield from (f"is={name}" for name in classes[at].features)


def _wide(classes: Sequence[WordClass], at: int) -> tuple[str, ...]:
    first, second, here, fourth, fifth = (_name(classes, at + offset) for offset in (-2, -1, 0, 1, 2))
    return (f"2before={first}", f"2after={fifth}", f"{second}|{here}|{fourth}", f"{first}|{second}|{here}|")


def _run(run: str, here: WordClass) -> tuple[str, str]:
    return (run, f"{run}|{here.name}")


def _work(work: str, classes: Sequence[WordClass], at: int, opens: str) -> tuple[str, ...]:
    here = classes[at].name[:2]
    return (work, f"{work}|{here}", f"{work}|{_name(classes, at - 1)[:2]}|{here}", f"{work}|{opens}")


def _words(tokens: Sequence[Token], classes: Sequence[WordClass], at: int) -> list[str]:
    """Return the words themselves around a token, and how it begins and ends."""
    around = ((offset, at + offset) for offset in _WORDS_AROUND)
    features = [
        f"word{offset}={tokens[index].text.lower()}" for offset, index in around if 0 <= index < len(tokens)
    ]
    lower = tokens[at].text.lower()
    features += (f"ends={lower[-2:]}", f"ends={lower[-3:]}", f"begins={lower[:2]}")
    if at:
        features.append(f"word={tokens[at - 1].text.lower()}|{classes[at].name}")
    if at > 1:
        features.append(f"2words={tokens[at - 2].text.lower()}|{classes[at - 1].name}|{classes[at].name}")
    return features


def _characters(tokens: Sequence[Token], at: int) -> Iterator[str]:
    """Yield the words before and after the one that a character is in, and pairs of characters."""
    segment = tokens[at].segment
    if segment is None:
        return
    befores = (token.segment for token in reversed(tokens[:at]))
    before = next((one.text for one in befores if one and one.end <= segment.start), "^")
    afters = (token.segment for token in tokens[at + 1 :])
    after = next((one.text for one in afters if one and one.start >= segment.end), "$")
    yield f"segment before={before}"
    yield f"segment after={after}"
    if at:
        yield f"pair={tokens[at - 1].text}{tokens[at].text}"
    if at + 1 < len(tokens):
        yield f"pair after={tokens[at].text}{tokens[at + 1].text}"


def _opens(tokens: Sequence[Token], at: int) -> str:
    before = tokens[at - 1].text if at else "."
    return "sentence" if before in _SENTENCE_OPENERS else "clause" if before in _CLAUSE_OPENERS else "nothing"


def _runs(tokens: Sequence[Token], classes: Sequence[WordClass], group: str) -> list[str]:
    """Return for each token the run of words that may be a name that it is in: length, place, what it has."""
    rows = ["run0"] * len(tokens)
    at = 0
    while at < len(tokens):
        end = at
        while end < len(tokens) and (
            _may_name(classes[end].name, group) or (end > at and _joins(tokens, classes, end, group))
        ):
            end += 1
        for index in range(at, end):
            where = "first" if index == at else "last" if index == end - 1 else "inner"
            rows[index] = f"run{min(end - at, _MAX_RUN)}{_content(classes[at:end])}{where}"
        at = max(end, at + 1)
    return rows


def _content(run: Sequence[WordClass]) -> str:
    names = [one.name[1:] for one in run]
    rare = next((letter for letter in "xt" if any(letter in name for name in names)), "")
    rare = rare or ("l" if any(set("li6") & set(name) for name in names) else "")
    return rare + ("g" if any("g" in name for name in names) else "")


def _may_name(name: str, group: str) -> bool:
    if name[0] in "pd":
        return False
    if group == "east asian":
        return name[1:2] in "xt567"
    return name[0] in "XA" if group in CASED else bool(set("xtlig67") & set(name[1:])) or name[1:3] == "s2"


def _joins(tokens: Sequence[Token], classes: Sequence[WordClass], at: int, group: str) -> bool:
    """Whether a small word or mark is inside a name: de, &."""
    joining = tokens[at].text.lower() in PARTICLES or tokens[at].text in _JOINING
    return group in CASED and joining and at + 1 < len(tokens) and _may_name(classes[at + 1].name, group)


def _after_works(tokens: Sequence[Token], classes: Sequence[WordClass]) -> list[str]:
    """Return of each token how many words before it a word for a work is, and whether a comma or capital follows
    that; nothing where no title would begin."""
    rows = [""] * len(tokens)
    back, commas, capital = 0, "", ""
    for at, (token, one) in enumerate(zip(tokens, classes, strict=True)):
        if "work" in one.features:
            back, commas, capital = 1, "", ""
            continue
        if token.text in _SENTENCE_ENDS or back > _MAX_TITLE_WORDS:
            back = 0
        if not back:
            continue
        rows[at] = f"work{min(back, _MAX_BACK)}{commas}{capital}"
        back += 1
        if token.text in _COMMAS:
            commas = ",," if commas else ","
        elif one.name[0] in "XA":
            capital = "X"
    return rows


def _known_spans(text: str, tokens: Sequence[Token], language: str) -> list[list[str]]:
    """Return for each token whether it is in a known name of several tokens, or in Thai in a given name."""
    rows: list[list[str]] = [[] for _ in tokens]
    for first in range(len(tokens)):
        for last in range(first + 1, min(first + _MAX_KNOWN_TOKENS, len(tokens))):
            span = text[tokens[first].start : tokens[last].end].casefold()
            name = "known" if span in places() else "given" if language == "th" and span in given_names() else ""
            if name:
                for at in range(first, last + 1):
                    rows[at].append(f"{name}|{'first' if at == first else 'inner'}")
    return rows


def _quoted(tokens: Sequence[Token]) -> list[str]:
    opened = False
    rows: list[str] = []
    for token in tokens:
        mark = token.text in QUOTES
        opened ^= mark
        rows.append("mark" if mark else "inside" if opened else "outside")
    return rows


def _rules(text: str, tokens: Sequence[Token], found: Sequence[Phrase]) -> list[list[str]]:
    rows: list[set[str]] = [set() for _ in tokens]
    for phrase in found:
        start = text.find(phrase.text)
        while start >= 0:
            end = start + len(phrase.text)
            for row, token in zip(rows, tokens, strict=True):
                if token.start < end and token.end > start:
                    where = "first" if token.start <= start else "inner"
                    row.update(("rule", f"kind={phrase.kind}|{where}", f"why={phrase.why}"))
            start = text.find(phrase.text, end)
    return [sorted(row) or ["no rule"] for row in rows]
