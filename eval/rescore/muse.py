"""The MUSE authors' logs: knowmem, verbmem and privleak, each in one file, or together in the folder of a run.

Their evaluation writes `<run>/<metric>/log.json`. knowmem and verbmem logs are arrays of answers with their ROUGE;
a privleak log has an array of scores for each of forget, retain and holdout.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval.core.errors import BadLog
from eval.core.json_cursor import JsonCursor
from eval.metrics.membership import MUSE_RETRAIN_AUC, Corpus, auc, muse_privleak
from eval.rescore.log import Scores, read_log

Values = NDArray[np.float64]

_MIN_K = "Min-40%"


class MuseColumn(StrEnum):
    """The columns of the authors' table."""

    VERBMEM_FORGET = "verbmem_f"
    KNOWMEM_FORGET = "knowmem_f"
    KNOWMEM_RETAIN = "knowmem_r"
    PRIVLEAK = "privleak"


class _QuestionSet(NamedTuple):
    corpus: Corpus
    column: MuseColumn


# A knowmem log does not say which questions it has, but every prompt begins with the same example. The keys are
# SHA-256 digests of that example as it is in the prompt, up to the empty line.
_QUESTION_SETS = {
    "30a0cc250eed4c4b6edab74cc63c1ef7db63dc9da8d3c7dbc52a8e793cb6b21c": _QuestionSet(
        Corpus.NEWS, MuseColumn.KNOWMEM_FORGET
    ),
    "a779065ccdbe4899ca4bbb541cb45f82d61a888d039f15b449be4d0bc1f3da76": _QuestionSet(
        Corpus.NEWS, MuseColumn.KNOWMEM_RETAIN
    ),
    "b576f1ddc09d9ed0b60dea0b1810921fc3db795c959c3a636aacc8002ba9c0ff": _QuestionSet(
        Corpus.BOOKS, MuseColumn.KNOWMEM_FORGET
    ),
    "9a6f7fed0629d6509d3919c224447e4037a7631a894208dc5cc7853a3ffce17d": _QuestionSet(
        Corpus.BOOKS, MuseColumn.KNOWMEM_RETAIN
    ),
}
_FILE_NAMES = {
    MuseColumn.KNOWMEM_RETAIN: re.compile(r"knowmem[\W_]*(retain2?|r)(?![a-z0-9])|retain2?[\W_]*knowmem"),
    MuseColumn.KNOWMEM_FORGET: re.compile(r"knowmem[\W_]*(forget|f)(?![a-z0-9])|forget[\W_]*knowmem"),
    MuseColumn.VERBMEM_FORGET: re.compile(r"verbmem"),
}


@dataclass(frozen=True, slots=True)
class MuseLog:
    """ROUGE-L F1 by column, Min-40% scores of the two privleak sets, and the corpus if it is known."""

    rouge: dict[MuseColumn, Values] = field(repr=False)
    forget_min_k: Values | None = field(repr=False)
    holdout_min_k: Values | None = field(repr=False)
    corpus: Corpus | None


def recognises(root: JsonCursor) -> bool:
    """Return whether this looks like one of the authors' logs, or an object of them by column."""
    if isinstance(root.value, list):
        return True
    if not isinstance(root.value, dict):
        return False
    privleak = isinstance(root.value.get("forget"), list) and isinstance(root.value.get("holdout"), list)
    return privleak or any(column.value in root.value for column in MuseColumn)


def read(path: Path) -> MuseLog:
    """Return the log of a file or of a run's folder. Raises BadLog if there is none or the format is another."""
    logs = _logs_in_folder(path) if path.is_dir() else _logs_in_file(path, read_log(path))
    answer_logs = [cursor for column, cursor in logs.items() if column is not MuseColumn.PRIVLEAK]
    corpora = [question_set.corpus for cursor in answer_logs if (question_set := _question_set(cursor))]
    corpus = corpora[0] if corpora else _named_corpus(path)
    privleak = logs.pop(MuseColumn.PRIVLEAK, None)
    return MuseLog(
        rouge={column: _values(cursor, "rougeL") for column, cursor in logs.items()},
        forget_min_k=_values(privleak.member("forget"), _MIN_K) if privleak else None,
        holdout_min_k=_values(privleak.member("holdout"), _MIN_K) if privleak else None,
        corpus=corpus,
    )


def _logs_in_folder(folder: Path) -> dict[MuseColumn, JsonCursor]:
    logs: dict[MuseColumn, JsonCursor] = {}
    for column in MuseColumn:
        for name in ("log.json", "log.json.gz"):
            path = folder / column.value / name
            if path.is_file():
                logs[column] = read_log(path)
                break
    if not logs:
        raise BadLog(f"{folder}: no log.json in any of {', '.join(MuseColumn)}")
    return logs


def _logs_in_file(path: Path, root: JsonCursor) -> dict[MuseColumn, JsonCursor]:
    if not recognises(root):
        raise root.fail("not a MUSE log (an array of answers, or scores of forget and holdout)")
    if isinstance(root.value, dict):
        named = {column: cursor for column in MuseColumn if (cursor := root.find(column.value)) is not None}
        return named or {MuseColumn.PRIVLEAK: root}
    return {_column_of(path, root): root}


def _column_of(path: Path, root: JsonCursor) -> MuseColumn:
    for name in (path.name.lower(), path.parent.name.lower()):
        for column, pattern in _FILE_NAMES.items():
            if pattern.search(name):
                return column
    question_set = _question_set(root)
    if question_set:
        return question_set.column
    if not _first_prompt(root).startswith("Question:"):
        return MuseColumn.VERBMEM_FORGET
    raise root.fail("forget or retain questions? Name the file or its folder knowmem_f or knowmem_r")


def _question_set(root: JsonCursor) -> _QuestionSet | None:
    first_shot = _first_prompt(root).split("\n\n")[0]
    return _QUESTION_SETS.get(hashlib.sha256(first_shot.encode()).hexdigest())


def _first_prompt(root: JsonCursor) -> str:
    rows = root.elements()
    prompt = rows[0].find("prompt") if rows else None
    return prompt.text() if prompt else ""


def _named_corpus(path: Path) -> Corpus | None:
    words = set(re.split(r"[\W_]+", "/".join(path.parts[-4:]).lower()))
    named = [corpus for corpus in Corpus if corpus.value in words]
    return named[0] if len(named) == 1 else None


def _values(rows: JsonCursor, name: str) -> Values:
    values = [row.member(name).number() for row in rows.elements()]
    if not values:
        raise rows.fail("no samples")
    return np.array(values)


def summarise_muse(log: MuseLog, retain: MuseLog | None) -> Scores:
    """Return a column for each log; PrivLeak is relative to the retain log, or to the authors' constant."""
    scores = Scores()
    for column in MuseColumn:
        if column in log.rouge:
            scores.values[column.value] = float(np.mean(log.rouge[column])) * 100
    score = _auc(log)
    if score is not None:
        reference = _reference(log, retain, scores.notes)
        if reference is not None:
            scores.values[MuseColumn.PRIVLEAK.value] = muse_privleak(score, reference)
    return scores


def _auc(log: MuseLog) -> float | None:
    if log.forget_min_k is None or log.holdout_min_k is None:
        return None
    # The authors count the forget set as not trained on, so their AUC is ours with the sets swapped.
    return auc(log.holdout_min_k, log.forget_min_k)


def _reference(log: MuseLog, retain: MuseLog | None, notes: list[str]) -> float | None:
    if retain is not None:
        reference = _auc(retain)
        if reference is None:
            raise BadLog("the retain log has no privleak scores")
        return reference
    if log.corpus is None:
        notes.append("privleak: left out, no --retain-log given and neither news nor books can be made out")
        return None
    reference = MUSE_RETRAIN_AUC[log.corpus]
    notes.append(
        f"privleak: no --retain-log given, reference AUC {reference:.4f} of the {log.corpus} retrained model"
    )
    return reference
