"""Signing in to the desk at a local identity provider."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import httpx
import pytest
from pydantic import SecretStr

from serving.desk.app import create_desk
from serving.desk.gate import COOKIE
from serving.desk.pages.sign_in import FLOW_COOKIE
from tests.serving.access.issuer import LocalIssuer
from tests.serving.desk.conftest import KEY, Browser, Service

pytestmark = pytest.mark.anyio
PROVIDER, CALLBACK = "/ui/sign-in/provider", "/ui/sign-in/callback"


@pytest.fixture
def issuer() -> LocalIssuer:
    issuer = LocalIssuer()
    # The desk goes by the clock.
    issuer.now = time.time()
    issuer.claims = {"exp": int(issuer.now) + 300}
    return issuer


@pytest.fixture
async def stranger(service: Service, issuer: LocalIssuer) -> AsyncIterator[Browser]:
    desk = create_desk(service, SecretStr(KEY), idle_s=600, max_body_bytes=10_000, provider=issuer.flow())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="https://desk") as client:
        yield Browser(client)


async def arrive(
    stranger: Browser, issuer: LocalIssuer, after: str = "/ui/verdicts", **answer: str
) -> httpx.Response:
    sent = await stranger.client.get(PROVIDER, params={"next": after})
    assert sent.status_code == 303
    return await stranger.client.get(CALLBACK, params=issuer.authorize(sent.headers["location"]) | answer)


def cookies(response: httpx.Response) -> SimpleCookie:
    jar: SimpleCookie = SimpleCookie()
    for line in response.headers.get_list("set-cookie"):
        jar.load(line)
    return jar


async def test_one_signs_in_at_the_provider_and_goes_on_where_one_wanted(
    stranger: Browser, issuer: LocalIssuer
) -> None:
    page = await stranger.get("/ui/sign-in?next=%2Fui%2Fverdicts")
    assert 'href="/ui/sign-in/provider?next=%2Fui%2Fverdicts"' in page.text
    arrived = await arrive(stranger, issuer)
    assert arrived.status_code == 200
    # A page of our own leads on: from the provider's site the session's cookie would not be sent.
    assert 'content="0; url=/ui/verdicts"' in arrived.text
    session, flow = cookies(arrived)[COOKIE], cookies(arrived)[FLOW_COOKIE]
    assert (session["samesite"], bool(session["httponly"]), bool(session["secure"])) == ("strict", True, True)
    assert flow.value == ""
    page = await stranger.get("/ui/targets")
    assert page.status_code == 200
    # An approver manages no keys.
    assert (await stranger.post("/ui/keys", {"name": "a"})).status_code == 403


async def test_the_cookie_of_a_sign_in_is_for_its_pages_and_ten_minutes(stranger: Browser) -> None:
    flow = cookies(await stranger.get(PROVIDER))[FLOW_COOKIE]
    assert (flow["samesite"], flow["path"], flow["max-age"]) == ("lax", "/ui/sign-in", "600")
    assert bool(flow["httponly"])
    assert bool(flow["secure"])


@pytest.mark.parametrize(
    "after", ["https://evil.example", "//evil.example", "/ui/../x", "/ui\r\nX: y", "javascript:x"]
)
async def test_a_sign_in_at_the_provider_leads_nowhere_but_to_the_desk(
    stranger: Browser, issuer: LocalIssuer, after: str
) -> None:
    arrived = await arrive(stranger, issuer, after)
    assert 'content="0; url=/ui"' in arrived.text
    assert "evil" not in arrived.text


async def test_a_session_that_somebody_planted_is_not_the_one_that_begins(
    stranger: Browser, issuer: LocalIssuer
) -> None:
    stranger.client.cookies.set(COOKIE, "planted", domain="desk", path="/ui")
    assert cookies(await arrive(stranger, issuer))[COOKIE].value != "planted"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"state": "x"}, "was not begun in this browser"),
        ({"code": "invented"}, "cannot be reached"),
        ({"error": "access_denied", "error_description": "<script>"}, "has not let you in"),
        ({"iss": "https://other.example"}, "was not begun in this browser"),
    ],
)
async def test_who_is_refused_has_no_session_and_is_told_why(
    stranger: Browser, issuer: LocalIssuer, answer: dict[str, str], said: str
) -> None:
    refused = await arrive(stranger, issuer, **answer)
    assert refused.status_code == 401
    assert said in refused.text
    assert refused.text.count("<script") == 1
    assert COOKIE not in cookies(refused)
    assert (await stranger.get("/ui")).status_code == 303


async def test_a_link_with_a_code_of_somebody_else_signs_nobody_in(stranger: Browser, issuer: LocalIssuer) -> None:
    sent = await stranger.client.get(PROVIDER)
    answer = issuer.authorize(sent.headers["location"])
    stranger.client.cookies.clear()
    assert (await stranger.client.get(CALLBACK, params=answer)).status_code == 401


async def test_signing_out_ends_the_session_and_offers_to_sign_out_there(
    stranger: Browser, issuer: LocalIssuer
) -> None:
    await arrive(stranger, issuer)
    await stranger.get("/ui")
    name = stranger.client.cookies[COOKIE]
    left = await stranger.post("/ui/sign-out")
    assert left.status_code == 200
    assert 'href="https://id.example/end?client_id=' in left.text
    assert (await stranger.get("/ui", cookie=f"{COOKIE}={name}")).status_code == 303


async def test_a_provider_that_is_down_leaves_the_key(stranger: Browser, issuer: LocalIssuer) -> None:
    issuer.down = True
    refused = await stranger.get(PROVIDER)
    assert refused.status_code == 502
    assert "cannot be reached" in refused.text
    assert (await stranger.sign_in()).status_code == 303


async def test_without_a_provider_there_is_no_such_page(service: Service) -> None:
    desk = create_desk(service, SecretStr(KEY), idle_s=600, max_body_bytes=10_000)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="https://desk") as client:
        assert (await client.get(PROVIDER)).status_code == 404
        assert (await client.get(CALLBACK, params={"code": "a", "state": "b"})).status_code == 404
        assert "your organisation" not in (await client.get("/ui/sign-in")).text


async def test_the_right_of_a_session_ends_with_the_time_that_its_roles_hold(
    service: Service, issuer: LocalIssuer
) -> None:
    issuer.now -= 3_600
    issuer.claims = {"exp": int(issuer.now) + 300}
    desk = create_desk(service, SecretStr(KEY), idle_s=600, max_body_bytes=10_000, provider=issuer.flow())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="https://desk") as client:
        stranger = Browser(client)
        assert COOKIE in cookies(await arrive(stranger, issuer))
        assert (await stranger.get("/ui")).status_code == 303
