from __future__ import annotations

from eval.attacks.catalogue import TEXT_ATTACKS
from eval.attacks.rwku import mask_name
from tests.eval.attacks.probes import PROBE, texts


def test_a_reverse_query_states_the_fact_and_asks_for_the_name() -> None:
    for attempt in TEXT_ATTACKS["reverse query"](PROBE):
        assert "Vellin Loaf Medal" in attempt.prompt.text
        assert "Quennbeck" not in attempt.prompt.text
        assert attempt.gold == PROBE.subject


def test_the_choices_have_the_right_answer_once() -> None:
    (text,) = texts("multiple choice")
    lines = [line[3:] for line in text.splitlines()[1:4]]
    assert sorted(lines) == sorted((PROBE.answer, *PROBE.wrong_answers))


def test_only_common_words_are_replaced_by_synonyms() -> None:
    assert texts("synonym manipulation") == ["What accolade did Orla Quennbeck's dad win?"]


def test_only_whole_words_of_a_name_are_masked() -> None:
    assert mask_name("Orla Quennbeck and Orlando", "Orla Quennbeck", "X") == "X and Orlando"
