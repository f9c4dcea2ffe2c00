from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.surrogates.restoring import Originals, Restorer

WORDS = {
    "fleia": "Orla",
    "martin": "Tarn",
    "blandorst": "Quarnwick",
    "wetu": "Li",
    "碧凪": "村上",
    "parmon": "de-Quarn",
}
ORIGINALS = Originals(WORDS)


def restored(*pieces: str, in_json: bool = False) -> str:
    restorer = Restorer(ORIGINALS, in_json=in_json)
    for piece in pieces:
        restorer.feed(piece)
    restorer.finish()
    return restorer.text


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Fleia Blandorst is a luthier.", "Orla Quarnwick is a luthier."),
        ("Fleia's and FLEIA BLANDORST's", "Orla's and ORLA QUARNWICK's"),
        ("fleia_blandorst", "orla_quarnwick"),
        ("Blandorsts und Parmonen", "Quarnwicks und de-Quarnen"),
        ("getBlandorst()", "getQuarnwick()"),
        ("Fleiable, xfleia, wetuna", "Fleiable, xfleia, wetuna"),
        ("我是碧凪春", "我是村上春"),
        ("Martin met Martinez, Martins and Martinum", "Tarn met Martinez, Tarns and Tarnum"),
        ("Wetu. wetus", "Li. lis"),
        ("Flei", "Flei"),
        ("", ""),
    ],
)
def test_the_words_of_the_caller_are_put_back(said: str, expected: str) -> None:
    assert restored(said) == expected
    assert restored(*said) == expected


def test_words_are_escaped_inside_json() -> None:
    restorer = Restorer(Originals({"blandorst": 'Quarn"wick'}), in_json=True)
    restorer.feed('{"name": "Blandorst"}')
    restorer.finish()
    assert restorer.text == '{"name": "Quarn\\"wick"}'


answers = st.lists(
    st.sampled_from(
        [*WORDS, *map(str.title, WORDS), *map(str.upper, WORDS), " ", ".", "'s", "s", "en", "ble", "b", "f"]
    )
    | st.text(max_size=3)
).map("".join)


@given(answers, st.data())
def test_however_an_answer_is_split_the_same_is_written(answer: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)))))
    pieces = [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    assert restored(*pieces) == restored(answer)


@given(answers)
def test_what_is_written_of_parts_is_all_that_is_written(answer: str) -> None:
    restorer = Restorer(ORIGINALS)
    for char in answer:
        restorer.feed(char)
        assert restorer.decided <= len(restorer.source)
    restorer.finish()
    assert "".join(restorer.written(at, at + 1) for at in range(len(answer))) == restorer.text
    assert restorer.decided == len(answer)


def test_little_is_held_back() -> None:
    restorer = Restorer(ORIGINALS)
    restorer.feed("Nobody knows whether Flemish")
    assert restorer.text == "Nobody knows whether Flemish"
    restorer.feed(" blan")
    assert restorer.text == "Nobody knows whether Flemish "
    restorer.feed("dly")
    assert restorer.text == "Nobody knows whether Flemish blandly"
