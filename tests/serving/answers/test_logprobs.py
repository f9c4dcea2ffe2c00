"""Listed alternatives: what the text could not have gone on with is in no list, by whatever surface it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from guard.matching.automaton import Automaton
from guard.matching.edits import EditPattern
from guard.matching.near import NearTexts
from guard.patterns.pattern import Pattern, PatternKind
from guard.patterns.value_class import classes_of
from serving.answers.output_guard import OutputGuard

NEAR = NearTexts(
    (("lanterns", "mercy", "diary", "harbour", "surgeon"),), secrets=(EditPattern("zk4f9a77c1b2d3", 2),)
)
IBANS = classes_of([Pattern(kind=PatternKind.IBAN, value="*")])
PHRASES = ("Ada Quill", "Eve")
Listed = list[list[str]]


def guard(seed: str = "", *, touched: bool = True, classes: Any = (), asked: int | None = 5) -> OutputGuard:
    near = (NEAR,) if touched else ()
    automata = [Automaton.forbidding(PHRASES)]
    return OutputGuard(automata, [seed], 1, "No.", decode=touched, alternatives=asked, near=near, classes=classes)


def described(route: str, tokens: Sequence[str], others: Mapping[int, Sequence[str]]) -> dict[str, Any]:
    """Return log-probabilities where the token itself and these others are listed, by place."""
    lists = [[token, *others.get(place, ())] for place, token in enumerate(tokens)]
    if route == "text":
        listed = [dict.fromkeys(names, -1.0) for names in lists]
        numbers = {"token_logprobs": [-1.0] * len(tokens), "text_offset": [0] * len(tokens)}
        return {"tokens": list(tokens), "top_logprobs": listed, **numbers}
    entries = [
        {"token": token, "logprob": -1.0, "top_logprobs": [{"token": name, "logprob": -1.0} for name in names]}
        for token, names in zip(tokens, lists, strict=True)
    ]
    return {"content": entries}


def listed_in(logprobs: dict[str, Any]) -> Listed:
    if "content" in logprobs:
        return [[other["token"] for other in entry["top_logprobs"]] for entry in logprobs["content"]]
    return [list(each) for each in logprobs["top_logprobs"]]


def leaving(
    output: OutputGuard, route: str, tokens: Sequence[str], others: Mapping[int, Sequence[str]], each: int = 0
) -> Listed:
    """Return the lists that leave with the tokens, `each` in a chunk, or all in a whole answer."""
    size, holder = each or len(tokens), "delta" if each else "message"
    lists: Listed = []
    for at in range(0, len(tokens), size):
        part = tokens[at : at + size]
        text = "".join(part)
        content: dict[str, Any] = {"text": text} if route == "text" else {holder: {route: text}}
        shifted = {place - at: names for place, names in others.items()}
        finish = "stop" if at + size >= len(tokens) else None
        choice = {"index": 0, **content, "logprobs": described(route, part, shifted), "finish_reason": finish}
        payload = orjson.dumps({"id": "c", "choices": [choice]})
        for out in output.chunk(payload) if each else [output.answer(payload)]:
            lists += [names for one in orjson.loads(out)["choices"] for names in listed_in(one["logprobs"])]
    return lists


TEXT = ("She", " wrote", " Lan", "terns", " of", " Mercy", " in", " a", " year")
OTHERS = {
    4: (" without", " a"),
    6: (" Harbour", " Diary", "\tDIARY", " for"),
    7: (" diary", " surgeons", " Surgeon's", " di", " big"),
}
LEFT = {4: [" of", " without", " a"], 6: [" in", " for"], 7: [" a", " surgeons", " di", " big"]}


@pytest.mark.parametrize("route", ["content", "reasoning", "text"])
@pytest.mark.parametrize("each", [0, 1, 2, 5])
def test_an_alternative_that_would_make_a_near_copy_is_not_listed(route: str, each: int) -> None:
    lists = leaving(guard(), route, TEXT, OTHERS, each)
    assert lists == [LEFT.get(place, [token]) for place, token in enumerate(TEXT)]


@pytest.mark.parametrize(
    ("before", "others", "left"),
    [
        # A phrase, whole or most of it, also within a word that goes on otherwise.
        ((" We", " saw", " Ada"), (" Quill", " Quil", "Quill", " Queen", " Lovelace"), [" Queen", " Lovelace"]),
        ((" We", " saw", " Ada", " Qui"), ("ll", "lls", "ver"), ["ver"]),
        # Between word borders: what ends the word completes it.
        ((" at", " Eve"), (" is", ".", "ning", "n"), ["ning", "n"]),
        # A secret with two characters wrong.
        ((" Use", " zk-", "4f9a", "77"), ("c1b2", "c1b2d3", "c1x2d4", "c9"), ["c9"]),
    ],
)
def test_nor_is_one_that_completes_a_phrase_or_a_secret_with_characters_wrong(
    before: tuple[str, ...], others: tuple[str, ...], left: list[str]
) -> None:
    tokens = (*before, "ry", " else")
    for route in ("content", "text"):
        for each in (0, 1):
            lists = leaving(guard(), route, tokens, {len(before): others}, each)
            assert lists[len(before)] == ["ry", *left]


def test_nor_is_a_phrase_that_the_watch_looks_for_where_nothing_is_touched() -> None:
    tokens, others = (" She", " is", " Ada", " now"), {3: (" Quill", " Quilter")}
    for each in (0, 1):
        assert leaving(guard(touched=False), "content", tokens, others, each)[3] == [" now", " Quilter"]


def test_nor_is_one_that_completes_a_value_of_a_class() -> None:
    tokens = (" Pay", " DE89", " 3704", " 0044", " 0532", " 0130", " 99", " now")
    others = {6: (" 00", " 01", " 7")}
    assert leaving(guard(classes=IBANS), "content", tokens, others)[6] == [" 99", " 01", " 7"]
    assert leaving(guard(touched=False, classes=IBANS), "content", tokens, others)[6] == [" 99", " 01", " 7"]


def test_what_the_client_began_counts() -> None:
    assert leaving(guard("Lanterns of Mercy:"), "content", (" a", " b"), {0: (" Diary", " c")})[0] == [" a", " c"]


def test_blanks_that_the_tokens_leave_out_are_read_from_the_text() -> None:
    tokens, others = ["Lanterns", "of", "Mercy", "in", "May"], {3: ("Diary", "on"), 4: ("diary", "mid")}
    choice = {"index": 0, "message": {"content": "Lanterns of Mercy in May"}, "finish_reason": "stop"}
    payload = orjson.dumps({"choices": [{**choice, "logprobs": described("content", tokens, others)}]})
    logprobs = orjson.loads(guard().answer(payload))["choices"][0]["logprobs"]
    assert listed_in(logprobs)[3:] == [["in", "on"], ["May", "mid"]]


def test_the_token_that_was_said_stays_in_its_list() -> None:
    # Released, as the word goes on: the list shows no more than the text.
    tokens = (" Lanterns", " Mercy", " Diary", "land", " is")
    assert leaving(guard(), "content", tokens, {2: (" Diary",)})[2] == [" Diary", " Diary"]


def test_lists_are_as_the_engine_made_them_where_nothing_is_touched_or_no_alternatives_are_asked_for() -> None:
    whole = [[token, *OTHERS.get(place, ())] for place, token in enumerate(TEXT)]
    assert leaving(guard(touched=False), "content", TEXT, OTHERS, 1) == whole
    assert leaving(guard(asked=0), "content", TEXT, OTHERS, 1) == whole
