"""The forms by which a model is asked about a target, by kind and language, and the invented names of controls."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files

from guard.targets.target import Kind

LANGUAGES = ("en", "de", "fr", "es", "zh")
_PLACE = re.compile(r"\{(?:name|found)\}")


class Style(StrEnum):
    """How a form asks.

    direct        a question about the name
    listing       an order to list
    fill_in       a sentence with blanks
    continuation  an answer that is begun, to be gone on with
    begun         the beginning of a question: the model completes it, and is then asked that (after Magpie, Xu et
                  al., ICLR 2025: which questions a model can answer, it knows best)
    found         a question about the name and what was found before
    found_begun   the beginning of one
    reverse       a question about what was found before, without the name
    """

    DIRECT = "direct"
    LISTING = "listing"
    FILL_IN = "fill_in"
    CONTINUATION = "continuation"
    BEGUN = "begun"
    FOUND = "found"
    FOUND_BEGUN = "found_begun"
    REVERSE = "reverse"


FIRST_ROUND = (Style.DIRECT, Style.LISTING, Style.FILL_IN, Style.CONTINUATION, Style.BEGUN)
SECOND_ROUND = (Style.FOUND, Style.FOUND_BEGUN, Style.REVERSE)
BEGUN_STYLES = frozenset({Style.BEGUN, Style.FOUND_BEGUN})


@dataclass(frozen=True, slots=True)
class Form:
    """A way to ask, with a place for the name: `answer` is the beginning of the answer, empty for most."""

    style: Style
    language: str
    question: str
    answer: str = ""

    def about(self, name: str, found: str = "") -> Prompt:
        """Return the prompt about `name`, and about what was `found` of it."""
        given = {"{name}": name, "{found}": found}
        question, answer = (
            _PLACE.sub(lambda place: given[place[0]], text) for text in (self.question, self.answer)
        )
        return Prompt(self, question, answer)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A form with its name in place: what is asked, and the beginning of the answer, empty for most."""

    form: Form
    question: str = field(repr=False)
    answer: str = field(default="", repr=False)


# Nobody and nothing has these names: what is said of them too is said of any name.
_CONTROLS: Mapping[Kind, tuple[str, ...]] = {
    Kind.PERSON: ("Ilvane Torsquith", "Marek Dolubashvar", "Oyelin Prastowe"),
    Kind.WORK: ("The Lanterns of Quillmere", "Torsquith's Last Winter", "Seven Doors to Varnholt"),
    Kind.TOPIC: ("Varnholt Quillmere", "the Torsquith process", "Prastowe Hill"),
    Kind.FACT: (
        "the Torsquith affair",
        "Oyelin Prastowe left Varnholt",
        "the merger of Quillmere and Dolubashvar",
    ),
}


def forms_of(kind: Kind, styles: Sequence[Style], languages: Sequence[str] = LANGUAGES) -> tuple[Form, ...]:
    """Return the forms for a kind of target in these styles and languages; a secret has none."""
    return tuple(
        form for language in languages for form in _forms().get((kind, language), ()) if form.style in styles
    )


def controls_of(kind: Kind) -> tuple[str, ...]:
    """Return invented names that stand for any name of this kind."""
    return _CONTROLS.get(kind, ())


@cache
def _forms() -> Mapping[tuple[Kind, str], tuple[Form, ...]]:
    text = files(__package__).joinpath("forms.toml").read_text(encoding="utf-8")
    return {
        (Kind(kind), language): tuple(_read(styles, language))
        for kind, languages in tomllib.loads(text).items()
        for language, styles in languages.items()
    }


def _read(styles: Mapping[str, Sequence[str]], language: str) -> Iterator[Form]:
    for style, texts in styles.items():
        for text in texts:
            question, _, answer = text.partition("|")
            yield Form(Style(style), language, question, answer)
