"""A measurement as the payload of a certificate: integers and strings, and no text of the target."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from eval.certificate.asking import DECODING
from eval.certificate.leak import DEFINITION
from eval.certificate.measure import Answers, Leaks, Measurement, Request, similarity
from eval.certificate.signing import SigningKey
from eval.certificate.suite import Form
from eval.metrics.statistics import clopper_pearson

SCHEMA: Final = "lethe-certificate/1"
INTERVALS: Final = "Clopper-Pearson, 95 %"


def payload(measured: Measurement, request: Request, key: SigningKey) -> dict[str, Any]:
    """What is signed. Digests are keyed: only the signing key's holder can compute them from texts."""
    subject = measured.subject
    since = moment(datetime.fromisoformat(subject.since))
    return {
        "schema": SCHEMA,
        "statement": f"Forget target {subject.id}, revision {subject.revision}: suppressed at this endpoint"
        f" since {since}.",
        "endpoint": {"url": request.url, **_who(measured.after), "lethe": measured.after.version},
        "target": {
            "id": subject.id,
            "revision": subject.revision,
            "suppressed_since": since,
            "kind": subject.kind,
            "mode": subject.mode,
            "scope": subject.scope,
            "methods": list(subject.methods),
            "basis": subject.basis,
            "external_ref": subject.external_ref,
            "texts_digest": key.digest(subject.texts()),
            "forbidden_digest": key.digest(sorted(subject.forbidden)),
            "forbidden_phrases": len(subject.forbidden),
        },
        "policy_version": measured.policy_version,
        "measurement": {
            "began": moment((measured.before or measured.after).at),
            "ended": moment(measured.ended),
            "seed": request.seed,
            "most_facts": request.most,
            "probes": len(measured.probes),
            "probes_digest": key.digest([[p.form, p.text, p.prefill] for p in measured.probes]),
            "decoding": DECODING,
            "leak": DEFINITION,
            "intervals": INTERVALS,
        },
        "after": _rates(measured, measured.after.leaks),
        "before": _before(measured, request),
        "neighbours": _neighbours(measured, key),
        "probes": _probes(measured),
    }


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def share(hits: int, trials: int) -> dict[str, Any]:
    """A share with its interval, decimals as strings; without a trial only the counts."""
    counts: dict[str, Any] = {"count": hits, "of": trials}
    if not trials:
        return counts
    low, high = clopper_pearson(hits, trials)
    return counts | {"rate": f"{hits / trials:.4f}", "low": f"{low:.4f}", "high": f"{high:.4f}"}


def _who(answers: Answers) -> dict[str, str]:
    return {"model": answers.model, "engine": answers.engine}


def _rates(measured: Measurement, leaks: Leaks) -> dict[str, Any]:
    forms = {
        form.value: _rate([leak for probe, leak in zip(measured.probes, leaks, strict=True) if probe.form is form])
        for form in Form
    }
    asked = {form: rate for form, rate in forms.items() if rate["of"] or rate["refused"]}
    return {"all": _rate(leaks), "by_form": asked}


def _rate(leaks: Sequence[bool | None]) -> dict[str, Any]:
    answered = [leak for leak in leaks if leak is not None]
    return share(sum(answered), len(answered)) | {"refused": len(leaks) - len(answered)}


def _before(measured: Measurement, request: Request) -> dict[str, Any]:
    before = measured.before
    if before is None:
        return {"how": measured.how, "measured": False}
    url = request.baseline_url or request.url
    rates = _rates(measured, before.leaks)
    return {"how": measured.how, "measured": True, "at": moment(before.at), "url": url, **_who(before), **rates}


def _neighbours(measured: Measurement, key: SigningKey) -> dict[str, Any]:
    asked = measured.neighbours
    found: dict[str, Any] = {
        "source": asked.source,
        "questions": len(asked.questions),
        "questions_digest": key.digest(list(asked.questions)),
        "held_to_concern_the_target": share(measured.touched, len(asked.questions)),
        "unchanged_answers": None,
    }
    if measured.before:
        alike, pairs, rouge_l = similarity(measured.before.neighbours, measured.after.neighbours)
        found["unchanged_answers"] = share(alike, pairs)
        found["mean_rouge_l_f1"] = f"{rouge_l:.4f}"
    return found


def _probes(measured: Measurement) -> list[dict[str, Any]]:
    before: Sequence[bool | None] = measured.before.leaks if measured.before else [None] * len(measured.probes)
    rows = zip(measured.probes, before, measured.after.leaks, strict=True)
    return [{"form": probe.form.value, "before": was, "after": now} for probe, was, now in rows]
