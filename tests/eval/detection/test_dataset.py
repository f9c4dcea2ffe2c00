from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.detection.dataset import SETS, from_rwku

PEOPLE = 30
QUESTIONS = 12


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = [f"Orla Venn{number}" for number in range(PEOPLE)]
    write(tmp_path / "forget_target.json", [{"target": name, "intro": f"{name} paints boats."} for name in names])
    for level, kind in (("1", "cloze"), ("2", "simple question"), ("3", "reverse query")):
        rows = [
            {"query": f"Boat {n}.{level} of {name}?", "answer": "It is blue.", "subject": name, "level": level}
            for name in names
            for n in range(QUESTIONS)
        ]
        write(tmp_path / "forget_neighbor" / f"forget_level{level}.json", [row | {"type": kind} for row in rows])
    others = [
        {"query": f"Mill {n} near {name}?", "answer": "Yes.", "subject": name, "level": "2", "neighbor": "Tarn"}
        for name in names
        for n in range(QUESTIONS)
    ]
    write(
        tmp_path / "forget_neighbor" / "neighbor_level2.json",
        [row | {"type": "simple question"} for row in others],
    )
    return tmp_path


def test_every_tenth_person_is_a_target_and_no_set_shares_one(folder: Path) -> None:
    sets = [{draft.name for draft in from_rwku(folder, first, half_known=False).drafts} for first in range(SETS)]
    assert [len(chosen) for chosen in sets] == [PEOPLE // SETS] * SETS
    assert len(set.union(*sets)) == PEOPLE


def test_without_known_probes_all_are_tested(folder: Path) -> None:
    dataset = from_rwku(folder, 0, half_known=False)
    assert (dataset.examples, dataset.negatives) == ((), ())
    assert {group.name: len(group.texts) for group in dataset.groups} == {
        "cloze": 3 * QUESTIONS,
        "simple question": 3 * QUESTIONS,
        "reverse query": 3 * QUESTIONS,
        "neighbours, level 2": 3 * QUESTIONS,
    }
    assert [group.about for group in dataset.groups] == [True, True, True, False]


def test_a_known_probe_is_not_tested(folder: Path) -> None:
    dataset = from_rwku(folder, 0, half_known=True)
    known = {one.text for one in dataset.examples} | set(dataset.negatives)
    known |= {fact.question or fact.answer for draft in dataset.drafts for fact in draft.facts}
    texts = {one.text for group in dataset.groups for one in group.texts}
    assert len(dataset.examples) > 5
    assert len(dataset.negatives) > 5
    assert not any(text in one for one in texts for text in known)
    everything = from_rwku(folder, 0, half_known=False)
    assert texts < {one.text for group in everything.groups for one in group.texts}
