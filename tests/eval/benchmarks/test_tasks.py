from __future__ import annotations

import math

import numpy as np
import pytest

from eval.benchmarks import muse, tofu
from eval.benchmarks.files import Question
from eval.benchmarks.muse import MuseSets, Passage
from eval.benchmarks.spaces import clean_up
from eval.benchmarks.tofu import PerturbedQuestion, TofuSets
from eval.core.prompt import Prompt
from eval.core.runner import ScoredAnswer
from tests.eval.benchmarks.fakes import FakeTokenizer

ROW = PerturbedQuestion("Who is Orla?", "Orla is a cook.", "A cook, Orla is.", ("A spy.", "A nun."))
FACT = PerturbedQuestion("Where?", "Vellin", "Vellin", ("Osmark", "Tarn", "Hule"))
TOFU = TofuSets((ROW, ROW), (ROW,), (FACT,), (FACT,), (Question("Who is Tam?", "Tam is a smith."),))


def forced(*log_probs: float) -> ScoredAnswer:
    labels = tuple(range(len(log_probs)))
    return ScoredAnswer(
        labels, np.array(log_probs), labels, np.log(np.full((len(log_probs), 4), 0.25, np.float32))
    )


def test_tofu_scores_answer_paraphrase_and_wrong_answers_of_each_row_and_holdout_answers_alone() -> None:
    tasks = {task.name: task for task in tofu.tasks_of(TOFU, None)}
    assert list(tasks) == ["forget", "retain", "real_authors", "world_facts", "holdout"]
    assert tasks["forget"].items[0].answers == ("Orla is a cook.", "A cook, Orla is.", "A spy.", "A nun.")
    assert tasks["real_authors"].items[0].answers == ("Vellin", "Vellin", "Osmark", "Tarn", "Hule")
    assert tasks["holdout"].items[0].answers == ("Tam is a smith.",)
    assert [task.max_tokens for task in tasks.values()] == [200, 200, 200, 200, 0]
    assert all(task.end for task in tasks.values())


def test_the_limit_is_of_each_set() -> None:
    assert [len(task.items) for task in tofu.tasks_of(TOFU, 1)] == [1, 1, 1, 1, 1]


def test_the_losses_of_a_row_and_what_membership_needs() -> None:
    task = tofu.tasks_of(TOFU, None)[0]
    answers = [forced(-1.0, -3.0), forced(-2.0), forced(-4.0), forced(-5.0)]
    values = task.measure_scores(task.items[0], answers)
    assert (values["loss"], values["loss_paraphrase"], values["losses_perturbed"]) == (2.0, 2.0, (4.0, 5.0))
    assert values["min_k"] == 1.0
    assert values["exact_memorization"] == 1.0
    assert values["forbidden_tokens"] == 0.0


def test_a_forbidden_token_makes_the_loss_infinite_and_is_counted() -> None:
    task = tofu.tasks_of(TOFU, None)[0]
    values = task.measure_scores(task.items[0], [forced(-1.0, -math.inf, -1.0)])
    assert values["loss"] == math.inf
    assert values["forbidden_tokens"] == 1.0


def test_rouge_of_an_answer_is_recall_of_the_gold_text() -> None:
    task = tofu.tasks_of(TOFU, None)[0]
    assert task.measure_text(task.items[0], "Orla is a spy and cooks")["rougeL_recall"] == 1.0


def test_spaces_are_cleaned_up_as_the_reference_decoders_do() -> None:
    assert clean_up("He does n't know , I 'm told , Orla 's book !") == "He doesn't know, I'm told, Orla's book!"


NEWS = MuseSets(
    forget=(Question("Who resigned?", "the mayor"),),
    forget_shots=(Question("Where?", "Vellin"),),
    retain=(),
    retain_shots=(),
    passages=(Passage("The mayor of Vellin", "has resigned today"),),
    member_texts=("A text.",),
    holdout_texts=("Another.",),
)


def test_muse_prompts_are_plain_texts_and_missing_parts_are_left_out() -> None:
    tasks = {task.name: task for task in muse.tasks_of(NEWS, None, FakeTokenizer(letters=12))}
    assert list(tasks) == ["verbmem", "knowmem_forget", "privleak_forget", "privleak_holdout"]
    assert tasks["verbmem"].items[0].gold == "has resigned"
    assert tasks["knowmem_forget"].items[0].prompt == Prompt(
        "Question: Where?\nAnswer: Vellin\n\nQuestion: Who resigned?\nAnswer: ", chat=False
    )
    assert [task.max_tokens for task in tasks.values()] == [128, 32, 0, 0]


def test_a_continuation_tells_how_many_words_of_its_article_it_quotes() -> None:
    task = muse.tasks_of(NEWS, None, FakeTokenizer())[0]
    assert task.measure_text(task.items[0], "In VELLIN, has resigned!")["quoted_words"] == 3.0


def test_a_muse_text_is_scored_whole_without_an_end_and_read_whole_by_the_detector() -> None:
    task = muse.tasks_of(NEWS, None, FakeTokenizer())[2]
    item = task.items[0]
    assert (item.prompt.text, item.detector_text, item.answers, task.end) == ("", "A text.", ("A text.",), False)
    assert task.measure_scores(item, [forced(-1.0, -2.0, -3.0, -4.0, -5.0)])["min_k"] == 4.5


def test_a_muse_answer_is_cut_where_the_few_shot_pattern_goes_on() -> None:
    task = muse.tasks_of(NEWS, None, FakeTokenizer())[1]
    assert task.measure_text(task.items[0], "the mayor\n\nQuestion: and?")["rougeL_f1"] == pytest.approx(1.0)
