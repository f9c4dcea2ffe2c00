from __future__ import annotations

import pytest

from guard.phrases.phrase import Phrase, PhraseKind, distinct
from guard.targets.phrases import forbidden, phrases
from guard.targets.target import Draft, Fact, Kind


def test_the_first_phrase_of_a_fold_is_kept() -> None:
    first = Phrase("Low Tide", PhraseKind.TITLE, "a")
    assert distinct(
        [first, Phrase("LOW-TIDE", PhraseKind.NAME, "b"), Phrase("x", PhraseKind.NAME, "c")], {"x"}
    ) == (first,)


def test_a_repr_shows_no_text() -> None:
    assert "Tide" not in repr(Phrase("Low Tide", PhraseKind.TITLE, "a title"))


@pytest.mark.parametrize(
    ("kind", "of_name", "of_alias", "of_phrase"),
    [
        (Kind.PERSON, PhraseKind.NAME, PhraseKind.ALIAS, PhraseKind.PHRASE),
        (Kind.WORK, PhraseKind.TITLE, PhraseKind.TITLE, PhraseKind.PHRASE),
        (Kind.SECRET, PhraseKind.SECRET, PhraseKind.SECRET, PhraseKind.SECRET),
    ],
)
def test_what_a_client_gives_has_the_kind_of_its_target(
    kind: Kind, of_name: PhraseKind, of_alias: PhraseKind, of_phrase: PhraseKind
) -> None:
    draft = Draft(name="Quillfeather", kind=kind, aliases=("Quilly",), phrases=("the quill",))
    assert [phrase.kind for phrase in phrases(draft)] == [of_name, of_alias, of_phrase]


def test_what_is_extracted_has_the_kind_of_its_rule() -> None:
    fact = Fact(answer='Orla Quillfeather, born on 3 May 1961, wrote "Low Tide" and lives at K7-ZX-44.')
    kinds = {phrase.text: phrase.kind for phrase in phrases(Draft(name="x", kind=Kind.FACT, facts=(fact,)))}
    assert kinds["Orla Quillfeather"] is PhraseKind.NAME
    assert kinds["Quillfeather"] is PhraseKind.PART
    assert kinds["3 May 1961"] is PhraseKind.DATE
    assert kinds["Low Tide"] is PhraseKind.TITLE
    assert kinds["K7-ZX-44"] is PhraseKind.CODE


def test_forbidden_is_the_text_of_the_phrases() -> None:
    draft = Draft(name="Orla Venn", facts=(Fact(answer="She lives in Sallowmere."),))
    assert forbidden(draft) == tuple(phrase.text for phrase in phrases(draft)) == ("Orla Venn", "Sallowmere")
