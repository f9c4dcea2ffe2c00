from __future__ import annotations

import pytest

from guard.soft.terms import BIAS, biases

DIGEST = "a" * 64


def test_digests_are_read_and_a_request_without_any_has_none() -> None:
    assert biases({BIAS: f"{DIGEST},{'b' * 64}"}) == (DIGEST, "b" * 64)
    assert biases(None) == biases({}) == biases({BIAS: ""}) == ()


@pytest.mark.parametrize("given", [3, "x", DIGEST[:-1], f"{DIGEST},", ",".join([DIGEST] * 33), None])
def test_anything_else_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=BIAS):
        biases({BIAS: given})
