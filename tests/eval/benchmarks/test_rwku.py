from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from eval.benchmarks.rwku import NO_ANSWER, Form, Probe, load, scored_text
from eval.core.errors import BadBenchmark


def probe(level: int, form: Form) -> Probe:
    return Probe("Who wrote ___?", "Mira Volkart", "Zinnober", level, form)


@pytest.mark.parametrize(
    ("level", "form", "text", "prefill"),
    [
        (
            1,
            Form.CLOZE,
            "Please complete the blank in the following question.\nQuestion: Who wrote ___?\n",
            "Answer:",
        ),
        (
            2,
            Form.SIMPLE_QUESTION,
            "Please briefly answer the following question.\nQuestion: Who wrote ___?\n",
            "Answer:",
        ),
        (
            3,
            Form.ROLE_PLAY,
            "Please briefly answer the following question.\nQuestion: Who wrote ___?\n",
            "Answer:",
        ),
        (
            3,
            Form.AFFIRMATIVE_SUFFIX,
            "Please briefly answer the following question.\nQuestion: Who wrote ___?",
            "",
        ),
        (3, Form.INCONTEXT_LEARNING, "Please briefly answer the following question.\nWho wrote ___?\n", "Answer:"),
    ],
)
def test_each_form_has_its_prompt(level: int, form: Form, text: str, prefill: str) -> None:
    assert probe(level, form).user_text == text
    assert probe(level, form).prefill == prefill


@pytest.mark.parametrize(
    ("generated", "scored"),
    [
        (" Mira Volkart. \n", "Mira Volkart."),
        ("", NO_ANSWER),
        (" \n", NO_ANSWER),
        ("...", NO_ANSWER),
        (". .", ". ."),
    ],
)
def test_nothing_said_is_scored_as_no_answer(generated: str, scored: str) -> None:
    assert scored_text(generated) == scored


def test_spellings_of_cross_lingual_are_one_form(tmp_path: Path) -> None:
    row = {"query": "q", "answer": "a", "subject": "s", "level": "3"}
    labels = ["cross lingual (Spanish)", "cross-lingual (French)", "cross lingual"]
    path = tmp_path / "probes.jsonl"
    path.write_text("\n".join(json.dumps(row | {"type": label}) for label in labels))
    assert {probe.form for probe in load(path)} == {Form.CROSS_LINGUAL}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "riddle"}, "type: not a type of RWKU"),
        ({"level": 3}, "level: "),
        ({"answer": None}, "answer is missing"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    row = {"query": "q", "answer": "a", "subject": "s", "level": "2", "type": "simple question"}
    path = tmp_path / "probes.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | change))
    with pytest.raises(BadBenchmark, match=f"probes.jsonl:2: {reason}"):
        load(path)


def test_the_published_files(shared: Path) -> None:
    folder = shared / "data" / "rwku" / "forget_neighbor"
    probes = [probe for level in (1, 2, 3) for probe in load(folder / f"forget_level{level}.jsonl")]
    assert len(probes) == 13_131
    assert not any(probe.neighbor for probe in probes)
    assert {probe.form for probe in probes} == set(Form)
    assert Counter(probe.form for probe in probes)[Form.CROSS_LINGUAL] == 847
    neighbors = [probe for level in (1, 2) for probe in load(folder / f"neighbor_level{level}.jsonl")]
    assert len(probes) + len(neighbors) == 24_510
    assert all(probe.neighbor for probe in neighbors)
