from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.core.sample import Key, Sample

NUMBERS = st.floats(allow_nan=False)
VALUES = st.dictionaries(st.text(min_size=1, max_size=8), NUMBERS | st.lists(NUMBERS, max_size=5).map(tuple))


@given(st.none() | st.text(), VALUES)
def test_a_line_reads_back_as_the_sample(text: str | None, values: dict) -> None:
    sample = Sample(Key("guard", "forget", 7), "restrict", text, values)
    line = sample.line()
    assert line.count("\n") == 1
    assert Sample.read(line) == sample


def test_an_infinite_loss_is_valid_json() -> None:
    line = Sample(Key("guard", "forget", 0), "restrict", "", {"loss": math.inf}).line()
    assert json.loads(line, parse_constant=pytest.fail)["values"] == {"loss": "inf"}


@pytest.mark.parametrize(
    "line", ["{}", "[1]", '{"run": "a"', '{"run":"a","set":"b","index":"x","plan":"","text":""}']
)
def test_what_is_no_sample_is_refused(line: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        Sample.read(line)


def test_texts_stay_out_of_reprs() -> None:
    assert "Quennbeck" not in repr(Sample(Key("none", "forget", 0), "pass", "Orla Quennbeck", {}))
