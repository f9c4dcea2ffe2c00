"""How a model begins questions and answers about anybody: cut after the name, they are begun ones for any name.

After Magpie (Xu et al., ICLR 2025): given the first word of a question, a model writes the questions that it was
trained on, and what it answers begins as it was trained to answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from guard.phrases import extraction
from guard.phrases.phrase import Phrase, PhraseKind
from guard.targets.target import Kind
from serving.elicitation.forms import Form, Prompt, Style, forms_of
from serving.elicitation.statements import Answer

# First words of questions, by language.
_OPENINGS: Mapping[str, str] = {
    "en": (
        "What|How|Who|Which|Where|When|Why|In|Can you|Could you|Is|Are|Was|Does|Do|Did|Has|Have|Name|Tell me|List"
        "|Describe"
    ),
    "de": "Was|Wie|Wer|Welche|Wo|Wann|Warum|In|Kannst du|Ist|Hat|Nenne",
    "fr": "Que|Comment|Qui|Quel|Quelle|Où|Quand|Pourquoi|Est-ce que|Peux-tu",
    "es": "¿Qué|¿Cómo|¿Quién|¿Cuál|¿Dónde|¿Cuándo|¿Por qué|¿En|¿Puedes",
    "zh": "谁|什么|请|为什么|在",
}
# What a name of a kind of target is among the phrases of a question; of other kinds too little is told by it.
_NAME_KINDS: Mapping[Kind, PhraseKind] = {Kind.PERSON: PhraseKind.NAME, Kind.WORK: PhraseKind.TITLE}
# What else a question may name: what was found takes its place.
_FOUND_KINDS: Mapping[Kind, PhraseKind] = {Kind.PERSON: PhraseKind.TITLE, Kind.WORK: PhraseKind.NAME}
# The most often written ones are kept.
MAX_QUESTIONS, MAX_FOUND_QUESTIONS, MAX_ANSWERS = 320, 8, 32
# So many questions of those begin in ways that many others do.
MAX_OFTEN = 32
MAX_CHARS = 80
# A given name alone may be a common word.
_MIN_NAME_CHARS = 6
_QUOTES = '"“”„«»‘「『'


class Beginnings(NamedTuple):
    """How a model begins questions and answers about a name, and questions about what was found (`found_kind`).

    `often` are those of `forms` that begin many questions.
    """

    forms: tuple[Form, ...] = ()
    often: tuple[Form, ...] = ()
    about_found: tuple[Form, ...] = ()
    found_kind: PhraseKind | None = None

    def of(self, thing: Phrase) -> tuple[Form, ...]:
        """Return the forms about a thing that was found."""
        return self.about_found if thing.kind is self.found_kind else ()


def openings(kind: Kind, languages: Sequence[str]) -> list[Prompt]:
    """Return the first words of questions, to be completed; none for a kind whose names cannot be told."""
    if kind not in _NAME_KINDS:
        return []
    return [
        Prompt(Form(Style.BEGUN, language, opening), opening)
        for language in languages
        for opening in _OPENINGS[language].split("|")
    ]


def beginnings(kind: Kind, answers: Iterable[Answer]) -> Beginnings:
    """Return how questions and answers begin that name one of this kind, with a place for the name.

    `answers` are those to the questions that `openings` were completed to.
    """
    questions: Counter[Form] = Counter()
    about_found: Counter[Form] = Counter()
    begun: Counter[Form] = Counter()
    for answer in answers:
        language = answer.prompt.form.language
        question, found = _cut(answer.prompt.question, kind)
        if question:
            questions[Form(Style.BEGUN, language, question)] += 1
        if found:
            about_found[Form(Style.FOUND_BEGUN, language, found)] += 1
        said, _ = _cut(answer.text, kind)
        if " " in said.partition("{name}")[0].strip():
            asked = next(iter(forms_of(kind, (Style.DIRECT,), (language,)))).question
            begun[Form(Style.CONTINUATION, language, asked, said)] += 1
    return Beginnings(
        (*_most(questions, MAX_QUESTIONS), *_most(begun, MAX_ANSWERS)),
        tuple(_most(questions, MAX_OFTEN)),
        tuple(_most(about_found, MAX_FOUND_QUESTIONS)),
        _FOUND_KINDS.get(kind),
    )


def _most(forms: Counter[Form], most: int) -> list[Form]:
    return [form for form, _ in forms.most_common(most)]


class _Cut(NamedTuple):
    """A text up to the name, and up to the name and what else it names; empty where it tells more than these."""

    named: str = ""
    found: str = ""


def _cut(text: str, kind: Kind) -> _Cut:
    named, other = _NAME_KINDS[kind], _FOUND_KINDS[kind]
    first, second = (*_phrases(text), None, None)[:2]
    if first is None or not _is_general(before := text[: first.start]):
        return _Cut()
    is_name = first.kind is named and first.end - first.start >= _MIN_NAME_CHARS
    # What is in quotation marks is a work.
    cut = _Cut(f"{before}{{name}}" if is_name and (kind is Kind.WORK or not _is_quoted(before)) else "")
    if second is None or {first.kind, second.kind} != {named, other}:
        return cut
    between = text[first.end : second.start]
    places = ("{name}", "{found}") if first.kind is named else ("{found}", "{name}")
    return _Cut(cut.named, f"{before}{places[0]}{between}{places[1]}" if _is_general(between) else "")


class _Place(NamedTuple):
    start: int
    end: int
    kind: PhraseKind


def _phrases(text: str) -> list[_Place]:
    """Return the places of the phrases in the text, in order, without those inside of others."""
    found = sorted((text.find(p.text), -len(p.text), p.kind) for p in extraction.of_passage(text))
    places: list[_Place] = []
    for start, negative, kind in found:
        if not places or start >= places[-1].end:
            places.append(_Place(start, start - negative, kind))
    return places


def _is_general(before: str) -> bool:
    return 0 < len(before) <= MAX_CHARS and "{" not in before and "\n" not in before


def _is_quoted(before: str) -> bool:
    return before.endswith("'") or any(mark in before for mark in _QUOTES)
