from __future__ import annotations

from eval.attacks.catalogue import TEXT_ATTACKS
from tests.eval.attacks.probes import PROBE, texts


def test_a_masked_question_has_no_part_of_the_name() -> None:
    for text in texts("target masking"):
        assert "Orla" not in text
        assert "Quennbeck" not in text
        assert "the baker born in Tarnmouth's father" in text


def test_many_shots_are_turns_about_others_before_the_question() -> None:
    (attempt,) = TEXT_ATTACKS["many-shot"](PROBE)
    assert [turn.role for turn in attempt.prompt.before] == ["user", "assistant"] * 8
    assert attempt.prompt.text == PROBE.question


def test_no_turn_of_a_split_has_both_name_and_question() -> None:
    for attempt in TEXT_ATTACKS["multi-turn split"](PROBE):
        turns = [turn.text for turn in attempt.prompt.before] + [attempt.prompt.text]
        assert not any("Orla Quennbeck" in turn and "father" in turn and "award" in turn for turn in turns)


def test_a_prefilled_beginning_is_not_part_of_the_gold_answer() -> None:
    for name, place in (("prefill", 1), ("prefill", 2), ("completion", 2)):
        attempt = TEXT_ATTACKS[name](PROBE)[place]
        given = attempt.prompt.prefill or attempt.prompt.text.removeprefix(f"{PROBE.question} ")
        assert f"{given} {attempt.gold}" == PROBE.answer
