"""The forget targets that a benchmark's forget set makes: what an operator would have been asked to forget."""

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
    """One target for each author of a TOFU split, whose 20 rows stand together and are its facts."""
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
    """One target for each distinct text, whose verbatim reproduction must stop; named by its place."""
    return tuple(
        Draft(name=f"article {place:06d}", kind=Kind.TOPIC, passages=(text,), methods=(method,))
        for place, text in enumerate(dict.fromkeys(texts))
    )


def _name(rows: Sequence[Question]) -> str:
    """The run of capitalised words that most of an author's questions and answers share."""
    texts = (_POSSESSIVE.sub("", text) for row in rows for text in (row.question, row.answer))
    runs = Counter(run for text in texts for run in set(_NAME.findall(text)))
    return runs.most_common(1)[0][0] if runs else "unnamed"
