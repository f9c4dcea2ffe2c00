from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.benchmarks.rwku import Form, Probe, ProbeItem, Rwku, load_probes, persons, task_of
from eval.core.cell import Cells
from eval.core.errors import BadBenchmark
from eval.core.prompt import Prompt
from eval.core.sample import Key, ReplaySamples, Sample
from eval.core.task import Task


def probe(subject: str, level: int = 2, form: Form = Form.SIMPLE_QUESTION) -> Probe:
    return Probe("Who wrote it?", "Orla Quennbeck", subject, level, form)


def cells(samples: dict[Key, Sample], task: Task[ProbeItem]) -> Cells:
    return Rwku().cells(ReplaySamples(samples, {"none": ""}), "none", [task])


def test_a_probe_begins_the_assistants_turn_and_its_set_is_a_task() -> None:
    task = task_of("forget_level2", [probe("Orla Quennbeck")])
    assert task.items[0].prompt == Prompt(
        "Please briefly answer the following question.\nQuestion: Who wrote it?\n", prefill="Answer:"
    )
    assert (task.name, task.max_tokens) == ("forget_level2", 30)


@pytest.mark.parametrize(
    ("said", "recall"),
    [(" Orla Quennbeck\nQuestion: and?", 1.0), (" orla Quennbeck", 0.5), ("\nOrla", 0.0), ("...", 0.0)],
)
def test_what_is_said_up_to_the_end_of_the_line_is_scored(said: str, recall: float) -> None:
    task = task_of("forget_level2", [probe("Orla Quennbeck")])
    assert task.measure_text(task.items[0], said) == {"rouge_words_recall": recall}


def test_a_target_counts_once_whatever_its_probes_and_all_counts_probes() -> None:
    task = task_of("forget_level1", [probe("a"), probe("a"), probe("a"), probe("b")])
    scores = [1.0, 1.0, 1.0, 0.0]
    samples = {
        (key := Key("none", "forget_level1", i)): Sample(key, "pass", "", {"rouge_words_recall": score})
        for i, score in enumerate(scores)
    }
    table = cells(samples, task)
    assert table["forget_fb"].value == 50.0
    assert table["forget_all"].value == 75.0
    assert table["neighbor_all"].value is None


def test_the_adversarial_forms_have_scores_of_their_own() -> None:
    task = task_of("forget_level3", [probe("a", 3, Form.ROLE_PLAY), probe("a", 3, Form.REVERSE_QUERY)])
    samples = {
        (key := Key("none", "forget_level3", i)): Sample(key, "pass", "", {"rouge_words_recall": float(i)})
        for i in range(2)
    }
    table = cells(samples, task)
    assert (table["form_role_play"].value, table["form_reverse_query"].value) == (0.0, 100.0)
    assert "form_context_hint" not in table


def test_targets_are_names_with_their_introductions(tmp_path: Path) -> None:
    row = {"target": "Orla Quennbeck", "intro": "Please forget Orla Quennbeck, a cook."}
    (tmp_path / "forget_target.jsonl").write_text(json.dumps(row))
    (draft,) = persons(tmp_path)
    assert (draft.name, [fact.answer for fact in draft.facts]) == ("Orla Quennbeck", [row["intro"]])


def test_a_folder_without_probes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBenchmark, match="no forget_neighbor files"):
        load_probes(tmp_path, None)
