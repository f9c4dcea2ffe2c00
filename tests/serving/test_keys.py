from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from serving.keys import api_keys, bearer_keys, joined, key_matches, listed, trimmed

KEYS = [SecretStr("k1"), SecretStr("k2"), SecretStr("k3")]


@given(st.text(), st.lists(st.text(), max_size=4))
def test_a_key_matches_when_it_is_one_of_the_keys(sent: str, keys: list[str]) -> None:
    assert key_matches(sent, [SecretStr(key) for key in keys]) == (sent in keys)
    assert key_matches(sent.encode(), [SecretStr(key) for key in keys]) == (sent in keys)


def test_half_a_surrogate_pair_matches_nothing_and_breaks_nothing() -> None:
    assert not key_matches("\ud800", KEYS)
    assert not key_matches("k1", [SecretStr("\ud800")])


@pytest.mark.parametrize("sent", ["k1", "k3", "other"])
def test_every_key_is_compared_in_constant_time(sent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    key_matches(sent, KEYS)
    assert compared == [b"k1", b"k2", b"k3"]


@pytest.mark.parametrize("text", ["k1", "k1\n", " k1\r\n", "\tk1 "])
def test_blanks_and_line_ends_around_a_key_are_not_of_it(text: str) -> None:
    assert trimmed(SecretStr(text)) == SecretStr("k1")
    assert listed(SecretStr(f"k0,{text}, k2,")) == (SecretStr("k0"), SecretStr("k1"), SecretStr("k2"))


def test_a_list_may_have_a_key_on_each_line() -> None:
    assert joined(SecretStr("k1,\n k2,\n")) == SecretStr("k1,k2")


@pytest.mark.parametrize("text", ["", ",", " , \n"])
def test_no_empty_key_is_ever_listed(text: str) -> None:
    assert listed(SecretStr(text)) == ()


@pytest.mark.parametrize("text", ["k\n1", "k\x001", "k\x7f"])
def test_a_key_that_no_header_carries_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        trimmed(SecretStr(text))


@pytest.mark.parametrize("value", [b"Bearer k1", b"bearer k1", b"BEARER   k1 "])
def test_the_scheme_is_read_in_any_case_and_any_number_of_blanks(value: bytes) -> None:
    assert list(bearer_keys([(b"host", b"h"), (b"authorization", value)])) == [b"k1"]


def test_other_schemes_carry_no_key_and_x_api_key_needs_none() -> None:
    headers = [(b"authorization", b"Basic k1"), (b"authorization", b"k1"), (b"x-api-key", b" k2 ")]
    assert list(bearer_keys(headers)) == []
    assert list(api_keys(headers)) == [b"k2"]
