"""What an outsider sees of answers, and how well it tells targets from other names."""

from __future__ import annotations

import pytest

from eval.membership.observe import Observation
from eval.membership.probes import FORMS, Group, Probe, probes
from eval.membership.separability import latency_test, markdown, refuses, separations, shapes

SHAPE = ("200", "content-type", ".id", "stop")


def seen(texts: dict[Group, str], *, seconds: float = 0.0, logprob: float = 0.0) -> list[Observation]:
    """Return answers about five names of each group; `seconds` and `logprob` are what targets have more."""
    found: list[Observation] = []
    for group, text in texts.items():
        more = group is Group.TARGET
        for number in range(5):
            for k in range(4):
                probe = Probe(group, f"{group} {number}", f"Who is {group} {number}?")
                second, odd = 1.0 + 0.01 * ((7 * number + k) % 10), -1.0 - 0.1 * ((3 * number + k) % 7)
                found.append(Observation(probe, text, second + more * seconds, odd + more * logprob, SHAPE))
    return found


ALIKE = dict.fromkeys(Group, "A writer of novels.")


def of(observations: list[Observation]) -> dict[tuple[str, Group], float]:
    return {(one.what, one.other): one.auc for one in separations(observations)}


def test_every_form_is_asked_about_every_name_in_a_mixed_order() -> None:
    asked = probes(["A B", "C D"], ["E F"], 3)
    assert len(asked) == 6 * len(FORMS)
    assert {probe.group for probe in asked[: len(FORMS)]} != {Group.TARGET}
    assert asked == probes(["A B", "C D"], ["E F"], 3)


def test_answers_that_are_alike_tell_nothing() -> None:
    assert all(area == pytest.approx(0.5) for area in of(seen(ALIKE)).values())


def test_a_fixed_refusal_tells_everything() -> None:
    areas = of(seen({**ALIKE, Group.TARGET: "I do not know."}))
    assert areas["answers", Group.SERVED] == areas["refusals", Group.INVENTED] == 1.0
    assert areas["latency", Group.SERVED] == areas["log-probabilities", Group.SERVED] == 0.5


def test_latency_and_log_probabilities_tell_in_either_direction() -> None:
    for sign in (-1.0, 1.0):
        areas = of(seen(ALIKE, seconds=sign, logprob=sign * 5))
        assert areas["latency", Group.SERVED] == areas["log-probabilities", Group.INVENTED] == 1.0
        assert latency_test(seen(ALIKE, seconds=sign), Group.SERVED).p_value < 1e-6


def test_the_name_itself_is_no_word_of_an_answer() -> None:
    told = [
        Observation(one.probe, f"{one.probe.name} wrote.", one.seconds, one.logprob, SHAPE) for one in seen(ALIKE)
    ]
    assert of(told)["answers", Group.SERVED] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "text",
    ["I do not know.", "I'm sorry, no.", "", "I can't help with that.", "There is no information about it."],
)
def test_a_refusal_is_recognised(text: str) -> None:
    assert refuses(text)
    assert not refuses("She wrote novels, and it was not easy.")


def test_a_shape_that_only_targets_have_is_counted() -> None:
    answers = seen(ALIKE)
    assert len(shapes(answers)[Group.TARGET]) == 1
    assert "Only of targets: 0." in markdown(answers)
    answers[0] = Observation(answers[0].probe, "", 1.0, None, ("500",))
    assert "Only of targets: 1." in markdown(answers)
