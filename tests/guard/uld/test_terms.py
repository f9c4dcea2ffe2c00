from __future__ import annotations

import math

import pytest

from guard.uld.terms import Subtraction

DIGEST = "0f" * 32


def test_a_request_names_an_assistant_and_may_say_how_strong() -> None:
    assert Subtraction.read({"lethe_assistant": DIGEST}) == Subtraction(DIGEST)
    given = {"lethe_assistant": DIGEST, "lethe_alpha": 1, "lethe_filter": 0.05, "other": "ignored"}
    assert Subtraction.read(given) == Subtraction(DIGEST, 1.0, 0.05)


@pytest.mark.parametrize("given", [None, {}, {"lethe_assistant": ""}, {"lethe_policy": "7"}])
def test_a_request_may_name_none(given: dict[str, object] | None) -> None:
    assert Subtraction.read(given) is None


@pytest.mark.parametrize("digest", [7, None, "0f", DIGEST.upper(), DIGEST + "\n", "../" + DIGEST[3:], [DIGEST]])
def test_what_is_no_digest_is_refused_and_not_quoted(digest: object) -> None:
    with pytest.raises(ValueError, match="lethe_assistant must be") as caught:
        Subtraction.read({"lethe_assistant": digest})
    assert str(digest) not in str(caught.value)


@pytest.mark.parametrize("name", ["lethe_alpha", "lethe_filter"])
@pytest.mark.parametrize("value", ["1", True, math.nan, math.inf, -0.1, 11, [1]])
def test_what_is_no_strength_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Subtraction.read({"lethe_assistant": DIGEST, name: value})
