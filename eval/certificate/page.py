"""Renders a certificate as an HTML page for readers without technical knowledge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from eval.report.document import document
from guard.signatures import fingerprint

_FORM_NAMES: Final = {
    "direct": "asked directly",
    "paraphrase": "asked in other words",
    "fill_in": "a sentence with a blank to be filled",
    "reverse": "the fact given, the name asked for",
    "prefix": "the beginning of the fact, to be continued",
    "obfuscated": "the question encoded or oddly spelt",
    "prefill": "the answer already begun",
    "streamed": "asked directly, answer sent piece by piece",
}

_LIMITS: Final = (
    "The statement is about this endpoint and the target's texts as they stood at the time of measurement. The"
    " model's own parameters are not changed: reached in another way, the model may still say what is suppressed"
    " here.",
    "The probes are a sample of the ways to ask. No leak in the sample is not proof that none is possible; the"
    " interval says how large the share may still be, for requests like these, if they were independent of each"
    " other. Probes on the same fact are not quite.",
    "The operator of the endpoint made the measurement and signed it. The signature shows that this document was"
    " not altered since, and whose key signed it; it does not show that the measurement was made properly.",
)


def page(payload: Mapping[str, Any], public_key: str, file_name: str) -> str:
    """Return the whole page, self-contained. It shows what is signed and adds no fact of its own."""
    target, endpoint = payload["target"], payload["endpoint"]
    parts = [
        "<h1>Certificate of suppression</h1>",
        f'<p class="statement">{escape(payload["statement"])}</p>',
        _facts(
            {
                "Endpoint": f"{endpoint['url']} (model {endpoint['model']})",
                "Suppressed at this endpoint since": target["suppressed_since"],
                "Last measured": payload["measurement"]["ended"],
                "Forget target": f"{target['id']}, revision {target['revision']}, {target['kind']}",
                "Legal basis as recorded": target["basis"] or "none recorded",
                "Operator's reference": target["external_ref"] or "none recorded",
                # Certificates of earlier versions do not say it.
                "Stored": payload.get("storage", "not stated"),
            }
        ),
        "<h2>What was measured</h2>",
        f"<p>{payload['measurement']['probes']} requests were made for what the target holds, in the ways listed"
        f" below. {escape(payload['measurement']['leak'])}</p>",
        _leaks(payload),
        _quotes(payload["after"]["longest_quote_in_words"]),
        _before(payload["before"]),
        "<h2>What it costs others</h2>",
        _neighbours(payload["neighbours"]),
        "<h2>What this does not say</h2>",
        *(f"<p>{escape(text)}</p>" for text in _LIMITS),
        "<h2>Technical particulars</h2>",
        _particulars(payload),
        "<h2>Signature</h2>",
        _signature(file_name, public_key),
    ]
    return document(f"Certificate {target['id']}", parts, letter=True)


def _signature(file_name: str, public_key: str) -> str:
    command = f"lethe eval verify {file_name} --public-key {public_key}"
    return (
        f"<p>This page shows the content of <code>{escape(file_name)}</code>, signed with Ed25519. Check it with"
        f" <code>{escape(command)}</code>. Fingerprint of the key, to be compared with one obtained from the"
        f" operator in another way: <code>{fingerprint(public_key)}</code>.</p>"
    )


def _facts(rows: Mapping[str, object]) -> str:
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(str(text))}</td></tr>' for name, text in rows.items()
    )
    return f"<table>{cells}</table>"


def _leaks(payload: Mapping[str, Any]) -> str:
    before, after = payload["before"], payload["after"]
    measured = before["measured"]
    names = ("How it was asked", *(("Leaks before",) if measured else ()), "Leaks now")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = "".join(_leak_rows(before if measured else None, after))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _leak_rows(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Iterator[str]:
    for form, rate in after["by_form"].items():
        was = f"<td>{_share(before['by_form'][form])}</td>" if before else ""
        yield f"<tr><td>{escape(_FORM_NAMES[form])}</td>{was}<td>{_share(rate)}</td></tr>"
    was = f"<th>{_share(before['all'])}</th>" if before else ""
    yield f'<tr><th scope="row">All</th>{was}<th>{_share(after["all"])}</th></tr>'


def _share(rate: Mapping[str, Any]) -> str:
    text = f"{rate['count']} of {rate['of']}"
    if "rate" in rate:
        text += f" ({_percent(rate['rate'])}; 95 % interval {_percent(rate['low'])} to {_percent(rate['high'])})"
    if rate.get("refused"):
        text += f"; {rate['refused']} requests were not accepted by the endpoint"
    return text


def _percent(rate: str) -> str:
    return f"{100 * float(rate):.1f} %"


def _before(before: Mapping[str, Any]) -> str:
    if not before["measured"]:
        return (
            f"<p>About the state before: {escape(before['how'])}, so this certificate says nothing about what the"
            " model said then.</p>"
        )
    return (
        f"<p>The state before is that of {escape(before['how'])}: {escape(before['url'])}, model"
        f" {escape(before['model'])}, asked from {before['at']}.</p>"
    )


def _quotes(quotes: Mapping[str, int] | None) -> str:
    if quotes is None:
        return ""
    return (
        f"<p>The longest quote of a protected passage in an answer: {quotes['exact']} words in a row; counted"
        f" nearly, with each word that was replaced, added or left out taken off, {quotes['near']} words.</p>"
    )


def _neighbours(found: Mapping[str, Any]) -> str:
    concerned = found["held_to_concern_the_target"]
    text = (
        f"{found['questions']} other questions were asked ({escape(found['source'])}). The endpoint held"
        f" {_share(concerned)} of them to concern the target."
    )
    if found["unchanged_answers"] is None:
        return f"<p>{text} Whether their answers changed was not measured, as there is no measurement before.</p>"
    return (
        f"<p>{text} The answer was the same, letter for letter, as before suppression in"
        f" {_share(found['unchanged_answers'])}; mean likeness of all (ROUGE-L F1, 1 is the same)"
        f" {found['mean_rouge_l_f1']}.</p>"
    )


def _particulars(payload: Mapping[str, Any]) -> str:
    target, measurement, endpoint = payload["target"], payload["measurement"], payload["endpoint"]
    return _facts(
        {
            "Lethe, engine": f"{endpoint['lethe']}, {endpoint['engine']}",
            "Policy version enforced": payload["policy_version"],
            "Methods, scope": f"{', '.join(target['methods'])}; {target['scope']}",
            "Forbidden phrases": target["forbidden_phrases"],
            "Digest of the target's texts": target["texts_digest"],
            "Digest of the forbidden phrases": target["forbidden_digest"],
            "Digest of the requests": measurement["probes_digest"],
            "Digest of the other questions": payload["neighbours"]["questions_digest"],
            "Seed, facts at most": f"{measurement['seed']}, {measurement['most_facts']}",
            "Decoding": measurement["decoding"],
            "Intervals": measurement["intervals"],
            "Digests": "HMAC-SHA256 under a secret of the signing key, so only its holder can recompute them",
        }
    )
