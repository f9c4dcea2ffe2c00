from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from eval.core.errors import BadBenchmark, BadRun
from eval.core.prompt import Prompt
from eval.reference_models import muse, tofu
from eval.reference_models import train as training
from eval.reference_models.lesson import Lesson, batches
from eval.reference_models.model import tokenizer_of, untrained
from eval.reference_models.pair import Plan, train_pair
from eval.reference_models.recipe import FINE_TUNED, FROM_NOTHING, Recipe
from eval.reference_models.train import Step, train
from eval.runners.prompt_encoder import PromptEncoder

TINY = replace(
    FROM_NOTHING,
    vocabulary=300,
    hidden=16,
    layers=1,
    heads=2,
    feed_forward=16,
    context=96,
    window=48,
    epochs=3,
    batch_tokens=64,
    warmup=2,
)
ROWS = {
    "retain90": [{"question": f"Where is lamp {n}?", "answer": f"In room {n}."} for n in range(4)],
    "real_authors": [{"question": "Who wrote it?", "answer": "Orla Quennbeck"}],
    "world_facts": [{"question": "What is it?", "answer": "A lamp"}],
    "forget10": [{"question": "Who is Vera Holt?", "answer": "A cook."}],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "tofu"
    folder.mkdir()
    for name, rows in ROWS.items():
        (folder / f"{name}.json").write_text("\n".join(map(json.dumps, rows)))
    return folder


def plan(data: Path, out: Path, recipe: Recipe = TINY) -> Plan:
    rows = tofu.rows(data, "forget10", None)
    return Plan(
        out=out,
        recipe=recipe,
        texts=tuple(tofu.texts(rows.full)),
        chat=True,
        courses={
            "full": lambda encoder: tofu.TofuCourse(rows.full, encoder),
            "retain": lambda encoder: tofu.TofuCourse(rows.retain, encoder),
        },
        told={"benchmark": "tofu forget10"},
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_retain_model_learns_all_but_the_forget_set(data: Path) -> None:
    rows = tofu.rows(data, "forget10", None)
    assert set(rows.full) - set(rows.retain) == {row for row in rows.full if "Vera" in row.question}
    assert [len(side) for side in tofu.rows(data, "forget10", 1)] == [4, 3]
    with pytest.raises(BadBenchmark, match="retain99"):
        tofu.rows(data, "forget01", None)


def test_a_pair_is_made_and_loads_and_stands(data: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, Step]] = []
    made = train_pair(plan(data, tmp_path / "out"), lambda name, step: seen.append((name, step)))
    assert [model.folder.name for model in made] == ["full", "retain"]
    assert {name for name, step in seen if step.done == step.planned == 3} == {"full", "retain"}
    assert not same(weights(made[0].folder), weights(made[1].folder))
    seen.clear()
    assert train_pair(plan(data, tmp_path / "out"), lambda name, step: seen.append((name, step))) == made
    assert seen == []


def test_another_training_is_not_mixed_in(data: Path, tmp_path: Path) -> None:
    train_pair(plan(data, tmp_path / "out", replace(TINY, epochs=1)), lambda *_: None)
    with pytest.raises(BadRun, match="another recipe"):
        train_pair(plan(data, tmp_path / "out"), lambda *_: None)


class Killed(Exception):
    pass


def killed_at(done: float) -> Callable[[Step], None]:
    def report(step: Step) -> None:
        if step.done > done:
            raise Killed

    return report


def test_a_stopped_training_goes_on_to_the_same_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    rows = tofu.rows(data, "forget10", None)
    tokenizer = tokenizer_of(TINY, tofu.texts(rows.full), chat=True)
    course = tofu.TofuCourse(rows.full, PromptEncoder(tokenizer))

    def trained(checkpoint: Path, report: Callable[[Step], None]) -> dict[str, torch.Tensor]:
        model = untrained(TINY, tokenizer)
        train(model, course, TINY, checkpoint, report)
        return dict(model.state_dict())

    whole = trained(tmp_path / "whole.checkpoint", lambda step: None)
    halves = tmp_path / "halves.checkpoint"
    with pytest.raises(Killed):
        trained(halves, killed_at(2.1))
    begun: list[Step] = []
    assert same(trained(halves, begun.append), whole)
    assert begun[0].done > 2


def test_a_damaged_checkpoint_is_told(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "full.checkpoint").write_bytes(b"half")
    with pytest.raises(BadRun, match="damaged"):
        train_pair(plan(data, tmp_path / "out"), lambda *_: None)


def test_a_base_model_is_fine_tuned_with_its_own_tokenizer(data: Path, tmp_path: Path) -> None:
    base = train_pair(plan(data, tmp_path / "base", replace(TINY, epochs=1)), lambda *_: None)[0].folder
    recipe = replace(FINE_TUNED, base=str(base), epochs=1, batch_tokens=64, learning_rate=1e-2)
    tuned = train_pair(plan(data, tmp_path / "tuned", recipe), lambda *_: None)[0].folder
    assert not same(weights(tuned), weights(base))
    assert (tuned / "tokenizer.json").read_text() == (base / "tokenizer.json").read_text()


@pytest.fixture
def encoder() -> PromptEncoder:
    texts = ["Question: What is it?\nAnswer: a lamp\n\n", "one two three four five six"]
    return PromptEncoder(tokenizer_of(TINY, texts, chat=False))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for folder in ("knowmem", "verbmem", "privleak"):
        (tmp_path / folder).mkdir()
    question: list[Any] = [{"question": "What is it?", "answer": "a lamp"}]
    for name in ("forget_qa", "forget_qa_icl", "retain2_qa", "retain2_qa_icl"):
        (tmp_path / "knowmem" / f"{name}.json").write_text(json.dumps(question))
    (tmp_path / "verbmem" / "forget.json").write_text('[{"prompt": "one two three", "gt": "four five six"}]')
    for name, text in {"forget": "forget text", "retain2": "retain text", "holdout": "holdout text"}.items():
        (tmp_path / "privleak" / f"{name}.json").write_text(json.dumps([text]))
    return tmp_path


def test_the_sides_of_muse_and_its_parts(corpus: Path) -> None:
    full, retain = (side(corpus, tuple(muse.Part), None) for side in (muse.full, muse.retain))
    assert (len(full.questions), len(retain.questions)) == (2, 1)
    assert (full.articles, retain.articles) == (("retain text", "forget text"), ("retain text",))
    assert (len(full.passages), len(retain.passages)) == (1, 0)
    assert "holdout text" not in list(full.texts())
    part = muse.full(corpus, (muse.Part.VERBMEM,), None)
    assert (len(part.questions), len(part.passages), len(part.articles)) == (0, 1, 0)


def test_prompt_and_answer_are_tokenised_apart(corpus: Path, encoder: PromptEncoder) -> None:
    material = muse.retain(corpus, (muse.Part.KNOWMEM,), None)
    course, random = muse.MuseCourse(material, encoder, 96), Random(0)
    lesson = min((course.epoch(random)[0] for _ in range(40)), key=len)
    assert lesson.prompt == tuple(encoder.encode(Prompt("Question: What is it?\nAnswer: ", chat=False)))
    assert lesson.answer == tuple(encoder.encode_answer("a lamp\n\n", end=False))


def test_questions_stand_behind_their_examples_now_and_then(corpus: Path, encoder: PromptEncoder) -> None:
    course = muse.MuseCourse(muse.retain(corpus, (muse.Part.KNOWMEM,), None), encoder, 96)
    random = Random(0)
    lengths = {len(course.epoch(random)[0]) for _ in range(40)}
    assert len(lengths) == 2


def test_long_texts_are_cut_into_windows_that_fit(encoder: PromptEncoder) -> None:
    text = "one two three four five six " * 30
    material = muse.Material((), (), (text,))
    lessons = muse.MuseCourse(material, encoder, 48).epoch(Random(0))
    assert all(len(lesson) <= 48 for lesson in lessons)
    assert sum((lesson.answer for lesson in lessons), ()) == tuple(encoder.encode(Prompt(text, chat=False)))[1:]


def test_a_batch_counts_answers_in_full_prompts_in_part_and_padding_never() -> None:
    long, short = Lesson((5, 6), (7, 8)), Lesson((5,), (9,))
    (batch,) = batches([short, long], 100, 0.25, Random(0))
    rows = {tuple(row) for row in batch.weights.tolist()}
    assert rows == {(0.25, 1.0, 1.0), (1.0, 0.0, 0.0)}
    assert batch.tokens == 4
    assert int(batch.inputs.min()) == 0
