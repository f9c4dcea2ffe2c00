"""The client of the admin plane that the command line uses."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from guard.errors import BadSettings
from serving.environment import is_service_variable
from serving.http.tls import UNTRUSTED, is_untrusted, trusted
from serving.keys import is_sendable

DEFAULT_URL = "http://127.0.0.1:8001"
TIMEOUT_S = 120.0
ACCEPT_TIMEOUT_S = 110
MAX_PORT = 65_535


class AdminRefused(Exception):
    """The admin plane refused, or could not be reached; `code` is stable."""

    def __init__(self, code: str, detail: str, faults: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.faults = faults or {}
        """What is wrong with which member of the request, by its path."""


class AdminClient:
    """One method per operation of the admin API. Refusals raise AdminRefused."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    @classmethod
    def from_environment(cls) -> AdminClient:
        """Return a client for ADMIN_URL (or ADMIN_PORT on loopback) with the key in LETHE_ADMIN_KEY."""
        # As the server reads it.
        key = os.environ.get("LETHE_ADMIN_KEY", "").strip()
        if not key:
            raise AdminRefused("missing_key", "set LETHE_ADMIN_KEY to the key that `lethe serve` printed")
        if not is_sendable(key):
            raise AdminRefused("bad_key", "LETHE_ADMIN_KEY holds a control character, which no header carries")
        headers = {b"authorization": f"Bearer {key}".encode(errors="surrogateescape")}
        try:
            verify = trusted()
        except BadSettings as error:
            raise AdminRefused(error.code, error.message) from None
        return cls(
            httpx.Client(base_url=_address(), headers=headers, timeout=TIMEOUT_S, trust_env=False, verify=verify)
        )

    def add(self, draft: dict[str, Any], *, reveal: bool = False) -> Any:
        """Store one target and wait until it is enforced."""
        params = {"wait": "applied", "reveal": str(reveal).lower()}
        return self._call("POST", "/admin/v1/targets", json=draft, params=params)

    def add_many(self, drafts: list[dict[str, Any]]) -> Any:
        """Store targets, all or none, and wait until they are enforced."""
        return self._call("POST", "/admin/v1/targets:batch", json={"targets": drafts}, params={"wait": "applied"})

    def store(self, drafts: Sequence[dict[str, Any]], *, skip_existing: bool) -> Any:
        """Store targets, all or none; return their ids at once, and those of targets that were there before."""
        params = {"skip_existing": str(skip_existing).lower()}
        return self._call("POST", "/admin/v1/targets:batch", json={"targets": drafts}, params=params)

    def list(self, cursor: str | None, limit: int, *, reveal: bool = False, state: str | None = None) -> Any:
        """Return one page of targets, of those in `state` if it is given."""
        params: dict[str, Any] = {"limit": limit, "reveal": str(reveal).lower()}
        if cursor:
            params["cursor"] = cursor
        if state:
            params["state"] = state
        return self._call("GET", "/admin/v1/targets", params=params)

    def get(self, target_id: str, *, reveal: bool = False) -> Any:
        """Return one target."""
        return self._call("GET", f"/admin/v1/targets/{target_id}", params={"reveal": str(reveal).lower()})

    def change(self, target_id: str, patch: dict[str, Any], revision: int) -> Any:
        """Change one target if it is still at `revision`, and wait until the change is enforced."""
        headers, params = {"if-match": f'"{revision}"'}, {"wait": "applied", "reveal": "true"}
        path = f"/admin/v1/targets/{target_id}"
        return self._call("PATCH", path, json=patch, headers=headers, params=params)

    def elicit(self, target_id: str, options: Mapping[str, object], *, accept: str | None = None) -> Any:
        """Start to ask the served model about one target, and return its elicitation."""
        params = {"accept": accept} if accept else {}
        return self._call("POST", f"/admin/v1/targets/{target_id}:elicit", json=options, params=params)

    def elicitation(self, target_id: str, *, reveal: bool = False) -> Any:
        """Return how far the elicitation of one target is, and what the last one found."""
        path, params = f"/admin/v1/targets/{target_id}/elicitation", {"reveal": str(reveal).lower()}
        return self._call("GET", path, params=params)

    def cancel_elicitation(self, target_id: str) -> None:
        """Cancel the elicitation of one target."""
        self._call("POST", f"/admin/v1/targets/{target_id}/elicitation:cancel")

    def accept(self, target_id: str, proposals: str | Sequence[str], *, reveal: bool = False) -> Any:
        """Add proposals, all or those of these ids, to one target, and wait until it is enforced."""
        path = f"/admin/v1/targets/{target_id}/elicitation:accept"
        # Hundreds of facts are read, and their texts embedded.
        params = {"wait": "applied", "timeout": str(ACCEPT_TIMEOUT_S), "reveal": str(reveal).lower()}
        return self._call("POST", path, json={"proposals": proposals}, params=params)

    def policy(self) -> Any:
        """Return the version of the registry and the version that is enforced."""
        return self._call("GET", "/admin/v1/policy")

    def replicas(self) -> Any:
        """Return the servers that share the registry, and the version that each enforces."""
        return self._call("GET", "/admin/v1/replicas")

    def revoke(self, target_id: str) -> None:
        """Revoke one target and wait until it is no longer enforced."""
        self._call("DELETE", f"/admin/v1/targets/{target_id}", params={"wait": "applied"})

    def verdicts(self, limit: int, mode: str | None, target_id: str | None) -> Any:
        """Return the latest verdicts, newest first."""
        given = {"limit": limit, "mode": mode, "target_id": target_id}
        return self._call("GET", "/admin/v1/verdicts", params={k: v for k, v in given.items() if v is not None})

    def audit(self, cursor: int, limit: int) -> Any:
        """Return one page of the audit trail."""
        return self._call("GET", "/admin/v1/audit", params={"cursor": cursor, "limit": limit})

    def checkpoints(self) -> Any:
        """Return the signed checkpoints of the audit trail."""
        return self._call("GET", "/admin/v1/audit/checkpoints")

    def webhooks(self) -> Any:
        """Return how far each webhook was told."""
        return self._call("GET", "/admin/v1/webhooks")

    def retry_webhook(self, webhook_id: str) -> Any:
        """Deliver the dead letters of a webhook once more."""
        return self._call("POST", f"/admin/v1/webhooks/{webhook_id}:retry")

    def check(self, text: str) -> Any:
        """Return which targets a text touches and what would be done."""
        return self._call("POST", "/admin/v1/check", json={"text": text})

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            response = self._http.request(method, path, **arguments)
        except httpx.HTTPError as error:
            cause = UNTRUSTED if is_untrusted(error) else type(error).__name__
            detail = f"the admin plane at {self._http.base_url} cannot be reached ({cause})"
            raise AdminRefused("unreachable", detail) from None
        if response.is_error:
            raise _refusal(response)
        return response.json() if response.content else None


def _address() -> str:
    port = os.environ.get("ADMIN_PORT", "")
    # A Kubernetes Service called "admin" sets ADMIN_PORT=tcp://...
    if not port or is_service_variable("ADMIN_PORT", port):
        port_url = DEFAULT_URL
    elif port.isascii() and port.isdigit() and int(port) <= MAX_PORT:
        port_url = f"http://127.0.0.1:{port}"
    else:
        raise AdminRefused("bad_settings", "ADMIN_PORT must be the number of a port")
    url = os.environ.get("ADMIN_URL") or port_url
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise AdminRefused("bad_settings", f"ADMIN_URL must be a URL such as {DEFAULT_URL}")
    return url


def _refusal(response: httpx.Response) -> AdminRefused:
    try:
        problem = response.json()
        faults = {str(fault["field"]): str(fault["detail"]) for fault in problem.get("errors") or ()}
        return AdminRefused(str(problem["code"]), str(problem.get("detail") or problem["title"]), faults)
    except (ValueError, KeyError, TypeError):
        return AdminRefused("unexpected_answer", f"the admin plane answered {response.status_code}")
