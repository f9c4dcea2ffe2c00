"""How often the rule is right about turns as people write them: 200 that ask, 200 that supply, of seven languages.

They were written by somebody who had not seen the rule, and nothing was tuned on them. `-s` prints the shares.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guard.supplied.rule import supplied
from guard.text.conversation import Message

NAME = "Corwin Ashdale-Petit"
_TURNS = [json.loads(line) for line in (Path(__file__).parent / "turns.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize(("kind", "least"), [("asks", 0.82), ("states", 0.88)])
def test_most_turns_are_read_as_they_are_meant(kind: str, least: float) -> None:
    """Where the rule is wrong, a name that is only asked about may be repeated, or one that is supplied is not."""
    texts = [turn["text"] for turn in _TURNS if turn["kind"] == kind]
    given = [NAME in supplied([Message("user", text)]).text for text in texts]
    right = sum(each == (kind == "states") for each in given)
    print(f"{kind}: {right} of {len(texts)}")
    assert right / len(texts) >= least
