from __future__ import annotations

import re
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest

from serving.access.rights import OWNER
from serving.desk.app import WithDesk, create_desk
from serving.desk.gate import COOKIE, own_place
from serving.desk.sessions import FAILURES_S, MAX_FAILURES, MAX_SESSION_S, MAX_SESSIONS, Sessions, SignInLimit
from serving.http.asgi import Receive, Scope, Send, respond
from tests.serving.desk.conftest import KEY, Browser, Service

pytestmark = pytest.mark.anyio


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def cookie(response: httpx.Response, name: str = COOKIE) -> Morsel[str]:
    jar: SimpleCookie = SimpleCookie()
    for line in response.headers.get_list("set-cookie"):
        jar.load(line)
    return jar[name]


async def test_the_right_key_leads_to_the_page_that_was_asked_for(stranger: Browser) -> None:
    sent = await stranger.get("/ui/verdicts?mode=shadow")
    assert sent.status_code == 303
    page = await stranger.get(sent.headers["location"])
    assert 'value="/ui/verdicts?mode=shadow"' in page.text
    arrived = await stranger.post("/ui/sign-in", {"key": f" {KEY}\n", "next": "/ui/verdicts?mode=shadow"})
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/ui/verdicts?mode=shadow")
    assert (await stranger.get("/ui")).status_code == 200


@pytest.mark.parametrize(
    "key", ["", "wrong", KEY[:-1], KEY + "k", "ключ", "\ud800".encode(errors="replace").decode()]
)
async def test_a_wrong_key_begins_no_session(stranger: Browser, key: str) -> None:
    refused = await stranger.sign_in(key)
    assert refused.status_code == 401
    assert "LETHE_ADMIN_KEY" in refused.text
    assert COOKIE not in stranger.client.cookies
    assert key not in refused.text or not key
    assert (await stranger.get("/ui")).status_code == 303


@pytest.mark.parametrize("path", ["/ui", "/ui/", "/ui/targets", "/ui/nowhere", "/ui/targets/ft_1"])
async def test_nothing_is_shown_to_who_has_not_signed_in(stranger: Browser, path: str) -> None:
    response = await stranger.get(path)
    assert response.status_code == 303
    assert response.headers["location"].startswith("/ui/sign-in")


async def test_no_form_is_taken_from_who_has_not_signed_in(stranger: Browser) -> None:
    await stranger.get("/ui/sign-in")
    assert (await stranger.post("/ui/sign-out")).headers["location"] == "/ui/sign-in"


@pytest.mark.parametrize("secure", [False, True])
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Browser, secure: bool) -> None:
    await stranger.get("/ui/sign-in")
    forwarded = {"x-forwarded-proto": "https"} if secure else {}
    response = await stranger.post("/ui/sign-in", {"key": KEY}, **forwarded)
    found = cookie(response)
    assert (bool(found["httponly"]), found["samesite"], found["path"]) == (True, "strict", "/ui")
    assert bool(found["secure"]) is secure
    assert not found["max-age"]
    assert not found["expires"]
    assert not found["domain"]


async def test_a_session_that_somebody_planted_is_not_the_one_that_begins(stranger: Browser) -> None:
    stranger.client.cookies.set(COOKIE, "planted", domain="desk.local", path="/ui")
    await stranger.get("/ui/sign-in")
    first = cookie(await stranger.post("/ui/sign-in", {"key": KEY})).value
    assert first != "planted"
    await stranger.get("/ui")
    again = cookie(await stranger.post("/ui/sign-in", {"key": KEY})).value
    assert again != first
    stranger.client.cookies.clear()
    assert (await stranger.get("/ui", cookie=f"{COOKIE}={first}")).status_code == 303
    assert (await stranger.get("/ui", cookie=f"{COOKIE}={again}")).status_code == 200


async def test_signing_out_ends_the_session_on_the_server(browser: Browser) -> None:
    name = browser.client.cookies[COOKIE]
    assert (await browser.post("/ui/sign-out")).status_code == 303
    browser.client.cookies.clear()
    assert (await browser.get("/ui", cookie=f"{COOKIE}={name}")).status_code == 303


@pytest.mark.parametrize("token", ["", "x", "k" * 43, "é"])
async def test_a_form_without_the_token_of_its_session_changes_nothing(browser: Browser, token: str) -> None:
    assert (await browser.post("/ui/sign-out", {"csrf": token})).status_code == 403
    assert (await browser.get("/ui")).status_code == 200


async def test_a_form_of_another_session_or_site_changes_nothing(browser: Browser, desk: object) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="http://desk") as client:  # type: ignore[arg-type]
        other = Browser(client)
        await other.sign_in()
        assert (await browser.post("/ui/sign-out", {"csrf": other.token})).status_code == 403
    for site in ("cross-site", "same-site"):
        assert (await browser.post("/ui/sign-out", **{"sec-fetch-site": site})).status_code == 403
    assert (await browser.post("/ui/sign-out", **{"sec-fetch-site": "same-origin"})).status_code == 303


async def test_the_sign_in_form_too_is_only_taken_from_its_page(stranger: Browser) -> None:
    assert (await stranger.post("/ui/sign-in", {"key": KEY, "csrf": "x"})).status_code == 403
    assert (await stranger.post("/ui/sign-in", {"key": KEY, "csrf": ""})).status_code == 403


@pytest.mark.parametrize(
    "place",
    [
        *(
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/ui//evil.example",
            "/uix",
            "/ui@evil.example",
        ),
        *(
            "/metrics",
            "javascript:alert(1)",
            "/ui/../metrics",
            "/ui\r\nX: y",
            "/ui?next=//evil.example",
            "ui",
            "",
            None,
        ),
        *("/ui/%2f%2fevil.example", " /ui", "/ui/targets#x", "/ui\\..\\evil", "http:/ui"),
    ],
)
async def test_a_sign_in_leads_nowhere_but_to_the_desk(place: str | None, stranger: Browser) -> None:
    assert own_place(place) == "/ui"
    if place is not None:
        assert (await stranger.sign_in(after=place)).headers["location"] == "/ui"


async def test_after_ten_wrong_keys_an_address_has_to_wait_whatever_key_it_gives(stranger: Browser) -> None:
    for _ in range(MAX_FAILURES):
        assert (await stranger.sign_in("wrong")).status_code == 401
    refused = await stranger.sign_in(KEY)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "900")


def test_addresses_are_counted_apart_and_the_wait_ends() -> None:
    clock = Clock()
    limit = SignInLimit(clock)
    for host in range(MAX_FAILURES):
        limit.count_failure("192.0.2.1")
        limit.count_failure(f"2001:db8::{host:x}")
    assert limit.refuses("192.0.2.1")
    assert limit.refuses("2001:db8::ffff:1")
    assert not limit.refuses("192.0.2.2")
    assert not limit.refuses("2001:db8:0:1::1")
    clock.now += FAILURES_S
    assert not limit.refuses("192.0.2.1")


def test_a_session_ends_when_nobody_uses_it_and_in_any_case_after_half_a_day() -> None:
    clock = Clock()
    sessions = Sessions(600, clock)
    name = sessions.begin(OWNER)
    clock.now += 599
    assert sessions.find(name)
    clock.now += 599
    assert sessions.find(name, use=False)
    clock.now += 1
    assert sessions.find(name) is None
    name = sessions.begin(OWNER)
    began = clock.now
    while clock.now - began < MAX_SESSION_S:
        assert sessions.find(name)
        clock.now += 590
    assert sessions.find(name) is None


def test_sessions_are_bounded_and_the_one_used_longest_ago_gives_way() -> None:
    clock = Clock()
    sessions = Sessions(600, clock)
    names = []
    for _ in range(MAX_SESSIONS):
        clock.now += 0.1
        names.append(sessions.begin(OWNER))
    assert sessions.find(names[0])
    sessions.begin(OWNER)
    assert sessions.find(names[0])
    assert sessions.find(names[1]) is None


async def test_what_a_page_asks_for_by_itself_keeps_nobody_signed_in(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(Sessions.__init__, "__defaults__", (clock,))
    from pydantic import SecretStr

    desk = create_desk(service, SecretStr(KEY), idle_s=600, max_body_bytes=1000)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="http://desk") as client:
        browser = Browser(client)
        await browser.sign_in()
        clock.now += 599
        assert (await browser.get("/ui", **{"hx-request": "true"})).status_code == 200
        clock.now += 1
        ended = await browser.get("/ui", **{"hx-request": "true"})
        assert (ended.status_code, ended.headers["hx-redirect"]) == (401, "/ui/sign-in")


@pytest.mark.parametrize("path", ["/ui", "/ui/sign-in", "/ui/static/desk.css", "/ui/nowhere"])
async def test_every_response_allows_no_frame_no_foreign_source_and_no_inline_script(
    browser: Browser, path: str
) -> None:
    response = await browser.get(path)
    policy = dict(part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {policy[name] for name in policy if name.endswith("-src") and name != "default-src"} == {"'self'"}
    assert policy["form-action"] == "'self'"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["x-content-type-options"] == "nosniff"
    if "/static/" not in path:
        assert response.headers["cache-control"] == "no-store"
        assert not re.search(
            r"<style|\son\w+=|\sstyle=|<script(?! src=\"/ui/static/)|//[a-z]+\.[a-z]+/", response.text
        )


async def test_a_body_larger_than_the_server_takes_is_refused(browser: Browser) -> None:
    assert (await browser.post("/ui/sign-out", {"text": "x" * 300_000})).status_code == 413


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=x", "application/json", "text/plain"]
)
async def test_what_is_no_form_is_refused(browser: Browser, kind: str) -> None:
    response = await browser.client.post("/ui/sign-out", content=b"csrf", headers={"content-type": kind})
    assert response.status_code in (400, 403)
    assert 'role="alert"' in response.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_change_nothing(browser: Browser, method: str) -> None:
    assert (await browser.client.request(method, "/ui/sign-out")).status_code == 405
    assert (await browser.get("/ui")).status_code == 200


async def test_the_admin_plane_stays_where_it_is() -> None:
    async def answer(scope: Scope, receive: Receive, send: Send, name: str) -> None:
        await respond(send, 200, name)

    app = WithDesk(lambda *args: answer(*args, name="admin"), lambda *args: answer(*args, name="desk"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
        for path, name in (("/ui", "desk"), ("/ui/x", "desk"), ("/uix", "admin"), ("/readyz", "admin")):
            assert (await client.get(path)).json() == name
        # Who opens the address of the admin plane in a browser wants to see something.
        led = await client.get("/", headers={"accept": "text/html,application/xhtml+xml"})
        assert (led.status_code, led.headers["location"]) == (307, "/ui")
        assert (await client.get("/")).json() == "admin"
        assert (await client.post("/", headers={"accept": "text/html"})).json() == "admin"
