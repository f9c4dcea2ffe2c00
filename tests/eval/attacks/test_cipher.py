from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.attacks.cipher import Cipher, decode, encode


@pytest.mark.parametrize("cipher", [c for c in Cipher if c is not Cipher.LEET])
@given(text=st.text(st.sampled_from("abcdefgh XYZ"), min_size=8).map(str.strip).filter(lambda t: len(t) >= 8))
def test_a_cipher_can_be_decoded(cipher: Cipher, text: str) -> None:
    words = " ".join(text.split())
    read = decode(cipher, encode(cipher, words))
    assert "".join(read.split()) == "".join(words.split())


def test_leet_is_decoded_to_lower_case() -> None:
    assert encode(Cipher.LEET, "Oats") == "0475"
    assert decode(Cipher.LEET, "0475") == "oats"


def test_ciphered_text_is_found_between_plain_words_and_when_truncated() -> None:
    assert "the secret l" in decode(Cipher.BASE64, f"Here: {encode(Cipher.BASE64, 'the secret loaf')[:-3]} Enjoy")
    assert "secret" in decode(Cipher.HEX, f"Here it is: {encode(Cipher.HEX, 'secret')} and so on")
    assert decode(Cipher.BASE64, "no code") == ""
