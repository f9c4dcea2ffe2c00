"""Certificates of suppression: those that are kept here, and any other; shown, and their signatures checked."""

from __future__ import annotations

from typing import NamedTuple

from anyio.to_thread import run_sync
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from guard.signatures import BadCertificate, SignatureCheck, SignatureStatus, check, fingerprint
from serving.certificates.reading import Contents, contents_of
from serving.desk.context import desk_of, form_of
from serving.desk.rendering import HOME, render

CERTIFICATES = f"{HOME}/certificates"
MAX_LISTED = 200
MEDIA_TYPES = {"json": "application/json", "html": "text/html"}


class Verified(NamedTuple):
    """A certificate whose signature was checked; `contents` are None unless it is valid and its schema known."""

    status: SignatureStatus
    contents: Contents | None
    public_key: str
    fingerprint: str


async def certificates(request: Request) -> Response:
    """Show the certificates that are kept and those that are being issued, and the form that verifies any."""
    return await _page(request)


async def verify(request: Request) -> Response:
    """Show a certificate, and whether it is unaltered and signed by the expected key. It is not stored."""
    form = form_of(request)
    file, expected = form.get("file"), str(form.get("public_key", "")).strip().lower()
    pasted = str(form.get("certificate", "")).strip()
    content = await file.read() if isinstance(file, UploadFile) and file.filename else f"{pasted}\n".encode()
    try:
        verified = _verified(check(content, expected or None))
    except BadCertificate as error:
        return await _page(request, 422, fault=error.message, expected=expected)
    return await _page(request, verified=verified, expected=expected)


async def certificate(request: Request) -> Response:
    """Show a certificate that is kept here as a page that can be printed."""
    name = request.path_params["name"]
    content = await run_sync(desk_of(request).service.certificates.stored.read, name)
    try:
        verified = _verified(check(content, None))
    except BadCertificate:
        verified = Verified(SignatureStatus.ALTERED, None, "", "")
    return render(request, "certificate", name=name, verified=verified)


async def download(request: Request) -> Response:
    """Send the signed file of a certificate, or its page, to be kept elsewhere."""
    name, kind = request.path_params["name"], request.path_params["kind"]
    content = await run_sync(desk_of(request).service.certificates.stored.read, name, kind)
    headers = {"content-disposition": f'attachment; filename="{name}.{kind}"'}
    return Response(content, media_type=MEDIA_TYPES[kind], headers=headers)


async def _page(
    request: Request,
    status: int = 200,
    *,
    verified: Verified | None = None,
    fault: str = "",
    expected: str = "",
) -> Response:
    issuer = desk_of(request).service.certificates
    kept, issues = await run_sync(issuer.stored.list), issuer.issues()
    return render(
        request,
        "certificates",
        status,
        verified=verified,
        fault=fault,
        expected=expected,
        kept=kept[:MAX_LISTED],
        more=len(kept) - MAX_LISTED,
        issues=issues,
        is_issuing=any(issue.open for issue in issues),
    )


def _verified(checked: SignatureCheck) -> Verified:
    status, payload, key = checked
    contents = contents_of(payload) if status is SignatureStatus.VALID else None
    return Verified(status, contents, key, "" if status is SignatureStatus.ALTERED else fingerprint(key))
