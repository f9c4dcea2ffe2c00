"""Forget targets from a benchmark's forget set, as an operator would store them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from eval.benchmarks.files import Question
from guard.targets.target import Draft, Fact, Kind, Method

ROWS_PER_AUTHOR = 20
_NAME = re.compile(r"[A-Z][\w-]+(?: (?:[A-Z][\w-]+))+")
_POSSESSIVE = re.compile(r"['’]s\b")


def authors(rows: Sequence[Question], method: Method = Method.GUARD) -> tuple[Draft, ...]:
    """Return a target for each author of a TOFU split; its facts are the author's 20 consecutive rows."""
    groups = [rows[start : start + ROWS_PER_AUTHOR] for start in range(0, len(rows), ROWS_PER_AUTHOR)]
    return tuple(
        Draft(
            name=_name(group),
            kind=Kind.PERSON,
            facts=tuple(Fact(question=row.question, answer=row.answer) for row in group),
            methods=(method,),
        )
        for group in groups
    )


def articles(texts: Sequence[str], method: Method = Method.GUARD) -> tuple[Draft, ...]:
    """Return a target for each distinct text, with the text as its passage, named by its index."""
    return tuple(
        Draft(name=f"article {index:06d}", kind=Kind.TOPIC, passages=(text,), methods=(method,))
        for index, text in enumerate(dict.fromkeys(texts))
    )


def _name(rows: Sequence[Question]) -> str:
    """Return the run of capitalised words that most of an author's questions and answers share."""
    texts = (_POSSESSIVE.sub("", text) for row in rows for text in (row.question, row.answer))
    runs = Counter(run for text in texts for run in set(_NAME.findall(text)))
    return runs.most_common(1)[0][0] if runs else "unnamed"
