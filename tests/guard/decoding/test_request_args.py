from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.decoding.request_args import (
    MAX_AUTOMATA,
    MAX_BIASES,
    PROCESSORS,
    Backtracking,
    EngineArgs,
    Subtraction,
    load_biases,
    load_subtraction,
)
from guard.targets.target import MAX_ALPHA, MAX_FILTER_RATE

A, B = "a" * 64, "0123456789abcdef" * 4
POLICY = {"lethe_policy": "7", "lethe_automata": ""}


digests = st.binary(min_size=32, max_size=32).map(bytes.hex)


def several(most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(digests, max_size=most).map(tuple)


def numbers(most: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(0, most)


ids = st.lists(st.integers(0, 10**9 - 1), max_size=4).map(tuple)
backtrackings = st.builds(Backtracking, st.integers(0, 2**31), ids, ids)
subtractions = st.builds(Subtraction, digests, numbers(MAX_ALPHA), numbers(MAX_FILTER_RATE))


@st.composite
def engine_args(draw: st.DrawFn) -> EngineArgs:
    closed, unrestricted = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    automata = () if closed or unrestricted else draw(several(4))
    return EngineArgs(
        policy=draw(st.text(min_size=1, max_size=64)),
        automata=automata,
        closed=closed,
        unrestricted=unrestricted,
        backtracking=draw(st.none() | backtrackings) if automata else None,
        biases=draw(several(3)),
        subtraction=draw(st.none() | subtractions),
        policy_set=draw(st.just("") | st.binary(min_size=8, max_size=8).map(bytes.hex)),
    )


@given(engine_args())
def test_what_is_dumped_is_loaded(args: EngineArgs) -> None:
    assert EngineArgs.load(args.dump()) == args


def test_the_names_on_the_wire_are_these_and_absent_parts_are_left_out() -> None:
    whole = EngineArgs("7", (A, B), False, Backtracking(3, (12, 5), (7,)), (B, A), Subtraction(A, 0.5, 0.0))
    assert whole.dump() == {
        "lethe_policy": "7",
        "lethe_automata": f"{A},{B}",
        "lethe_rewind": 3,
        "lethe_avoided": "12,5",
        "lethe_barred": "7",
        "lethe_bias": f"{B},{A}",
        "lethe_assistant": A,
        "lethe_alpha": 0.5,
        "lethe_filter": 0.0,
    }
    of_set = EngineArgs("7", policy_set="a" * 16)
    assert of_set.dump() == {"lethe_policy": "7", "lethe_automata": "", "lethe_policy_set": "a" * 16}
    assert EngineArgs("7").dump() == {"lethe_policy": "7", "lethe_automata": ""}
    assert EngineArgs("7", closed=True).dump() == {"lethe_policy": "7", "lethe_automata": "closed"}


def test_the_restriction_is_applied_last_so_that_what_is_masked_stays_masked() -> None:
    assert PROCESSORS[-1] == "guard.vllm_v1:RestrictionProcessor"


# The restriction's part.


@pytest.mark.parametrize(
    ("automata", "args"),
    [
        ("", EngineArgs("7")),
        ("closed", EngineArgs("7", closed=True)),
        (A, EngineArgs("7", (A,))),
        (f"{A},{B}", EngineArgs("7", (A, B))),
        (",".join([A] * MAX_AUTOMATA), EngineArgs("7", (A,) * MAX_AUTOMATA)),
    ],
)
def test_a_request_names_its_policy_and_what_restricts_it(automata: str, args: EngineArgs) -> None:
    given = {"lethe_policy": "7", "lethe_automata": automata, "other": 1}
    assert EngineArgs.load_restriction(given) == EngineArgs.load(given) == args


def test_a_restricted_row_may_abort() -> None:
    given = {"lethe_policy": "7", "lethe_automata": A, "lethe_rewind": 3}
    assert EngineArgs.load(given).backtracking == Backtracking(3)
    assert EngineArgs.load({**given, "lethe_avoided": ""}).backtracking == Backtracking(3)
    assert EngineArgs.load({**given, "lethe_avoided": "12,5"}).backtracking == Backtracking(3, (12, 5))
    assert EngineArgs.load({**given, "lethe_barred": "12"}).backtracking == Backtracking(3, (), (12,))


@pytest.mark.parametrize("automata", ["", "closed"])
def test_how_a_row_without_automata_would_abort_is_not_read(automata: str) -> None:
    given = {"lethe_policy": "7", "lethe_automata": automata, "lethe_rewind": "malformed"}
    assert EngineArgs.load(given).backtracking is None


@pytest.mark.parametrize(
    "given",
    [
        *({"lethe_rewind": token} for token in (-1, "3", 3.0, True)),
        *(
            {"lethe_rewind": 3, name: ids}
            for name in ("lethe_avoided", "lethe_barred")
            for ids in (",", "1,", "1 2", "-1", [1], "1" * 10, "1\n")
        ),
    ],
)
def test_no_other_way_to_abort_is_taken(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        EngineArgs.load_restriction({"lethe_policy": "7", "lethe_automata": A, **given})


@pytest.mark.parametrize(
    "extra_args",
    [
        None,
        {},
        {"lethe_automata": ""},
        {"lethe_policy": "", "lethe_automata": ""},
        {"lethe_policy": 7, "lethe_automata": ""},
        {"lethe_policy": "7" * 65, "lethe_automata": ""},
        {"lethe_policy": "7"},
        {"lethe_policy": "7", "lethe_automata": [A]},
        {"lethe_policy": "7", "lethe_automata": "a"},
        {"lethe_policy": "7", "lethe_automata": A.upper()},
        {"lethe_policy": "7", "lethe_automata": f"{A},"},
        {"lethe_policy": "7", "lethe_automata": f"{A},closed"},
        {"lethe_policy": "7", "lethe_automata": f"../{A[3:]}"},
        {"lethe_policy": "7", "lethe_automata": A + "\n"},
        {"lethe_policy": "7", "lethe_automata": ",".join([A] * (MAX_AUTOMATA + 1))},
        {"lethe_policy": "7", "lethe_automata": "", "lethe_policy_set": "a" * 15},
        {"lethe_policy": "7", "lethe_automata": "", "lethe_policy_set": 7},
    ],
)
def test_any_other_restriction_is_refused(extra_args: dict[str, object] | None) -> None:
    for load in (EngineArgs.load_restriction, EngineArgs.load):
        with pytest.raises(ValueError, match="must be"):
            load(extra_args)


# The biases' part.


def test_a_request_names_biases_or_none() -> None:
    assert load_biases({"lethe_bias": f"{A},{B}"}) == (A, B)
    assert load_biases(None) == load_biases({}) == load_biases({"lethe_bias": ""}) == ()


@pytest.mark.parametrize("given", [3, "x", A[:-1], f"{A},", ",".join([A] * (MAX_BIASES + 1)), None])
def test_any_other_bias_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="lethe_bias"):
        load_biases({"lethe_bias": given})
    with pytest.raises(ValueError, match="lethe_bias"):
        EngineArgs.load({**POLICY, "lethe_bias": given})


# The subtraction's part.


def test_a_request_names_an_assistant_and_may_say_how_strong() -> None:
    assert load_subtraction({"lethe_assistant": A}) == Subtraction(A)
    given = {"lethe_assistant": A, "lethe_alpha": 1, "lethe_filter": 0.05, "other": "ignored"}
    assert load_subtraction(given) == Subtraction(A, 1.0, 0.05)
    greatest = {"lethe_assistant": A, "lethe_alpha": MAX_ALPHA, "lethe_filter": MAX_FILTER_RATE}
    assert load_subtraction(greatest) == Subtraction(A, 10.0, 1.0)


@pytest.mark.parametrize("given", [None, {}, {"lethe_assistant": ""}, {"lethe_policy": "7"}])
def test_a_request_may_name_no_assistant(given: dict[str, object] | None) -> None:
    assert load_subtraction(given) is None


@pytest.mark.parametrize("digest", [7, None, "0f", A.upper(), A + "\n", "../" + A[3:], [A]])
def test_what_is_no_digest_is_refused_and_not_quoted(digest: object) -> None:
    with pytest.raises(ValueError, match="lethe_assistant must be") as caught:
        load_subtraction({"lethe_assistant": digest})
    assert str(digest) not in str(caught.value)


@pytest.mark.parametrize("name", ["lethe_alpha", "lethe_filter"])
@pytest.mark.parametrize("value", ["1", True, math.nan, math.inf, -0.1, 11, [1]])
def test_what_is_no_strength_is_refused(name: str, value: object) -> None:
    for assistant in (A, ""):
        with pytest.raises(ValueError, match=name):
            load_subtraction({"lethe_assistant": assistant, name: value})
    with pytest.raises(ValueError, match=name):
        EngineArgs.load({**POLICY, "lethe_assistant": A, name: value})


MALFORMED = {"lethe_policy": 7, "lethe_automata": "x", "lethe_rewind": "x", "lethe_avoided": [1]}


def test_each_part_is_loaded_whatever_the_others_hold() -> None:
    """A processor fails for what concerns it alone: nothing else closes its rows or has it refuse a request."""
    restriction = EngineArgs("7", (A,), backtracking=Backtracking(3))
    others = {"lethe_bias": "x", "lethe_assistant": 7, "lethe_alpha": "x", "lethe_filter": math.nan}
    assert EngineArgs.load_restriction(restriction.dump() | others) == restriction
    assert load_biases(MALFORMED | others | {"lethe_bias": A}) == (A,)
    subtraction = Subtraction(A, 1.0, 0.5)
    assert load_subtraction(MALFORMED | others | subtraction.dump()) == subtraction
