from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from guard.errors import InvalidTarget
from guard.patterns.expression import MAX_CACHED_STATES, Expression
from guard.patterns.syntax import MAX_POSITIONS, MAX_VALUES, canonical


def matches(expression: Expression, text: str) -> bool:
    state = expression.start
    for char in map(canonical, text):
        following = expression.step(state, char) if char else state
        if following is None:
            return False
        state = following
    return state.accepts


atoms = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\d", "-", "ab", r"\."])
quantifiers = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "{0,1}", "+?"])
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
        st.tuples(inner, quantifiers).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=6,
)


@given(expressions, st.text("ab1-.", max_size=8))
def test_it_matches_what_a_backtracking_engine_matches(pattern: str, text: str) -> None:
    try:
        expression = Expression(pattern)
    except InvalidTarget:
        assume(False)
    assert matches(expression, text) == (re.fullmatch(pattern, text) is not None)


@given(expressions)
def test_the_values_of_an_expression_are_all_that_match(pattern: str) -> None:
    try:
        expression = Expression(pattern)
    except InvalidTarget:
        assume(False)
    values = expression.values
    if values is not None:
        assert len(set(values)) == len(values) <= MAX_VALUES
        assert all(re.fullmatch(pattern, value) for value in values)
        assert min(map(len, values)) == expression.shortest


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"KX-\d{4}", "kx-1234", True),
        (r"KX-\d{4}", "ＫＸ－１２٣٤", True),
        (r"KX-\d{4}", "K\u200bX–1234", True),
        (r"(?i)[A-Z]{2}\s[0-9]+", "qz\u00a077", True),
        (r"\w{3}", "łódź"[:3], True),
        (r"\w{3}", "a-b", False),
        (r"[^\]x]+", "ab", True),
        (r"[]a]+", "]a", True),
        (r"a{2,}", "aaaa", True),
        (r"a{2,}", "a", False),
        (r"a{0}b", "b", True),
    ],
)
def test_case_width_dashes_and_digits_of_other_scripts_do_not_matter(pattern: str, text: str, found: bool) -> None:
    assert matches(Expression(pattern), text) is found


def test_a_finite_expression_lists_its_values() -> None:
    assert sorted(Expression("k[xy]-(?:1|22)").values or ()) == ["kx-1", "kx-22", "ky-1", "ky-22"]
    assert Expression("k-[0-9]{4}").values is None
    assert Expression("k.").values is None
    assert Expression("k+").values is None


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", ")", "(a", "a)", "[a", "*a", "a**", "a{", "a{x}", "a{3,2}", "a{999}", "\\", "a\\", "{2}", "a{,}"),
        *(
            r"(a)\1",
            "(?=a)b",
            "(?<!a)b",
            "(?P<n>a)",
            r"\bword",
            "^abc",
            "abc$",
            r"\p{L}",
            "[b-a]",
            r"[\D]",
            "(" * 60,
        ),
    ],
)
def test_what_is_no_such_expression_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidTarget) as error:
        Expression(pattern)
    assert error.value.field == "value"


@pytest.mark.parametrize("pattern", [f"(?:[a-z]{{20}}){{{MAX_POSITIONS // 20 + 1}}}", "((((a{99}){99}){99}){99})"])
def test_an_expression_that_is_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidTarget, match="larger than"):
        Expression(pattern)


def test_empty_brackets_are_not_repeated() -> None:
    assert matches(Expression("((((){256}){256}){256}){256}a"), "a")


def test_states_that_are_forgotten_are_built_again() -> None:
    # After each letter, which of the last 14 were an a: 16,384 states.
    expression = Expression("[ab]*a[ab]{13}")
    text = "".join(f"{number:014b}" for number in range(MAX_CACHED_STATES // 4)).translate({48: "a", 49: "b"})
    for end in (5_000, 9_999, len(text)):
        assert matches(expression, text[:end]) == (text[end - 14] == "a")
    assert len(expression._known) <= MAX_CACHED_STATES
