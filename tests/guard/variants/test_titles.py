from __future__ import annotations

import pytest

from guard.targets.phrases import variants
from guard.targets.target import Draft, Kind
from guard.text.normalise import fold

TITLE = "Lanterns of Mercy: The Diary of a Harbour Surgeon"
MEDAL = "International Medal for Outstanding Discoveries in Earth Sciences"


def forbids(title: str, text: str) -> bool:
    draft = Draft(name=title, kind=Kind.WORK)
    return any(fold(one) in fold(text) for one in (title, *(variant.text for variant in variants(draft))))


@pytest.mark.parametrize(
    "text",
    [
        "Lanterns of Grace: The Diary of a Harbour Surgeon",
        "The Diary of a Harbour Surgeon",
        "Lanterns of Mercy",
        "in Mercy: The Diary of a Harbour Surgeon",
        "Lanterns of Mercy: The Diary of a Surgeon",
        "Lanterns of Mercy: The Diary of a Harbour Doctor",
    ],
)
def test_a_title_is_forbidden_with_a_word_changed_or_left_out(text: str) -> None:
    assert forbids(TITLE, text)


@pytest.mark.parametrize(
    "text",
    [
        "International Medal for Outstanding Discoveries in Earth",
        "Medal for Outstanding Discoveries in Earth Sciences",
        "International Prize for Outstanding Discoveries in Earth Sciences",
        "Outstanding Discoveries in Earth",
    ],
)
def test_windows_of_a_long_name_are_forbidden(text: str) -> None:
    assert forbids(MEDAL, text)


@pytest.mark.parametrize(
    "text", ["a diary", "Mercy", "the harbour", "a harbour surgeon's diary", "Earth Sciences", "of a"]
)
def test_a_word_or_two_common_ones_are_not(text: str) -> None:
    assert not forbids(TITLE, text)
    assert not forbids(MEDAL, text)


def test_a_memoir_is_no_subtitle_that_tells() -> None:
    assert not forbids("The Salt Road: A Memoir", "a memoir")


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("The Lord of the Rings", 'The novel "Lord of the Rings" tells of it.'),
        ("The Glass Orchard", "in Glass Orchard and elsewhere"),
        ("Der Zauberberg im Nebel", "aus Zauberberg im Nebel"),
        ("The Glass Orchard: A Memoir", "her Glass Orchard"),
    ],
)
def test_a_title_is_forbidden_without_its_article(title: str, said: str) -> None:
    assert forbids(title, said)


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("The End of the Day", "at the end of it, end of the day"),
        ("The Crown", "a crown"),
        ("A Long Walk", "after long walks"),
        ("A Christmas Carol", "they sang Christmas carols"),
        ("A Good Whisper", "with good whispers"),
        ("The White House", "a white house by the sea"),
        ("Theory of Glass Orchards", "glass orchards"),
    ],
)
def test_what_is_ordinary_without_its_article_is_not(title: str, said: str) -> None:
    assert not forbids(title, said)
