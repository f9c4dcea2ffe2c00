"""What holds of every page and form of the desk: tokens against foreign forms, no frames, no way out of it."""

from __future__ import annotations

from http.cookies import SimpleCookie

import httpx
import pytest

from guard.targets.target import Draft
from serving.access.table import DESK
from serving.desk.gate import CALLBACK, COOKIE, PROVIDER, SIGN_IN, SIGN_IN_COOKIE
from tests.serving.desk.conftest import KEY, Browser, Service

pytestmark = pytest.mark.anyio
FORMS = [route.removeprefix("POST ") for route in DESK if route.startswith("POST ")]
PAGES = [route.removeprefix("GET ") for route in DESK if route.startswith("GET ") and route != "GET /ui/static"]
ELSEWHERE = (
    *(
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/ui//evil.example",
        "/ui@evil.example",
        "javascript:x",
    ),
    *(
        "/ui/../metrics",
        "/ui\r\nX: y",
        "/ui?next=//evil.example",
        "/ui/%2f%2fevil.example",
        " /ui",
        "\t//evil.example",
    ),
)


def place(route: str, service: Service) -> str:
    """Return the path of a route, with the id of a target that there is."""
    known = service.registry.list(limit=1).items
    id = known[0].id if known else service.registry.add(Draft(name="Ada Quill")).id
    parts = {"{id}": id, "{digest}": "a" * 64, "{name}": f"{id}-20310101T000000Z", "{kind}": "json"}
    for name, value in parts.items():
        route = route.replace(name, value)
    return route


@pytest.mark.parametrize("route", FORMS)
@pytest.mark.parametrize("token", ["", "x" * 43, None])
async def test_no_form_is_taken_without_the_token_of_its_session(
    browser: Browser, service: Service, route: str, token: str | None
) -> None:
    path, version = place(route, service), service.registry.version()
    sent = {} if token is None else {"csrf": token}
    refused = await browser.client.post(path, data={**sent, "confirmed": "yes", "name": "Bo", "key": KEY})
    assert refused.status_code == 403
    assert "of another session or another site" in refused.text
    assert service.registry.version() == version
    assert (await browser.get("/ui")).status_code == 200


@pytest.mark.parametrize("route", FORMS)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_no_form_is_taken_from_another_site_whatever_its_token(
    browser: Browser, service: Service, route: str, site: str
) -> None:
    path, version = place(route, service), service.registry.version()
    assert (await browser.post(path, {"confirmed": "yes"}, **{"sec-fetch-site": site})).status_code == 403
    assert service.registry.version() == version


@pytest.mark.parametrize("route", PAGES)
async def test_no_page_can_be_framed_or_loads_anything_from_elsewhere(
    browser: Browser, service: Service, route: str
) -> None:
    answer = await browser.get(place(route, service))
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "//" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize("route", [route for route in PAGES if route not in (SIGN_IN, PROVIDER, CALLBACK)])
async def test_no_page_is_shown_and_no_form_taken_without_a_session(
    stranger: Browser, service: Service, route: str
) -> None:
    for answer in (await stranger.get(path := place(route, service)), await stranger.post(path)):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(SIGN_IN)


@pytest.mark.parametrize("back", ELSEWHERE)
async def test_no_form_leads_away_from_the_desk(browser: Browser, service: Service, back: str) -> None:
    id = service.registry.add(Draft(name="Ada Quill")).id
    await browser.get("/ui/targets")
    answers = [
        await browser.post("/ui/targets/reveal", {"shown": [id], "back": back}),
        await browser.post(f"/ui/targets/{id}/reveal", {"back": back}),
        await browser.post("/ui/targets/revoke", {"chosen": [], "back": back}),
        await browser.post("/ui/targets/revoke", {"chosen": [id], "confirmed": "yes", "back": back}),
        await browser.post("/ui/sign-out", {"next": back}),
    ]
    for answer in answers:
        assert answer.status_code == 303
        assert answer.headers["location"] in ("/ui", SIGN_IN)
    page = await browser.post("/ui/targets/revoke", {"chosen": [id], "back": back})
    assert "evil.example" not in page.text


async def test_every_cookie_is_out_of_reach_of_scripts_and_other_sites(
    stranger: Browser, service: Service
) -> None:
    https = {"x-forwarded-proto": "https"}
    answers: list[httpx.Response] = [await stranger.get(SIGN_IN, **https)]
    # This client does not send back over http what is for https alone.
    await stranger.get(SIGN_IN)
    answers.append(await stranger.post(SIGN_IN, {"key": KEY}, **https))
    answers += [await stranger.get(place(route, service), **https) for route in PAGES]
    cookies = [
        cookie
        for answer in answers
        for line in answer.headers.get_list("set-cookie")
        for cookie in SimpleCookie(line).values()
        if cookie.value
    ]
    assert {cookie.key for cookie in cookies} == {COOKIE, SIGN_IN_COOKIE}
    for cookie in cookies:
        assert (bool(cookie["httponly"]), bool(cookie["secure"]), cookie["samesite"]) == (True, True, "strict")
        assert (cookie["path"], cookie["domain"]) == ("/ui", "")
