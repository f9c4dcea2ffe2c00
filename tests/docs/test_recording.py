"""README's recording of a terminal shows the commands of README and what they print, and loads nothing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.e2e.real_model.recording import FILE, MAX_BYTES, Recorded, picture, steps_of, with_steps
from tests.e2e.real_model.tour import ROOT, Step, steps

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_recording_is_the_tour_of_the_readme() -> None:
    assert steps_of(FILE.read_text(encoding="utf-8")) == steps(README)


def test_the_recording_is_small_valid_and_loads_nothing() -> None:
    svg = FILE.read_text(encoding="utf-8")
    assert len(svg.encode()) < MAX_BYTES
    ElementTree.fromstring(svg)
    assert re.findall(r"<script|href|url\(|@import|<image|https?://(?!www\.w3\.org|127\.0\.0\.1)", svg) == []


@pytest.mark.parametrize(
    "step",
    [
        Step("ask 'x'", "one line"),
        Step("ask() { curl \\\n    -d x; }", ""),
        Step("grep '<a & b>' file", 'two\n"lines" <of> it\n\nand a gap'),
        Step("echo " + "long " * 60, "word " * 59 + "end"),
        Step("ls", "$ looks like a command"),
    ],
)
def test_what_is_recorded_can_be_read_again(step: Step) -> None:
    around = Step("true", "")
    assert steps_of(picture([Recorded(one, 0.5) for one in (around, step, around)])) == [around, step, around]


def test_output_appears_when_the_command_has_ended() -> None:
    svg = picture([Recorded(Step("a", "b"), 2.5), Recorded(Step("c", "d"), 1.0)])
    assert re.findall(r"animation-delay:([\d.]+)s", svg) == ["0.0", "0.8", "3.3", "4.1"]


def test_a_new_run_takes_the_place_of_the_one_before() -> None:
    shown = [Step(step.command, step.output and f"{step.output} again") for step in steps(README)]
    changed = with_steps(README, shown)
    assert steps(changed) == shown
    assert with_steps(changed, steps(README)) == README
