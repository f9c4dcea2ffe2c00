from __future__ import annotations

from serving.protocol.dialects.system_turns import has_inline_system, merge_inline_system

USER = {"role": "user", "content": "Who sails?"}
SYSTEM = {"role": "system", "content": "Be brief."}
LATE = {"role": "system", "content": "It is Monday."}


def test_a_system_turn_is_inline_where_another_turn_comes_before_it() -> None:
    assert not has_inline_system([])
    assert not has_inline_system([SYSTEM, USER])
    assert has_inline_system([USER, LATE])
    assert has_inline_system([SYSTEM, LATE, USER])


def test_merged_turns_keep_their_order_and_stand_first() -> None:
    first = {"role": "system", "content": "Be brief.\nIt is Monday."}
    assert merge_inline_system([SYSTEM, USER, LATE, USER]) == [first, USER, USER]
    assert merge_inline_system([USER, LATE]) == [LATE, USER]
