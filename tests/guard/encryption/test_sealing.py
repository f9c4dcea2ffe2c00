from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.encryption.sealing import KEY_BYTES, SealBroken, Secret, new_secret, open_sealed, seal

KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES).map(Secret)
IDENTITIES = st.lists(st.text(max_size=8), max_size=4).map(tuple)


@given(KEYS, st.binary(max_size=200), IDENTITIES)
def test_what_is_sealed_opens_with_its_key_as_its_record(
    key: Secret, content: bytes, identity: tuple[str, ...]
) -> None:
    sealed = seal(key, content, *identity)
    assert open_sealed(key, sealed, *identity) == content
    # A nonce of its own each time: equal texts cannot be told by their records.
    assert seal(key, content, *identity) != sealed


@given(KEYS, st.binary(max_size=64), IDENTITIES, IDENTITIES)
def test_it_opens_as_no_other_record(
    key: Secret, content: bytes, identity: tuple[str, ...], other: tuple[str, ...]
) -> None:
    sealed = seal(key, content, *identity)
    if identity != other:
        with pytest.raises(SealBroken):
            open_sealed(key, sealed, *other)


@given(st.lists(st.text(max_size=4), min_size=2, max_size=4))
def test_parts_of_an_identity_cannot_be_moved_into_each_other(parts: list[str]) -> None:
    key = new_secret()
    joined = (parts[0] + parts[1], *parts[2:])
    with pytest.raises(SealBroken):
        open_sealed(key, seal(key, b"text", *parts), *joined)


@given(st.binary(max_size=40), st.data())
def test_every_changed_byte_is_noticed(content: bytes, data: st.DataObject) -> None:
    key = new_secret()
    sealed = bytearray(seal(key, content, "target", "1"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        open_sealed(key, bytes(sealed), "target", "1")


@given(st.binary(max_size=40), st.data())
def test_a_part_of_a_record_is_no_record(content: bytes, data: st.DataObject) -> None:
    key = new_secret()
    sealed = seal(key, content)
    with pytest.raises(SealBroken):
        open_sealed(key, sealed[: data.draw(st.integers(0, len(sealed) - 1))])


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealBroken):
        open_sealed(new_secret(), seal(new_secret(), b"text"))


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Secret(b"\0" * length)


def test_a_key_is_not_printed() -> None:
    assert "41" not in repr(Secret(b"A" * KEY_BYTES))
    assert "A" not in repr(Secret(b"A" * KEY_BYTES))
