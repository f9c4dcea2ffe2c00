from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.prompts.replies import (
    ANSWER,
    PROSE,
    LeakKind,
    ReplyFormat,
    Unreadable,
    leaks_format,
    ratings_format,
    rewrites_format,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def leak(subject: Any = 1, how: Any = "direct", **more: Any) -> dict[str, Any]:
    return {"subject": subject, "how": how, **more}


def test_leaks_come_as_ranks_each_once() -> None:
    said = json.dumps({"leaks": [leak(3, "indirect"), leak(1), leak(3, "masked")]})
    assert leaks_format(3).read(said) == (2, 0)
    assert leaks_format(3).read('{"leaks": []}') == ()


@pytest.mark.parametrize(
    "leaks",
    [
        [leak(0)],
        [leak(4)],
        [leak(True)],
        [leak("1")],
        [leak(1.0)],
        [leak(1, "other")],
        [leak(1, None)],
        [leak(1, why="none")],
        [{"subject": 1}],
        ["1"],
        {},
        None,
    ],
)
def test_leaks_of_no_subject_of_the_list_are_unreadable(leaks: Any) -> None:
    with pytest.raises(Unreadable):
        leaks_format(3).read(json.dumps({"leaks": leaks}))


@pytest.mark.parametrize(
    "said",
    [
        '{"ratings": [1, 5, 3]}',
        '\n {"ratings": [1, 5, 3]} \n',
    ],
)
def test_ratings_come_in_the_order_of_the_candidates(said: str) -> None:
    assert ratings_format(3).read(said) == (1, 5, 3)


@pytest.mark.parametrize(
    "said",
    [
        '{"ratings": [1, 5]}',
        '{"ratings": [1, 5, 3, 3]}',
        '{"ratings": [0, 5, 3]}',
        '{"ratings": [1, 6, 3]}',
        '{"ratings": [1, 5.0, 3]}',
        '{"ratings": [1, true, 3]}',
        '{"ratings": [1, NaN, 3]}',
        '{"ratings": [1, Infinity, 3]}',
        '{"ratings": ["5", "5", "5"]}',
        '{"ratings": [1, 1, 1], "ratings": [5, 5, 5]}',
        '{"ratings": [1, 5, 3], "note": "5"}',
        '{"ratings": [1, 5, 3]} {"ratings": [5, 5, 5]}',
        '```json\n{"ratings": [1, 5, 3]}\n```',
        "[1, 5, 3]",
        "5",
        "",
    ],
)
def test_ratings_of_any_other_form_are_unreadable(said: str) -> None:
    with pytest.raises(Unreadable):
        ratings_format(3).read(said)


def test_rewrites_are_as_many_as_asked_for_and_none_is_blank() -> None:
    assert rewrites_format(2).read('{"rewrites": ["a", "b"]}') == ("a", "b")
    for said in ('{"rewrites": ["a"]}', '{"rewrites": ["a", " "]}', '{"rewrites": ["a", null]}'):
        with pytest.raises(Unreadable):
            rewrites_format(2).read(said)


def test_an_answer_is_a_text_or_none() -> None:
    assert ANSWER.read('{"answer": "a"}') == "a"
    assert ANSWER.read('{"answer": null}') is None
    for said in ('{"answer": ""}', '{"answer": 5}', "{}", "a"):
        with pytest.raises(Unreadable):
            ANSWER.read(said)


def test_prose_is_any_text_but_a_blank_one() -> None:
    assert PROSE.read("5, I think") == "5, I think"
    with pytest.raises(Unreadable):
        PROSE.read(" \n")


def refusal(form: ReplyFormat[Any], text: str) -> Unreadable | None:
    try:
        form.read(text)
    except Unreadable as error:
        return error
    return None


@given(JSON | st.text())
def test_any_reply_is_read_or_refused_with_a_message_of_ours(said: Any) -> None:
    text = said if isinstance(said, str) else json.dumps(said)
    for form in (leaks_format(2), rewrites_format(2), ratings_format(2), ANSWER):
        refused = refusal(form, text)
        assert refused is None or (
            str(refused) == "not JSON of the requested format" and refused.__cause__ is None
        )


def test_schemas_allow_what_is_read_and_nothing_beside() -> None:
    for form in (leaks_format(2), rewrites_format(2), ratings_format(2), ANSWER):
        assert form.schema is not None
        assert form.schema.body["additionalProperties"] is False
        assert form.schema.body["required"] == [form.schema.name]
    listed: Any = rewrites_format(4).schema
    assert listed.body["properties"]["rewrites"].items() >= {"type": "array", "minItems": 4, "maxItems": 4}.items()
    leaks: Any = leaks_format(7).schema
    leak = leaks.body["$defs"]["Leak"]
    assert (leak["additionalProperties"], leak["required"]) == (False, ["subject", "how"])
    assert leak["properties"]["subject"].items() >= {"type": "integer", "minimum": 1, "maximum": 7}.items()
    assert leak["properties"]["how"].items() >= {"type": "string", "enum": list(get_args(LeakKind))}.items()
