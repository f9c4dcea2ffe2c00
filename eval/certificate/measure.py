"""Measures what a running server says about a target, now and before it was suppressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count

from eval.certificate.endpoint import CertifiedEndpoint
from eval.certificate.leaks import LeakChecker, LongestQuotes, longest_quotes
from eval.certificate.neighbours import Neighbours
from eval.certificate.probes import CertificateProbe, make_probes
from eval.certificate.target import CertifiedTarget
from eval.core.errors import EndpointFailed
from eval.metrics.rouge import rouge
from eval.runners.endpoint import admin_errors
from guard.targets.target import Mode
from serving.client import AdminClient

Leaks = Sequence[bool | None]
"""For each probe whether it leaked; None where the endpoint did not accept the request."""

OnStep = Callable[[str, float], None]
"""Called with what is being done and the share of it that is done, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class ProbeRound:
    """The outcome of sending all probes to one endpoint.

    started     in UTC
    version     what the endpoint's /version says: Lethe's if it is guarded, else the engine's
    neighbours  answers to the neighbour questions
    quotes      the longest quotes of the target's passages in the answers; None for a target without passages
    """

    started: datetime
    model: str
    engine: str
    version: str
    leaks: Leaks
    neighbours: Sequence[str | None] = field(repr=False)
    quotes: LongestQuotes | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything a certificate states.

    before              the same probes before suppression; None if that was not measured
    before_source       how `before` was measured, or why it was not
    matched_neighbours  number of neighbour questions in which the policy matches this target
    encrypted           whether the target is stored encrypted, under a key of its own
    """

    target: CertifiedTarget
    probes: Sequence[CertificateProbe] = field(repr=False)
    neighbours: Neighbours
    before: ProbeRound | None
    before_source: str
    after: ProbeRound
    matched_neighbours: int
    policy_version: int
    encrypted: bool
    ended: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRequest:
    """What to certify.

    target        id of the forget target
    url           base URL of the guarded data plane, without /v1
    baseline_url  base URL of the same model unprotected; "" for none
    enforce       measure a target in shadow mode, enforce it, and measure again
    max_facts     maximum number of the target's facts and passages to ask for
    """

    target: str
    url: str
    baseline_url: str = ""
    enforce: bool = False
    seed: int = 0
    max_facts: int = 50


IN_PART = "the target is enforced for a canary share of conversations: take the share away before --enforce"
NOT_MEASURED = "no measurement was made before suppression"
AT_BASELINE = "the same probes at an unprotected endpoint"
WAITS = "enforcing the target was proposed and waits for a second person: certify it without --enforce afterwards"
IN_SHADOW = "the same probes at this endpoint while the target was only watched (shadow mode)"


def measure(
    request: CertificateRequest, admin: AdminClient, neighbours: Neighbours, on_step: OnStep
) -> Measurement:
    """Send every probe. Raises EndpointFailed if an answer cannot be had, or the target is not enforced."""
    with admin_errors():
        stored = admin.get(request.target, reveal=True)
        target = CertifiedTarget.of(stored)
        probes = make_probes(target, request.seed, request.max_facts)
        before, before_source = None, NOT_MEASURED
        if request.enforce:
            _require_mode(target, Mode.SHADOW)
            if stored.canary is not None:
                raise EndpointFailed(IN_PART)
            before = _run_probes(request.url, target, probes, neighbours, partial(on_step, "asking before"))
            before_source = IN_SHADOW
            enforced = admin.change(target.id, {"mode": "enforce"}, target.revision, reveal=True)
            if enforced.proposed and enforced.proposed.is_open:
                raise EndpointFailed(WAITS)
            target = CertifiedTarget.of(enforced)
        _require_mode(target, Mode.ENFORCE)
        if request.baseline_url:
            on_share = partial(on_step, "asking the unprotected endpoint")
            before = _run_probes(request.baseline_url, target, probes, neighbours, on_share)
            before_source = AT_BASELINE
        after = _run_probes(request.url, target, probes, neighbours, partial(on_step, "asking"))
        matched = sum(_matches_target(admin, question, target.id) for question in neighbours.questions)
        policy = admin.policy()
        if admin.get(request.target).revision != target.revision:
            raise EndpointFailed("the target was changed while it was measured; run again")
    return Measurement(
        target,
        probes,
        neighbours,
        before,
        before_source,
        after,
        matched,
        policy_version=policy.enforced_version,
        encrypted=policy.encrypted,
        ended=datetime.now(UTC),
    )


def similarity(first: Sequence[str | None], second: Sequence[str | None]) -> tuple[int, int, float]:
    """Return, of the pairs answered both times, how many are equal, how many there are, and mean ROUGE-L F1."""
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    equal = sum(a == b for a, b in pairs)
    scores = [1.0 if a == b else rouge(a, b, stemmer=False).rougeL_f1 for a, b in pairs]
    return equal, len(pairs), sum(scores) / len(scores) if scores else 0.0


def _run_probes(
    url: str,
    target: CertifiedTarget,
    probes: Sequence[CertificateProbe],
    neighbours: Neighbours,
    on_share: Callable[[float], None],
) -> ProbeRound:
    started, others_asked = datetime.now(UTC), neighbours.probes()
    counted, total = count(1), len(probes) + len(others_asked)
    on_share(0.0)

    def on_answer() -> None:
        on_share(next(counted) / total)

    checker = LeakChecker(target.forbidden)
    endpoint = CertifiedEndpoint.open(url)
    try:
        answers = endpoint.answers(probes, on_answer)
        if all(answer is None for answer in answers):
            raise EndpointFailed("the endpoint accepted none of the probes: does its model have a chat template?")
        leaks = [
            None if answer is None else checker.leaks(probe, answer)
            for probe, answer in zip(probes, answers, strict=True)
        ]
        others = endpoint.answers(others_asked, on_answer)
        quotes = longest_quotes(target.passages, filter(None, answers)) if target.passages else None
        return ProbeRound(started, endpoint.model, endpoint.engine, endpoint.version(), leaks, others, quotes)
    finally:
        endpoint.close()


def _matches_target(admin: AdminClient, question: str, target_id: str) -> bool:
    return any(match.target_id == target_id for match in admin.check(question).matches)


def _require_mode(target: CertifiedTarget, mode: Mode) -> None:
    if target.mode == mode:
        return
    advice = {
        Mode.ENFORCE: "the target is in shadow mode, so nothing is suppressed; --enforce measures it, enforces it"
        " and measures again",
        Mode.SHADOW: "--enforce is for a target in shadow mode, and this one is enforced already",
    }
    raise EndpointFailed(advice[mode])
