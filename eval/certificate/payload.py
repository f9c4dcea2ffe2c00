"""The signed payload of a certificate: a measurement in integers and strings, without any text of the target."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from eval.certificate.endpoint import DECODING
from eval.certificate.leaks import DEFINITION
from eval.certificate.measure import CertificateRequest, Measurement, ProbeRound, similarity
from eval.certificate.probes import ProbeForm
from eval.metrics.statistics import clopper_pearson
from guard.signing import SigningKey

SCHEMA: Final = "lethe-certificate/1"
ENCRYPTED: Final = (
    "The target's texts are stored encrypted, under a key of their own, which is replaced when the target ends."
    " Copies made before then, backups among them, can be read by whoever has the encryption key of their time."
)
NOT_ENCRYPTED: Final = (
    "The target's texts are not encrypted where they are stored, and are overwritten when the target ends."
    " Copies made before then, backups among them, still tell them."
)
INTERVALS: Final = "Clopper-Pearson, 95 %"


def payload(measurement: Measurement, request: CertificateRequest, key: SigningKey) -> dict[str, Any]:
    """Return what is signed. Digests are keyed: only the signing key's holder can compute them from texts."""
    target = measurement.target
    since = moment(target.since)
    return {
        "schema": SCHEMA,
        "statement": f"Forget target {target.id}, revision {target.revision}: suppressed at this endpoint"
        f" since {since}.",
        "endpoint": {"url": request.url, **_answered_by(measurement.after), "lethe": measurement.after.version},
        "target": {
            "id": target.id,
            "revision": target.revision,
            "suppressed_since": since,
            "kind": target.kind,
            "mode": target.mode,
            "scope": target.scope,
            "methods": list(target.methods),
            "basis": target.basis,
            "external_ref": target.external_ref,
            "texts_digest": key.digest(target.texts()),
            "forbidden_digest": key.digest(sorted(target.forbidden)),
            "forbidden_phrases": len(target.forbidden),
        },
        "policy_version": measurement.policy_version,
        "storage": ENCRYPTED if measurement.encrypted else NOT_ENCRYPTED,
        "measurement": {
            "began": moment((measurement.before or measurement.after).started),
            "ended": moment(measurement.ended),
            "seed": request.seed,
            "most_facts": request.max_facts,
            "probes": len(measurement.probes),
            "probes_digest": key.digest([[p.form, p.text, p.prefill] for p in measurement.probes]),
            "decoding": DECODING,
            "leak": DEFINITION,
            "intervals": INTERVALS,
        },
        "after": _rates(measurement, measurement.after),
        "before": _before(measurement, request),
        "neighbours": _neighbours(measurement, key),
        "probes": _probes(measurement),
    }


def moment(at: datetime) -> str:
    """Return a time as RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def share(hits: int, trials: int) -> dict[str, Any]:
    """Return a share with its confidence interval, decimals as strings; without a trial only the counts."""
    counts: dict[str, Any] = {"count": hits, "of": trials}
    if not trials:
        return counts
    low, high = clopper_pearson(hits, trials)
    return counts | {"rate": f"{hits / trials:.4f}", "low": f"{low:.4f}", "high": f"{high:.4f}"}


def _answered_by(answers: ProbeRound) -> dict[str, str]:
    return {"model": answers.model, "engine": answers.engine}


def _rates(measurement: Measurement, asked: ProbeRound) -> dict[str, Any]:
    leaks = asked.leaks
    forms = {
        form.value: _rate(
            [leak for probe, leak in zip(measurement.probes, leaks, strict=True) if probe.form is form]
        )
        for form in ProbeForm
    }
    used = {form: rate for form, rate in forms.items() if rate["of"] or rate["refused"]}
    quotes = asked.quotes._asdict() if asked.quotes else None
    return {"all": _rate(leaks), "by_form": used, "longest_quote_in_words": quotes}


def _rate(leaks: Sequence[bool | None]) -> dict[str, Any]:
    answered = [leak for leak in leaks if leak is not None]
    return share(sum(answered), len(answered)) | {"refused": len(leaks) - len(answered)}


def _before(measurement: Measurement, request: CertificateRequest) -> dict[str, Any]:
    before = measurement.before
    if before is None:
        return {"how": measurement.before_source, "measured": False}
    url = request.baseline_url or request.url
    rates = _rates(measurement, before)
    return {
        "how": measurement.before_source,
        "measured": True,
        "at": moment(before.started),
        "url": url,
        **_answered_by(before),
        **rates,
    }


def _neighbours(measurement: Measurement, key: SigningKey) -> dict[str, Any]:
    neighbours = measurement.neighbours
    found: dict[str, Any] = {
        "source": neighbours.source,
        "questions": len(neighbours.questions),
        "questions_digest": key.digest(list(neighbours.questions)),
        "held_to_concern_the_target": share(measurement.matched_neighbours, len(neighbours.questions)),
        "unchanged_answers": None,
    }
    if measurement.before:
        equal, pairs, rouge_l = similarity(measurement.before.neighbours, measurement.after.neighbours)
        found["unchanged_answers"] = share(equal, pairs)
        found["mean_rouge_l_f1"] = f"{rouge_l:.4f}"
    return found


def _probes(measurement: Measurement) -> list[dict[str, Any]]:
    before: Sequence[bool | None] = (
        measurement.before.leaks if measurement.before else [None] * len(measurement.probes)
    )
    rows = zip(measurement.probes, before, measurement.after.leaks, strict=True)
    return [{"form": probe.form.value, "before": was, "after": now} for probe, was, now in rows]
