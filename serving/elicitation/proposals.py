"""From what was said to what is proposed: facts, aliases and phrases, with how often and how they were said."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import sha256

from guard.phrases.phrase import Phrase, PhraseKind
from guard.targets.elicitation import Proposal, ProposalKind
from guard.text.normalise import fold
from serving.elicitation.clusters import Cluster
from serving.elicitation.control import is_own, name_folds
from serving.elicitation.statements import Answer, Statement

# What was sampled once may be a slip.
MIN_TIMES = 2
MAX_FACTS, MAX_PHRASES, MAX_ALIASES = 512, 512, 32
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

    `answers` are those that the statements of `clusters` name; phrases with a fold in `common` are of any name.
    """
    often = [cluster for cluster in clusters if is_sure(cluster.answers, answers)]
    statements = [statement for cluster in often for statement in cluster.statements]
    facts = (
        _proposal(ProposalKind.FACT, one.statements[0].text, one.answers, answers, one.statements[0].question)
        for one in often
    )
    own = name_folds(name)
    aliases = list(_aliases(statements, own, answers))
    left = common | {fold(text) for text, _ in aliases}
    return (
        *_most_said(facts, MAX_FACTS),
        *_most_said((_proposal(ProposalKind.ALIAS, text, where, answers) for text, where in aliases), MAX_ALIASES),
        *_most_said(
            (
                _proposal(ProposalKind.PHRASE, text, where, answers)
                for text, where in _phrases(statements, left, own, answers)
            ),
            MAX_PHRASES,
        ),
    )


def is_sure(where: Collection[int], answers: Sequence[Answer]) -> bool:
    """Return whether what the answers `where` say is no slip: two say it, or one that was not sampled."""
    return len(where) >= MIN_TIMES or any(answers[index].likeliest for index in where)


def found(
    answers: Sequence[Answer],
    statements: Iterable[Statement],
    common: frozenset[str],
    name: str,
    asked: Collection[str] = (),
) -> list[Phrase]:
    """Return the titles, names and places that were surely said of `name`, the most often said first.

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
    often = sorted(said, key=lambda key: -len(said[key][1]))
    return [said[key][0] for key in often if is_sure(said[key][1], answers)][:MAX_FOUND]


def proposal_id(kind: ProposalKind, text: str) -> str:
    """Return the id of a proposal: the same whenever the same is proposed."""
    return sha256(f"{kind.value}:{fold(text)}".encode()).hexdigest()[:16]


def _aliases(
    statements: Iterable[Statement], own: frozenset[str], answers: Sequence[Answer]
) -> Iterator[tuple[str, frozenset[int]]]:
    others = [statement for statement in statements if _OTHER_NAME.search(statement.text)]
    for other, where in _where(others, lambda p: p.kind is PhraseKind.NAME and not is_own(p.text, own)).values():
        if is_sure(where, answers):
            yield other.text, frozenset(where)


def _phrases(
    statements: Iterable[Statement], left: frozenset[str], own: frozenset[str], answers: Sequence[Answer]
) -> Iterator[tuple[str, frozenset[int]]]:
    wanted = _where(statements, lambda p: fold(p.text) not in left and not is_own(p.text, own))
    for phrase, where in wanted.values():
        if is_sure(where, answers):
            yield phrase.text, frozenset(where)


def _where(
    statements: Iterable[Statement], wanted: Callable[[Phrase], bool]
) -> dict[str, tuple[Phrase, set[int]]]:
    """Return each wanted phrase by its fold, as it was written first, and the answers that say it."""
    said: dict[str, tuple[Phrase, set[int]]] = {}
    for statement in statements:
        for phrase in filter(wanted, statement.phrases):
            said.setdefault(fold(phrase.text), (phrase, set()))[1].update(statement.answers)
    return said


def _proposal(
    kind: ProposalKind, text: str, where: Collection[int], answers: Sequence[Answer], question: str = ""
) -> Proposal:
    forms = [answers[index].prompt.form for index in where]
    return Proposal(
        id=proposal_id(kind, text),
        kind=kind,
        text=text,
        question=question,
        times=len(where),
        styles=tuple(sorted({form.style.value for form in forms})),
        languages=tuple(sorted({form.language for form in forms})),
    )


def _most_said(proposed: Iterable[Proposal], most: int) -> list[Proposal]:
    distinct = {one.id: one for one in proposed}
    return sorted(distinct.values(), key=lambda one: -one.times)[:most]
