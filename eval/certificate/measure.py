"""What a running server says about a target: asked now, and asked before it was suppressed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from eval.certificate.asking import Asking
from eval.certificate.leak import Judge
from eval.certificate.neighbours import Neighbours
from eval.certificate.subject import Subject
from eval.certificate.suite import Probe, suite
from eval.core.errors import EndpointFailed
from eval.metrics.rouge import rouge
from guard.targets.target import Mode
from serving.admin.client import AdminClient, AdminRefused

Leaks = Sequence[bool | None]
"""By probe: whether it leaked; None where the endpoint did not accept the request."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answers:
    """One round of asking: when it began (UTC), who answered, what leaked, and the answers on the neighbours.

    `version` is what the endpoint's /version says: Lethe's where it is guarded, else the engine's.
    """

    at: datetime
    model: str
    engine: str
    version: str
    leaks: Leaks
    neighbours: Sequence[str | None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Measurement:
    """All that a certificate states.

    before   the same probes before suppression; None where that was not measured
    how      how `before` was measured, or why it was not
    touched  how many neighbour questions the policy holds to concern this target
    """

    subject: Subject
    probes: Sequence[Probe] = field(repr=False)
    neighbours: Neighbours
    before: Answers | None
    how: str
    after: Answers
    touched: int
    policy_version: int
    ended: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be certified.

    url           base URL of the guarded data plane, without /v1
    baseline_url  base URL of the same model unprotected; "" for none
    enforce       measure a target in shadow mode, enforce it, and measure again
    most          of the target's facts and passages that are asked for
    """

    target: str
    url: str
    baseline_url: str = ""
    enforce: bool = False
    seed: int = 0
    most: int = 50


NOT_MEASURED = "no measurement was made before suppression"
AT_BASELINE = "the same probes at an unprotected endpoint"
IN_SHADOW = "the same probes at this endpoint while the target was only watched (shadow mode)"


def measure(request: Request, admin: AdminClient, neighbours: Neighbours, say: Say) -> Measurement:
    """Ask every probe; raises EndpointFailed when an answer cannot be had, or the target is not enforced."""
    with _refusals():
        subject = Subject.read(admin.get(request.target, reveal=True))
        probes = suite(subject, request.seed, request.most)
        before, how = None, NOT_MEASURED
        if request.enforce:
            _need(subject, Mode.SHADOW)
            say("asking before")
            before, how = _round(request.url, subject, probes, neighbours), IN_SHADOW
            enforced = admin.change(subject.id, {"mode": Mode.ENFORCE.value}, subject.revision)
            subject = Subject.read(enforced)
        _need(subject, Mode.ENFORCE)
        if request.baseline_url:
            say("asking the unprotected endpoint")
            before, how = _round(request.baseline_url, subject, probes, neighbours), AT_BASELINE
        say("asking")
        after = _round(request.url, subject, probes, neighbours)
        touched = sum(_touches(admin, question, subject.id) for question in neighbours.questions)
        policy = admin.policy()
        if Subject.read(admin.get(request.target, reveal=True)).revision != subject.revision:
            raise EndpointFailed("the target was changed while it was measured; run again")
    ended = datetime.now(UTC)
    version = int(policy["enforced_version"])
    return Measurement(subject, probes, neighbours, before, how, after, touched, version, ended)


def similarity(one: Sequence[str | None], other: Sequence[str | None]) -> tuple[int, int, float]:
    """Of pairs that were both answered: how many are the same, how many there are, and their mean ROUGE-L F1."""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    alike = sum(a == b for a, b in pairs)
    scores = [1.0 if a == b else rouge(a, b, stemmer=False).rougeL_f1 for a, b in pairs]
    return alike, len(pairs), sum(scores) / len(scores) if scores else 0.0


def _round(url: str, subject: Subject, probes: Sequence[Probe], neighbours: Neighbours) -> Answers:
    at = datetime.now(UTC)
    judge = Judge(subject.forbidden)
    asking = Asking.open(url)
    try:
        replies = asking.replies(probes)
        if all(reply is None for reply in replies):
            raise EndpointFailed("the endpoint accepted none of the probes: does its model have a chat template?")
        leaks = [
            None if reply is None else judge.leaks(probe, reply)
            for probe, reply in zip(probes, replies, strict=True)
        ]
        others = asking.replies(neighbours.probes())
        return Answers(at, asking.model, asking.engine, asking.version(), leaks, others)
    finally:
        asking.close()


def _touches(admin: AdminClient, question: str, target_id: str) -> bool:
    return any(match["target_id"] == target_id for match in admin.check(question)["matches"])


def _need(subject: Subject, mode: Mode) -> None:
    if subject.mode == mode:
        return
    advice = {
        Mode.ENFORCE: "the target is in shadow mode, so nothing is suppressed; --enforce measures it, enforces it"
        " and measures again",
        Mode.SHADOW: "--enforce is for a target in shadow mode, and this one is enforced already",
    }
    raise EndpointFailed(advice[mode])


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except AdminRefused as error:
        raise EndpointFailed(f"the admin plane refused: {error.code}: {error.detail}") from None
