from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from guard.policy.canary.share import Conversation, conversation_of, is_in_share
from guard.text.conversation import Message, message

KEY, OTHER = b"k" * 32, b"o" * 32
COUNT = 4_000
MAX_DEVIATIONS = 5
"""Standard deviations by which a share of COUNT conversations may miss: by chance once in a million times."""


def sides(key: bytes, share: float, caller: str = "", target: str = "ft_1") -> list[bool]:
    return [is_in_share(key, target, Conversation(caller, f"Question {n}?"), share) for n in range(COUNT)]


@given(share=st.floats(0.01, 0.99), key=st.binary(min_size=16, max_size=64), caller=st.text(max_size=8))
def test_the_share_is_met_within_bounds(share: float, key: bytes, caller: str) -> None:
    expected, deviation = COUNT * share, math.sqrt(COUNT * share * (1 - share))
    assert abs(sum(sides(key, share, caller)) - expected) <= MAX_DEVIATIONS * deviation


@given(
    asked=st.text(),
    later=st.lists(st.tuples(st.sampled_from(["assistant", "user", "tool"]), st.text()), max_size=6),
    system=st.none() | st.text(),
    share=st.floats(0.001, 0.999),
)
def test_a_conversation_stays_on_one_side_over_its_turns(
    asked: str, later: list[tuple[str, str]], system: str | None, share: float
) -> None:
    begun = [message("user", asked)]
    whole = [*([message("system", system)] if system is not None else []), *begun]
    whole += [message(role, text) for role, text in later]
    told = conversation_of(begun, "ak_1")
    assert conversation_of(whole, "ak_1") == told
    assert is_in_share(KEY, "ft_1", conversation_of(whole, "ak_1"), share) == is_in_share(KEY, "ft_1", told, share)


@given(asked=st.text(), smaller=st.floats(0.001, 0.998), more=st.floats(0, 1))
def test_who_is_in_a_share_stays_in_a_larger_one(asked: str, smaller: float, more: float) -> None:
    told = Conversation("", asked)
    if is_in_share(KEY, "ft_1", told, smaller):
        assert is_in_share(KEY, "ft_1", told, min(0.999, smaller + more))


def test_other_keys_callers_and_targets_have_other_sides() -> None:
    own = sides(KEY, 0.5)
    for others in (sides(OTHER, 0.5), sides(KEY, 0.5, "ak_1"), sides(KEY, 0.5, target="ft_2")):
        agreeing = sum(one == other for one, other in zip(own, others, strict=True))
        assert abs(agreeing - COUNT / 2) <= MAX_DEVIATIONS * math.sqrt(COUNT) / 2


def test_what_belongs_to_the_caller_is_not_taken_for_the_question() -> None:
    assert [is_in_share(KEY, "ft_1", Conversation("ab", f"c{n}"), 0.5) for n in range(64)] != [
        is_in_share(KEY, "ft_1", Conversation("a", f"bc{n}"), 0.5) for n in range(64)
    ]


def test_a_conversation_is_told_by_its_first_user_message_as_it_was_written() -> None:
    escaped = '{"a": "\\u0041da"}'
    context = Message("context", "tools")
    assert conversation_of([context, message("user", escaped), message("user", "More?")]).asked == escaped
    assert conversation_of([context, message("system", "Be brief.")]).asked == "Be brief."
    assert conversation_of([]) == Conversation()
    assert "Ada" not in repr(conversation_of([message("user", "Who is Ada?")]))
