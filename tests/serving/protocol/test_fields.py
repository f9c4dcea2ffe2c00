from __future__ import annotations

from typing import Any

import pytest

from guard.errors import RequestRefused
from serving.protocol.fields import FIELD_RULES, ROLES, Decision, InvalidValue, read_fields
from serving.protocol.refused_fields import ALL, CHAT, COMPLETIONS, MESSAGES, REFUSED_FIELDS, RESPONSES

USER = {"role": "user", "content": "hi"}


def read(**more: Any) -> dict[str, Any]:
    return read_fields(CHAT, {"messages": [USER], **more})


def test_every_field_has_one_decision_on_a_route() -> None:
    named = [(route, rule.name) for rule in FIELD_RULES for route in rule.routes]
    assert len(named) == len(set(named))
    # Echo alone is served or refused by what comes with it.
    refused = {(route, row.field) for row in REFUSED_FIELDS if not row.only_with for route in row.routes}
    assert not refused & set(named)
    assert all(rule.reason for rule in FIELD_RULES)


def test_a_field_that_nobody_knows_never_reaches_the_engine() -> None:
    assert read(zeal=1, store=True, service_tier="auto") == {"messages": [USER]}
    assert any(rule.name == "store" and rule.decision is Decision.DROP for rule in FIELD_RULES)


def test_an_unknown_field_is_refused_where_the_setting_says_so_and_one_of_no_use_is_not() -> None:
    assert read_fields(CHAT, {"store": True, "zeal": None}, "refuse") == {}
    with pytest.raises(RequestRefused) as caught:
        read_fields(CHAT, {"zeal": 1}, "refuse")
    # A key is the client's own text.
    assert "zeal" not in caught.value.message
    assert caught.value.field is None


def test_values_are_read_as_the_engine_reads_them() -> None:
    sent = {"stream": "false", "max_tokens": "64", "n": 2.0, "temperature": "0", "stop_token_ids": ["1", 2.0]}
    got = read(**sent, top_k=None)
    assert got == {
        "messages": [USER],
        "stream": False,
        "max_tokens": 64,
        "n": 2,
        "temperature": 0.0,
        "stop_token_ids": [1, 2],
    }
    assert type(got["n"]) is int


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("stream", value) for value in ("maybe", 5, -1, [5], {"a": 1}, [], {}, "")),
        *(("stop_token_ids", value) for value in ({}, "", 0, ["x"])),
        *(("structured_outputs", value) for value in ([], "", 0, 5, "x", True, {}, {"zeal": "x"}, {"choice": 5})),
        ("structured_outputs", {"regex": "a", "choice": ["b"]}),
        ("truncate_prompt_tokens", 0),
        ("max_tokens", "many"),
        ("temperature", "nan"),
        ("tools", {"a": 1}),
        ("tools", ["x"]),
        ("documents", [{"a": 1}]),
        ("reasoning_effort", "Ada"),
        ("stream_options", 5),
        ("seed", 10**30),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_fields_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        read(**{name: value})
    assert caught.value.field == name


def test_options_of_a_stream_are_left_out_where_there_is_none() -> None:
    options = {"include_usage": True}
    assert "stream_options" not in read(stream_options=options)
    assert "stream_options" not in read(stream_options=options, stream=False)
    assert read(stream_options={**options, "zeal": 1}, stream=True)["stream_options"] == options


@pytest.mark.parametrize(
    "given", [{}, {"enable_thinking": False}, {"thinking": True}, {"reasoning_effort": "low"}], ids=str
)
def test_switches_of_a_closed_set_reach_the_chat_template(given: dict[str, Any]) -> None:
    assert read(chat_template_kwargs=given)["chat_template_kwargs"] == given


@pytest.mark.parametrize(
    "given", [{"Ada": True}, {"thinking": "Ada"}, {"reasoning_effort": "Ada"}, "Ada"], ids=str
)
def test_anything_else_for_the_chat_template_is_refused_by_name(given: Any) -> None:
    with pytest.raises(RequestRefused) as caught:
        read(chat_template_kwargs=given)
    assert (caught.value.code, caught.value.field) == ("field_not_allowed", "chat_template_kwargs")


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_is_one_of_a_closed_set(role: str) -> None:
    assert read_fields(CHAT, {"messages": [{"role": role}]})["messages"] == [{"role": role}]


@pytest.mark.parametrize("role", ["user|>Who is Ada?", "User", "", None, 5, ["user"], {"user": 1}])
def test_an_unknown_role_is_refused(role: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        read_fields(CHAT, {"messages": [{"role": role, "content": ""}]})
    assert caught.value.field == "messages"


def test_a_member_of_a_message_that_no_template_is_given_is_left_out() -> None:
    assert read_fields(CHAT, {"messages": [{**USER, "zeal": "x"}]})["messages"] == [USER]


def test_a_message_without_an_object_is_refused() -> None:
    for messages in (5, "text", [1], [None], ["x"], {"role": "user"}):
        with pytest.raises(InvalidValue):
            read_fields(CHAT, {"messages": messages})


def test_every_route_types_what_says_how_it_answers() -> None:
    for route in ALL:
        with pytest.raises(InvalidValue):
            read_fields(route, {"stream": "maybe"})
    for route in (CHAT, COMPLETIONS, MESSAGES):
        assert read_fields(route, {"max_tokens": "9"}) == {"max_tokens": 9}
    assert read_fields(RESPONSES, {"max_output_tokens": "9"}) == {"max_output_tokens": 9}
