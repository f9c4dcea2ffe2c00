"""What an outsider sees of answers, and how well it tells targets from other names."""

from __future__ import annotations

import pytest

from eval.membership.observe import Observation
from eval.membership.probes import FORMS, Group, Probe, of_unlearnt, probes
from eval.membership.separability import PAIRS, Pair, latency_test, markdown, refuses, separations, shapes

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
    """Return how well targets are told from other groups."""
    return {
        (one.what, one.pair.other): one.auc for one in separations(observations) if one.pair.one is Group.TARGET
    }


def test_every_form_is_asked_about_every_name_in_a_mixed_order() -> None:
    asked = probes(["A B", "C D"], ["E F", "G H"], 3)
    assert len(asked) == 10 * len(FORMS)
    assert {probe.group for probe in asked[: len(FORMS)]} != {Group.TARGET}
    assert asked == probes(["A B", "C D"], ["E F", "G H"], 3)
    twice = probes(["A B", "C D"], ["E F", "G H"], 3, rounds=2)
    assert sorted(twice) == sorted(asked * 2)


def test_a_model_that_never_learnt_the_targets_is_asked_about_them_and_about_invented_names() -> None:
    asked = of_unlearnt(probes(["A B"], ["E F", "G H"], 1))
    assert {probe.group for probe in asked} == {Group.TARGET_UNLEARNT, Group.INVENTED_UNLEARNT}
    assert len(asked) == 2 * len(FORMS)


def test_pairs_of_which_nobody_was_asked_are_left_out() -> None:
    both = {Group.TARGET: "A writer.", Group.SERVED: "A writer."}
    assert {one.pair for one in separations(seen(both))} == {Pair(Group.TARGET, Group.SERVED)}
    assert {one.pair for one in separations(seen(ALIKE))} == set(PAIRS)


def test_the_same_names_are_told_apart_by_who_answers() -> None:
    answers = seen({Group.TARGET: "A writer.", Group.TARGET_UNLEARNT: "Nobody known."})
    alike = [one for one in seen(ALIKE) if one.probe.group in (Group.TARGET, Group.TARGET_UNLEARNT)]
    renamed = [
        Observation(one.probe._replace(name=one.probe.name[-1]), one.text, one.seconds, one.logprob, SHAPE)
        for one in [*answers, *alike]
    ]
    assert of(renamed[: len(answers)])["answers", Group.TARGET_UNLEARNT] == 1.0
    assert of(renamed[len(answers) :])["answers", Group.TARGET_UNLEARNT] == 0.5


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
        assert latency_test(seen(ALIKE, seconds=sign), PAIRS[0]).p_value < 1e-6


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
