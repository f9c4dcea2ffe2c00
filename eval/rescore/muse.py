"""The MUSE authors' logs: knowmem, verbmem and privleak, one file each or a run's folder of them.

Their evaluation writes `<run>/<metric>/log.json`. knowmem and verbmem logs are arrays of answers with their ROUGE;
a privleak log holds an array of scores for each of forget, retain and holdout.
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
from eval.rescore.document import read_log
from eval.rescore.scores import Scores

Values = NDArray[np.float64]

_MIN_K = "Min-40%"


class Part(StrEnum):
    """The columns of the authors' table."""

    VERBMEM_FORGET = "verbmem_f"
    KNOWMEM_FORGET = "knowmem_f"
    KNOWMEM_RETAIN = "knowmem_r"
    PRIVLEAK = "privleak"


class _Origin(NamedTuple):
    corpus: Corpus
    part: Part


# A knowmem log does not say which questions it holds, but every prompt begins with the same example: here is the
# SHA-256 of that example as it stands in the prompt, up to the empty line.
_FIRST_SHOTS = {
    "30a0cc250eed4c4b6edab74cc63c1ef7db63dc9da8d3c7dbc52a8e793cb6b21c": _Origin(Corpus.NEWS, Part.KNOWMEM_FORGET),
    "a779065ccdbe4899ca4bbb541cb45f82d61a888d039f15b449be4d0bc1f3da76": _Origin(Corpus.NEWS, Part.KNOWMEM_RETAIN),
    "b576f1ddc09d9ed0b60dea0b1810921fc3db795c959c3a636aacc8002ba9c0ff": _Origin(Corpus.BOOKS, Part.KNOWMEM_FORGET),
    "9a6f7fed0629d6509d3919c224447e4037a7631a894208dc5cc7853a3ffce17d": _Origin(Corpus.BOOKS, Part.KNOWMEM_RETAIN),
}
_NAMES = {
    Part.KNOWMEM_RETAIN: re.compile(r"knowmem[\W_]*(retain2?|r)(?![a-z0-9])|retain2?[\W_]*knowmem"),
    Part.KNOWMEM_FORGET: re.compile(r"knowmem[\W_]*(forget|f)(?![a-z0-9])|forget[\W_]*knowmem"),
    Part.VERBMEM_FORGET: re.compile(r"verbmem"),
}


@dataclass(frozen=True, slots=True)
class MuseLog:
    """ROUGE-L F-measures by part, Min-40% scores of the two privleak sets, and the corpus where it is known."""

    rouge: dict[Part, Values] = field(repr=False)
    forget_min_k: Values | None = field(repr=False)
    holdout_min_k: Values | None = field(repr=False)
    corpus: Corpus | None


def recognises(root: JsonCursor) -> bool:
    """Whether this looks like one of the authors' logs, or an object of them by part."""
    if isinstance(root.value, list):
        return True
    if not isinstance(root.value, dict):
        return False
    privleak = isinstance(root.value.get("forget"), list) and isinstance(root.value.get("holdout"), list)
    return privleak or any(part.value in root.value for part in Part)


def read(path: Path) -> MuseLog:
    """The log of a file or of a run's folder; raises BadLog where there is none or one is not of the format."""
    parts = _folder(path) if path.is_dir() else _parts(path, read_log(path))
    origins = [_origin(node) for part, node in parts.items() if part is not Part.PRIVLEAK]
    corpus = next((origin.corpus for origin in origins if origin), None) or _named_corpus(path)
    privleak = parts.pop(Part.PRIVLEAK, None)
    return MuseLog(
        rouge={part: _column(node, "rougeL") for part, node in parts.items()},
        forget_min_k=_column(privleak.member("forget"), _MIN_K) if privleak else None,
        holdout_min_k=_column(privleak.member("holdout"), _MIN_K) if privleak else None,
        corpus=corpus,
    )


def _folder(folder: Path) -> dict[Part, JsonCursor]:
    parts: dict[Part, JsonCursor] = {}
    for part in Part:
        for name in ("log.json", "log.json.gz"):
            path = folder / part.value / name
            if path.is_file():
                parts[part] = read_log(path)
                break
    if not parts:
        raise BadLog(f"{folder}: no log.json in any of {', '.join(Part)}")
    return parts


def _parts(path: Path, root: JsonCursor) -> dict[Part, JsonCursor]:
    if not recognises(root):
        raise root.fail("not a MUSE log (an array of answers, or scores of forget and holdout)")
    if isinstance(root.value, dict):
        named = {part: node for part in Part if (node := root.find(part.value)) is not None}
        return named or {Part.PRIVLEAK: root}
    return {_part(path, root): root}


def _part(path: Path, root: JsonCursor) -> Part:
    for name in (path.name.lower(), path.parent.name.lower()):
        for part, pattern in _NAMES.items():
            if pattern.search(name):
                return part
    origin = _origin(root)
    if origin:
        return origin.part
    if not _first_prompt(root).startswith("Question:"):
        return Part.VERBMEM_FORGET
    raise root.fail("forget or retain questions? Name the file or its folder knowmem_f or knowmem_r")


def _origin(root: JsonCursor) -> _Origin | None:
    first_shot = _first_prompt(root).split("\n\n")[0]
    return _FIRST_SHOTS.get(hashlib.sha256(first_shot.encode()).hexdigest())


def _first_prompt(root: JsonCursor) -> str:
    rows = root.elements()
    prompt = rows[0].find("prompt") if rows else None
    return prompt.text() if prompt else ""


def _named_corpus(path: Path) -> Corpus | None:
    words = set(re.split(r"[\W_]+", "/".join(path.parts[-4:]).lower()))
    named = [corpus for corpus in Corpus if corpus.value in words]
    return named[0] if len(named) == 1 else None


def _column(rows: JsonCursor, name: str) -> Values:
    values = [row.member(name).number() for row in rows.elements()]
    if not values:
        raise rows.fail("no samples")
    return np.array(values)


def summarise_muse(log: MuseLog, retain: MuseLog | None) -> Scores:
    """A column for each log there is; PrivLeak against the retain log, or the authors' constant for the corpus."""
    scores = Scores()
    for part in Part:
        if part in log.rouge:
            scores.values[part.value] = float(np.mean(log.rouge[part])) * 100
    score = _auc(log)
    if score is not None:
        reference = _reference(log, retain, scores.notes)
        if reference is not None:
            scores.values[Part.PRIVLEAK.value] = muse_privleak(score, reference)
    return scores


def _auc(log: MuseLog) -> float | None:
    if log.forget_min_k is None or log.holdout_min_k is None:
        return None
    # The authors count the forget set as not trained on: their AUC is ours with the sets exchanged.
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
