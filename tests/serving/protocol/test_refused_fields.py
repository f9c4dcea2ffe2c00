from __future__ import annotations

import pytest

from guard.errors import RequestRefused
from serving.protocol.refused_fields import ALL, CHAT, COMPLETIONS, REFUSED_FIELDS, RefusedField, refuse_fields


@pytest.mark.parametrize("row", REFUSED_FIELDS, ids=lambda row: f"{row.field}-{len(row.routes)}")
def test_every_row_refuses_by_the_fields_name(row: RefusedField) -> None:
    body = {row.field: 1} | ({row.only_with: 1} if row.only_with else {})
    for route in row.routes:
        with pytest.raises(RequestRefused) as refused:
            refuse_fields(route, body)
        assert refused.value.field == row.field
        assert row.field in refused.value.message


@pytest.mark.parametrize("row", REFUSED_FIELDS, ids=lambda row: f"{row.field}-{len(row.routes)}")
def test_a_field_left_at_null_disarms_nothing(row: RefusedField) -> None:
    for route in ALL:
        refuse_fields(route, {row.field: None, "logprobs": None})


def test_zero_prompt_logprobs_is_still_a_report_of_the_unrestricted_model() -> None:
    with pytest.raises(RequestRefused):
        refuse_fields(CHAT, {"prompt_logprobs": 0})


def test_switches_that_are_off_pass() -> None:
    refuse_fields(CHAT, {"use_beam_search": False, "echo": False, "return_token_ids": False})


def test_a_switch_set_by_a_number_or_a_word_is_not_off() -> None:
    for value in (1, "true", 0, "", []):
        with pytest.raises(RequestRefused):
            refuse_fields(CHAT, {"use_beam_search": value})


def test_echo_of_a_completion_is_refused_only_with_logprobs() -> None:
    refuse_fields(COMPLETIONS, {"echo": True})
    refuse_fields(COMPLETIONS, {"echo": True, "logprobs": None})
    with pytest.raises(RequestRefused):
        refuse_fields(COMPLETIONS, {"echo": True, "logprobs": 0})
