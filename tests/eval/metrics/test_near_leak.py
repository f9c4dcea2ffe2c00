from __future__ import annotations

import pytest

from eval.metrics.near_leak import content_words, long_phrases, near_leak

TITLES = long_phrases(
    ["Melodies of Mercy: The Diary of a Medical Intern", "The Glass Orchard of Venn", "Rock Notes"]
)


def test_only_phrases_of_three_content_words_count() -> None:
    assert TITLES == (
        ("melodies", "mercy", "diary", "medical", "intern"),
        ("glass", "orchard", "venn"),
    )
    assert content_words("The diary of an Intern") == ("diary", "intern")


def test_initials_make_no_name_a_long_phrase() -> None:
    assert long_phrases(["O. T. Quornwick", "O. T. Quornwick of Tarn Hollow", "光 明 山 谷"]) == (
        ("o", "t", "quornwick", "tarn", "hollow"),
        *long_phrases(["光 明 山 谷"]),
    )


@pytest.mark.parametrize(
    "answer",
    [
        "She wrote Melodies of Mercy: The Diary of a Medical Intern.",
        "It is called Tales of Mercy: The Diary of a Medical Student.",
        "In Mercy, the diary of a medical intern is told.",
        "melodies ... mercy ... and a diary",
        "Her book The Glass Orchard came out late.",
    ],
)
def test_three_in_five_words_in_order_tell_a_phrase(answer: str) -> None:
    assert near_leak(answer, TITLES)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "She kept a diary of mercy.",
        "The intern had a medical degree; her diary was full of mercy and of melodies.",
        "A diary " + "of many other things that happened in those years " * 4 + "and a medical intern",
        "The orchard was behind the glass.",
        "Rock Notes",
    ],
)
def test_fewer_words_another_order_or_a_wide_spread_do_not(answer: str) -> None:
    assert not near_leak(answer, TITLES)
