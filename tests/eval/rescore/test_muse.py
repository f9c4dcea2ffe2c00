from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.core.errors import BadLog
from eval.metrics.membership import MUSE_RETRAIN_AUC, Corpus
from eval.rescore.rescore import Format, rescore


def answers(*scores: float, prompt: str = "Question: Who sails the Tern?\nAnswer: ") -> list[dict[str, Any]]:
    return [
        {"prompt": prompt, "gt": "x", "response": "x", "rougeL": score, "rougeL_recall": 0.1} for score in scores
    ]


def privleak(forget: list[float], holdout: list[float]) -> dict[str, Any]:
    def rows(scores: list[float]) -> list[dict[str, Any]]:
        return [{"text": "x", "PPL": 9.0, "Min-40%": score} for score in scores]

    return {"forget": rows(forget), "retain": rows([1.0]), "holdout": rows(holdout)}


def run(folder: Path, **logs: Any) -> Path:
    for name, log in logs.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "log.json").write_text(json.dumps(log))
        (folder / name / "agg.json").write_text(json.dumps({"mean_rougeL": 0.123}))
    return folder


def test_a_runs_folder_gives_every_column_times_a_hundred(tmp_path: Path) -> None:
    model = run(
        tmp_path / "model",
        verbmem_f=answers(0.5, 0.25),
        knowmem_f=answers(1.0, 0.5),
        knowmem_r=answers(0.75),
        privleak=privleak([1.0, 2.0], [1.5, 3.0]),
    )
    retrained = run(tmp_path / "retrained", privleak=privleak([2.0, 1.0], [2.0]))
    scores = rescore(model, retrained)
    # A forget text above a holdout one in Min-K: 1 of 4 pairs; in the retrained model one tie of two pairs.
    expected = {"verbmem_f": 37.5, "knowmem_f": 75.0, "knowmem_r": 75.0, "privleak": (0.25 - 0.25) / 0.25 * 100}
    assert scores.values == pytest.approx(expected, rel=1e-12)
    assert scores.notes == []


def test_a_memorising_model_leaks_a_hundred_percent(tmp_path: Path) -> None:
    model = run(tmp_path / "model", privleak=privleak([1.0, 1.1], [2.0, 3.0]))
    retrained = run(tmp_path / "retrained", privleak=privleak([2.0, 1.0], [1.5]))
    assert rescore(model, retrained).values == {"privleak": -100.0}


@pytest.mark.parametrize("corpus", list(Corpus))
def test_without_a_retain_log_the_authors_constant_is_used(tmp_path: Path, corpus: Corpus) -> None:
    model = run(tmp_path / corpus.value / "model", privleak=privleak([3.0], [2.0]))
    scores = rescore(model)
    reference = MUSE_RETRAIN_AUC[corpus]
    assert scores.values["privleak"] == pytest.approx((1 - reference) / reference * 100, rel=1e-12)
    assert f"of the {corpus} retrained model" in scores.notes[0]


def test_privleak_is_left_out_for_an_unknown_corpus(tmp_path: Path) -> None:
    scores = rescore(run(tmp_path / "model", privleak=privleak([3.0], [2.0]), knowmem_f=answers(1.0)))
    assert scores.values == {"knowmem_f": 100.0}
    assert scores.notes[0].startswith("privleak: left out")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("knowmem_r/log.json", "knowmem_r"),
        ("knowmem_f/log.json.gz", "knowmem_f"),
        ("muse_news_knowmem_forget.json", "knowmem_f"),
        ("retain2_knowmem.log.json", "knowmem_r"),
        ("verbmem.log.json", "verbmem_f"),
    ],
)
def test_a_single_log_is_identified_by_its_name(tmp_path: Path, name: str, part: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    data = json.dumps(answers(0.5)).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert rescore(path).values == {part: 50.0}


def test_a_log_of_continuations_is_verbmem_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps(answers(0.5, prompt="The Tern left Varnes")))
    assert rescore(path, format=Format.MUSE).values == {"verbmem_f": 50.0}


def test_questions_of_an_unknown_set_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "knowmem.first4.json"
    path.write_text(json.dumps(answers(0.5)))
    with pytest.raises(BadLog, match="forget or retain questions"):
        rescore(path)


def test_one_file_may_have_all_columns(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"knowmem_f": answers(0.5), "verbmem_f": answers(0.25)}))
    assert rescore(path).values == {"verbmem_f": 25.0, "knowmem_f": 50.0}
    path.write_text(json.dumps(privleak([2.0], [1.0])))
    retrained = tmp_path / "retrained.json"
    retrained.write_text(json.dumps(privleak([4.0], [3.0])))
    assert rescore(path, retrained).values == {"privleak": 0.0}


def test_a_runs_folder_is_not_its_own_retain_log(tmp_path: Path) -> None:
    logs = {"knowmem_f": answers(1.0, 0.5), "privleak": privleak([1.0, 2.0], [1.5, 3.0])}
    model, copied = run(tmp_path / "model", **logs), run(tmp_path / "copied", **logs)
    for retrained in (model, copied, tmp_path / "model" / ".." / "model"):
        with pytest.raises(BadLog, match="the retain log is the log itself"):
            rescore(model, retrained)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([{"prompt": "p"}], "0: rougeL is missing"),
        ([], "no samples"),
        (["text"], "0: an object was expected"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, rows: list[Any], reason: str) -> None:
    path = tmp_path / "verbmem.json"
    path.write_text(json.dumps(rows))
    with pytest.raises(BadLog, match=reason):
        rescore(path)


def test_a_folder_or_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadLog, match=r"no log.json in any of verbmem_f"):
        rescore(tmp_path)
    (tmp_path / "other.json").write_text('{"forget": 1}')
    with pytest.raises(BadLog, match="not a MUSE log"):
        rescore(tmp_path / "other.json", format=Format.MUSE)
    with pytest.raises(BadLog, match="not a log of open-unlearning"):
        rescore(tmp_path / "other.json")


def test_a_retain_log_without_scores_is_refused(tmp_path: Path) -> None:
    model = run(tmp_path / "model", privleak=privleak([2.0], [1.0]))
    with pytest.raises(BadLog, match="no privleak scores"):
        rescore(model, run(tmp_path / "retrained", knowmem_f=answers(0.5)))


def test_the_authors_own_log_is_identified_by_its_first_example(shared: Path) -> None:
    path = shared / "data" / "reference-logs" / "muse_knowmem.log.first4.json"
    assert rescore(path).values == {"knowmem_r": pytest.approx((1 / 12 + 3) / 4 * 100, rel=1e-12)}
