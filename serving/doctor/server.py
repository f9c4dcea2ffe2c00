"""Checks of a running server: its data plane as clients reach it, its admin plane with the key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime

import httpx

from serving.client import AdminClient, AdminError, NotConfigured, NotPermitted
from serving.client.keys import KeyEventPage
from serving.client.observed import EventPage, Policy, Replicas
from serving.client.operated import Engines
from serving.doctor.finding import Finding, Level, ok
from serving.doctor.stored import OF_KEYS, OF_TARGETS, broken_trail

TIMEOUT_S = 5.0
MAX_SKEW_S = 2.0
GRAVE_SKEW_S = 60.0
PAGE_EVENTS = 1_000
# Addresses that stand for all of the machine's, and where one of them is reached.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


def address(host: str, port: int) -> str:
    """Return the base URL of a plane that listens there on this machine."""
    return f"http://{_ANY.get(host, f'[{host}]' if ':' in host else host)}:{port}"


def data_plane(url: str) -> Iterator[Finding]:
    """Check that requests are answered: the engine is up, and passed its self-test with a canary."""
    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False) as client:
            came = client.get("/readyz")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        advice = "start it with `lethe serve`, or name its address with --url"
        said = f"no server answers at {httpx.URL(url).copy_with(userinfo=b'')} ({type(error).__name__})"
        yield Finding("data plane", Level.FAIL, said, advice, "cli.md#server")
        return
    yield ok("data plane", f"answers at {url}")
    yield _engine(came)
    yield from _clock(came)


def _engine(came: httpx.Response) -> Finding:
    if came.status_code == httpx.codes.OK:
        return ok("engine", "ready: it passed its self-test, in which a canary is forbidden and asked for")
    try:
        error = came.json()["error"]
        code, reason = str(error.get("code")), str(error["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        code, reason = "", f"/readyz answers {came.status_code}"
    if code == "self_test_failed" or "self-test" in reason:
        advice = "the engine does not run this version's processors: nothing is served until it does"
        return Finding("engine", Level.FAIL, reason, advice, "remote.md")
    return Finding("engine", Level.FAIL, reason, "wait while it starts; else its log says why", "errors.md")


def _clock(came: httpx.Response) -> Iterator[Finding]:
    try:
        skew = abs(parsedate_to_datetime(came.headers["date"]).timestamp() - time.time())
    except (KeyError, ValueError):
        return
    # A date in a header is whole seconds.
    if skew <= MAX_SKEW_S:
        yield ok("clock", f"within {MAX_SKEW_S:.0f} s of the server's")
        return
    level = Level.FAIL if skew > GRAVE_SKEW_S else Level.WARN
    advice = "run a time service: targets expire, and trails and certificates are dated, by the clock"
    yield Finding("clock", level, f"{skew:.0f} s off the server's", advice, "registry.md#replicas")


def admin_plane(admin: AdminClient) -> Iterator[Finding]:
    """Check what the admin plane says of policy, audit trail and replicas. Raises AdminError."""
    policy = admin.policy()
    yield ok("admin plane", "answers, and takes this key")
    yield _enforced(policy)
    yield from _trails(admin)
    yield from _replicas(admin.replicas())
    yield from _engines(admin.engines())


def without_admin_plane(error: AdminError) -> Finding:
    """Return the finding of an admin plane that could not be asked."""
    if isinstance(error, NotConfigured):
        advice = "set it, and policy, audit trail and replicas are examined too"
        return Finding("admin plane", Level.SKIP, error.detail, advice, "client.md#errors")
    advice = "ADMIN_URL or ADMIN_PORT says where it is"
    if isinstance(error, NotPermitted):
        advice = "take the key that the server was started with"
    return Finding("admin plane", Level.FAIL, error.detail, advice, "admin-plane.md")


def _enforced(policy: Policy) -> Finding:
    counts = ", ".join(f"{count} in {mode}" for mode, count in sorted(policy.enforced.items()) if count)
    if policy.enforced_version < policy.version:
        said = f"version {policy.enforced_version} is enforced, {policy.version} is stored"
        advice = "a change is compiled; if this stays so, the server's log says why"
        return Finding("policy", Level.WARN, said, advice, "admin-plane.md")
    if policy.pending:
        said = f"{policy.pending} targets are found by name only until their texts are embedded"
        return Finding("policy", Level.WARN, said, "wait: about a minute for 10,000", "admin-plane.md")
    return ok("policy", f"version {policy.version} is enforced: {counts or 'no target'}")


def _trails(admin: AdminClient) -> Iterator[Finding]:
    yield _verified(OF_TARGETS, admin.event_page)
    yield _verified(OF_KEYS, admin.key_events)


def _verified(name: str, page_of: Callable[..., EventPage | KeyEventPage]) -> Finding:
    cursor, events = 0, 0
    while True:
        page = page_of(cursor, limit=PAGE_EVENTS)
        if page.first_broken is not None:
            return broken_trail(page.first_broken, name)
        events += len(page.events)
        if page.next_cursor is None:
            return ok(name, f"whole: {events} events")
        cursor = page.next_cursor


def _engines(found: Engines) -> Iterator[Finding]:
    """Check the engines one by one: with several, one that is away is not missed by the clients."""
    away = [f"{one.url or 'embedded'} ({one.reason})" for one in found.engines if one.state != "ready"]
    drained = [one.url for one in found.engines if one.drained]
    if away:
        advice = "its own log says why; the others answer meanwhile, if there are any"
        yield Finding("engines", Level.WARN, f"not ready: {', '.join(away)}", advice, "remote.md")
    if drained:
        advice = "nothing is wrong if that is meant: POST /admin/v1/engines:drain lets them answer again"
        yield Finding("engines", Level.WARN, f"drained: {', '.join(drained)}", advice, "remote.md")
    if not away and not drained:
        yield ok("engines", f"{len(found.engines)}, all ready")


def _replicas(found: Replicas) -> Iterator[Finding]:
    live = [one for one in found.replicas if one.live]
    behind = [one.name for one in live if one.enforced_version < found.version]
    lost = [one.name for one in found.replicas if not one.live]
    if behind:
        said = f"behind version {found.version}: {', '.join(behind)}"
        advice = "they answer by an older policy; after `max_staleness` seconds they answer nobody"
        yield Finding("replicas", Level.WARN, said, advice, "registry.md#replicas")
    if lost:
        advice = "start them again, or wait until they are forgotten if they were taken away on purpose"
        yield Finding("replicas", Level.WARN, f"lost: {', '.join(lost)}", advice, "registry.md#replicas")
    if not behind and not lost:
        yield ok("replicas", f"{len(live)} live, all at version {found.version}")
