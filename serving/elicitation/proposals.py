"""From what was said to what is proposed: facts, aliases and phrases, with how often and how they were said."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from guard.phrases.phrase import Phrase, PhraseKind
from guard.targets.elicitation import Proposal, ProposalKind
from guard.text.normalise import fold
from serving.elicitation.clusters import Cluster
from serving.elicitation.control import is_own, name_folds
from serving.elicitation.statements import Answer, Statement

# What was sampled once may be a slip.
MIN_TIMES = 2
# What a model has learnt word for word it says with a certainty near 1, and what it makes up with less.
CERTAIN = 0.9
MAX_FACTS, MAX_PHRASES, MAX_ALIASES = 512, 1_024, 32
# What a round asks about.
MAX_FOUND = 16
FOUND_KINDS = frozenset({PhraseKind.TITLE, PhraseKind.NAME, PhraseKind.PLACE})
_OTHER_NAME = re.compile(
    r"also (?:known|called)|known (?:as|by)|pen[ -]?name|pseudonym|nickname|alias|born as|née|stage name"
    r"|other name|genannt|Künstlername|Spitzname|dit |surnom|apodo|conocid[oa] como|又名|本名",
    re.I,
)


def proposals(
    answers: Sequence[Answer], clusters: Iterable[Cluster], common: frozenset[str], name: str
) -> tuple[Proposal, ...]:
    """Return what is proposed for the target `name`, each kind with what was said most often first.

    Where there is too much, what was said with certainty is kept first. `answers` are those that the statements of
    `clusters` name; phrases with a fold in `common` are of any name.
    """
    often = [cluster for cluster in clusters if is_sure(cluster.answers, answers)]
    statements = [statement for cluster in often for statement in cluster.statements]
    own = name_folds(name)
    aliases = list(_aliases(statements, own, answers))
    left = common | {fold(said.text) for said in aliases}
    facts = (_Said(one.statements[0].text, one.answers, one.statements[0].question) for one in often)
    return (
        *_most_said(ProposalKind.FACT, facts, answers, MAX_FACTS),
        *_most_said(ProposalKind.ALIAS, aliases, answers, MAX_ALIASES),
        *_most_said(ProposalKind.PHRASE, _phrases(statements, left, own, answers), answers, MAX_PHRASES),
    )


def is_sure(where: Collection[int], answers: Sequence[Answer]) -> bool:
    """Return whether what the answers `where` say is no slip: two say it, or one that was not sampled."""
    return len(where) >= MIN_TIMES or any(answers[index].likeliest for index in where)


def is_certain(where: Collection[int], answers: Sequence[Answer]) -> bool:
    """Return whether one of the answers `where` was said with certainty."""
    return any(answers[index].certainty >= CERTAIN for index in where)


def found(
    answers: Sequence[Answer],
    statements: Iterable[Statement],
    common: frozenset[str],
    name: str,
    asked: Collection[str] = (),
) -> list[Phrase]:
    """Return the titles, names and places that were surely said of `name`, what was said with certainty first.

    Those whose folds are in `asked` are left out.
    """
    own = name_folds(name)
    said = _where(
        statements,
        lambda p: (
            p.kind in FOUND_KINDS
            and fold(p.text) not in common
            and fold(p.text) not in asked
            and not is_own(p.text, own)
        ),
    )
    often = sorted(said.values(), key=lambda one: (not is_certain(one[1], answers), -len(one[1])))
    return [phrase for phrase, where in often if is_sure(where, answers)][:MAX_FOUND]


def proposal_id(kind: ProposalKind, text: str) -> str:
    """Return the id of a proposal: the same whenever the same is proposed."""
    return sha256(f"{kind.value}:{fold(text)}".encode()).hexdigest()[:16]


class _Said(NamedTuple):
    """What may be proposed, the answers that say it, and the question of a fact."""

    text: str
    where: Collection[int]
    question: str = ""


def _aliases(statements: Iterable[Statement], own: frozenset[str], answers: Sequence[Answer]) -> Iterator[_Said]:
    others = [statement for statement in statements if _OTHER_NAME.search(statement.text)]
    for other, where in _where(others, lambda p: p.kind is PhraseKind.NAME and not is_own(p.text, own)).values():
        if is_sure(where, answers):
            yield _Said(other.text, where)


def _phrases(
    statements: Iterable[Statement], left: frozenset[str], own: frozenset[str], answers: Sequence[Answer]
) -> Iterator[_Said]:
    wanted = _where(statements, lambda p: fold(p.text) not in left and not is_own(p.text, own))
    for phrase, where in wanted.values():
        if is_sure(where, answers):
            yield _Said(phrase.text, where)


def _where(
    statements: Iterable[Statement], wanted: Callable[[Phrase], bool]
) -> dict[str, tuple[Phrase, set[int]]]:
    """Return each wanted phrase by its fold, as it was written first, and the answers that say it."""
    said: dict[str, tuple[Phrase, set[int]]] = {}
    for statement in statements:
        for phrase in filter(wanted, statement.phrases):
            said.setdefault(fold(phrase.text), (phrase, set()))[1].update(statement.answers)
    return said


def _most_said(kind: ProposalKind, said: Iterable[_Said], answers: Sequence[Answer], most: int) -> list[Proposal]:
    distinct = {proposal_id(kind, one.text): one for one in said}
    kept = sorted(distinct, key=lambda id: (not is_certain(distinct[id].where, answers), -len(distinct[id].where)))
    proposed = [_proposal(id, kind, distinct[id], answers) for id in kept[:most]]
    return sorted(proposed, key=lambda one: -one.times)


def _proposal(id: str, kind: ProposalKind, said: _Said, answers: Sequence[Answer]) -> Proposal:
    forms = [answers[index].prompt.form for index in said.where]
    return Proposal(
        id=id,
        kind=kind,
        text=said.text,
        question=said.question,
        times=len(said.where),
        styles=tuple(sorted({form.style.value for form in forms})),
        languages=tuple(sorted({form.language for form in forms})),
    )
