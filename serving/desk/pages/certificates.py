"""Certificates of suppression: shown, and their signatures checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from guard.signatures import BadCertificate, SignatureCheck, SignatureStatus, check, fingerprint
from serving.desk.context import form_of
from serving.desk.rendering import HOME, render

CERTIFICATES = f"{HOME}/certificates"
SCHEMA = "lethe-certificate/1"
MAX_CHARS = 200
"""Length of a member that is shown: a certificate that is signed by anybody may hold anything."""
# What is shown of a certificate, by the keys of the catalogue.
MEMBERS = {
    "url": ("endpoint", "url"),
    "model": ("endpoint", "model"),
    "since": ("target", "suppressed_since"),
    "ended": ("measurement", "ended"),
    "target": ("target", "id"),
    "revision": ("target", "revision"),
    "mode": ("target", "mode"),
    "basis": ("target", "basis"),
    "external_ref": ("target", "external_ref"),
    "policy_version": ("policy_version",),
    "probes": ("measurement", "probes"),
    "leaks": ("after", "all", "count"),
    "of": ("after", "all", "of"),
    "high": ("after", "all", "high"),
    "before": ("before", "all", "count"),
}


class Verified(NamedTuple):
    """A certificate whose signature was checked; `members` are empty unless it is valid."""

    status: SignatureStatus
    statement: str
    members: Mapping[str, str]
    public_key: str
    fingerprint: str


async def certificates(request: Request) -> Response:
    """Show the form that takes a certificate."""
    return render(request, "certificates", verified=None, fault="", expected="")


async def verify(request: Request) -> Response:
    """Show a certificate, and whether it is unaltered and signed by the expected key. It is not stored."""
    form = form_of(request)
    file, expected = form.get("file"), str(form.get("public_key", "")).strip().lower()
    pasted = str(form.get("certificate", "")).strip()
    content = await file.read() if isinstance(file, UploadFile) and file.filename else f"{pasted}\n".encode()
    verified, fault = None, ""
    try:
        verified = _verified(check(content, expected or None))
    except BadCertificate as error:
        fault = error.message
    return render(
        request, "certificates", 422 if fault else 200, verified=verified, fault=fault, expected=expected
    )


def _verified(checked: SignatureCheck) -> Verified:
    status, payload, key = checked
    is_known = status is SignatureStatus.VALID and payload.get("schema") == SCHEMA
    return Verified(
        status,
        _text(payload.get("statement")) if is_known else "",
        dict(_members(payload)) if is_known else {},
        key,
        "" if status is SignatureStatus.ALTERED else fingerprint(key),
    )


def _members(payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, path in MEMBERS.items():
        value: Any = payload
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value not in (None, ""):
            yield name, _text(value)


def _text(value: object) -> str:
    return str(value)[:MAX_CHARS] if isinstance(value, str | int) else ""
