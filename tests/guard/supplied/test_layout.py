"""Lines that are data by their layout, and options to choose from."""

from __future__ import annotations

import pytest

from guard.supplied.layout import options, pasted
from guard.supplied.words import grammar

ENGLISH = grammar(frozenset({"en"}))


@pytest.mark.parametrize(
    "lines",
    [
        ["| guest | meal |", "|---|---|", "| Ann | soup |"],
        ["name,score,team", "Ann,88,red"],
        ["06:58 door 4 opened", "07:03 door 4 closed"],
        ["[INFO] door 4 opened", "[WARN] door 4 open"],
        ["Name: Ann", "Age: 61"],
        ["From: Ann", "Subject: Monday"],
        ["total = 3 + x", "for y in total:"],
        ['{"name": "Ann", "town": null}'],
        ["- a plumber", "- open on Sundays"],
    ],
)
def test_data_is_recognised_with_and_without_words_of_the_language(lines: list[str]) -> None:
    assert set(pasted([*lines, "", "Write her a card."], ENGLISH)) == set(range(len(lines)))
    if not lines[0].startswith("- "):
        assert set(pasted(lines, None)) == set(range(len(lines)))


@pytest.mark.parametrize(
    "lines",
    [
        ["| Ann | ? |", "| Tom | 61 |"],
        ["Name: Ann", "Born: ?"],
        ["Topic: Ann", "Length: three lines"],
        ["User: Who is Ann", "Assistant: Ann is"],
        ['{"name": "Ann", "born": "", "town": ""}'],
        ["Tell me:", "- where Ann lives", "- her age"],
        ["- Who is Ann?", "- Where is she?"],
        ["Complete this.", "Name: Ann", "Town: Bremen"],
        ["Ann, who lives here"],
    ],
)
def test_what_has_gaps_or_asks_is_no_data(lines: list[str]) -> None:
    assert not set(pasted(lines, ENGLISH))


def test_lines_that_do_not_ask_are_a_text_below_or_above_the_one_that_does() -> None:
    text = ["Dear all", "Ann has left the club", "with regret", "the board"]
    assert set(pasted([*text, "Write her a card."], ENGLISH)) == {0, 1, 2, 3}
    assert set(pasted(["Write her a card.", *text], ENGLISH)) == {1, 2, 3, 4}
    assert not set(pasted(["Write her a card:", *text], ENGLISH))
    assert not set(pasted([*text[:2], "Write her a card."], ENGLISH))


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        (["Where is it?", "A. Here it is", "B. There it is"], {1, 2}),
        (["Which is right?", "1. Ann was born here.", "2. Ann was born there."], {1, 2}),
        (["Who wrote it?", "- Ann Lee", "- Tom Ash"], {1, 2}),
        (["It is A) here B) there"], {0}),
        (["What fits her?", "- Ann likes tea and long walks", "- Ann dislikes loud music"], set()),
        (["Ann lives here.", "1. She likes tea", "2. She likes walks"], set()),
    ],
)
def test_options_are_told_from_lists(lines: list[str], chosen: set[int]) -> None:
    assert set(options(lines, ENGLISH)) == chosen
