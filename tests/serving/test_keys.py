from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from serving.keys import key_matches

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
