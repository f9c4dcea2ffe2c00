from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from guard.tiers import Tiers


class Sum:
    """What is built of numbers, noted in `built` by how many there are."""

    built: list[int] = []  # noqa: RUF012

    def __init__(self, values: Mapping[str, int]) -> None:
        self.given = values
        if values:
            Sum.built.append(len(values))


def tiers(*sizes: int) -> Tiers[int, Sum]:
    Sum.built.clear()
    return Tiers(Sum, sizes, lambda _: 1)


def values(of: Tiers[int, Sum]) -> dict[str, int]:
    return {key: tier.part.given[key] for tier in of.tiers for key in tier.part.given if key in tier}


def test_what_is_added_is_built_with_the_few_that_came_before_it() -> None:
    many = tiers(8, 2).with_changes({f"k{number}": number for number in range(100)}, ())
    Sum.built.clear()
    first = many.with_changes({"a": 1}, ())
    second = first.with_changes({"b": 2}, ())
    third = second.with_changes({"c": 3}, ())
    assert Sum.built == [1, 2, 3]
    assert [len(tier) for tier in third.tiers] == [100, 3, 0]
    assert [len(tier) for tier in third.with_changes({"d": 4}, ()).tiers] == [100, 3, 1]
    assert third.tiers[0] is many.tiers[0]


def test_what_is_removed_does_not_count_and_nothing_is_built() -> None:
    some = tiers(8, 2).with_changes({f"k{number}": number for number in range(20)}, ())
    Sum.built.clear()
    less = some.with_changes({}, ["k3", "unknown"])
    assert Sum.built == []
    assert len(less) == 19
    assert less.holding("k3") is None
    assert less.holding("k4") is some.tiers[0].part


def test_a_tier_of_which_most_was_removed_is_built_again() -> None:
    some = tiers(8, 2).with_changes({f"k{number}": number for number in range(20)}, ())
    Sum.built.clear()
    less = some.with_changes({}, [f"k{number}" for number in range(11)])
    assert Sum.built == [9]
    assert less.tiers[0].dropped == frozenset()


def test_a_value_that_is_large_goes_into_a_large_tier() -> None:
    sized = Tiers(Sum, (10, 3), lambda value: value).with_changes({"large": 7, "small": 1}, ())
    assert [len(tier) for tier in sized.tiers] == [0, 2, 0]
    assert [len(tier) for tier in sized.with_changes({"larger": 9}, ()).tiers] == [3, 0, 0]


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 9), max_size=5),
            st.text("abcdefgh", max_size=3),
        ),
        max_size=12,
    )
)
def test_any_run_of_changes_leaves_each_key_once_with_its_last_value(
    changes: list[tuple[dict[str, int], str]],
) -> None:
    of, expected = tiers(4, 2), dict[str, int]()
    for added, removed in changes:
        of = of.with_changes(added, removed)
        expected = {key: value for key, value in expected.items() if key not in removed} | added
        assert values(of) == expected
        assert len(of) == len(expected) == sum(len(tier) for tier in of.tiers)
