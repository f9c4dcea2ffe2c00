"""Signing in at a local issuer: what is accepted, and every way in which it is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, OctKey

from guard.errors import BadSettings
from guard.registry.keys.key import Role
from serving.access.code_flow import MAX_SIGN_INS, ROLES_S, SIGN_IN_S, CodeFlow, Refusal, SignInRefused, code_flow
from serving.access.oidc import LEEWAY_S, token_verifier
from serving.access.rights import RIGHTS
from serving.settings import Settings
from tests.serving.access.issuer import CLIENT_ID, DESK_URL, ISSUER, NOW, LocalIssuer


@pytest.fixture
def issuer() -> LocalIssuer:
    return LocalIssuer()


@pytest.fixture
def flow(issuer: LocalIssuer) -> CodeFlow:
    return issuer.flow()


def refusal(flow: CodeFlow, answer: dict[str, str], browser: str) -> Refusal:
    with pytest.raises(SignInRefused) as caught:
        flow.end(answer, browser)
    return caught.value.why


def signed_in(issuer: LocalIssuer, flow: CodeFlow, **answer: str) -> Any:
    begun = flow.begin("/ui/targets")
    return flow.end(issuer.authorize(begun.url) | answer, begun.browser)


def refused(issuer: LocalIssuer, flow: CodeFlow, **answer: str) -> Refusal:
    begun = flow.begin("/ui")
    return refusal(flow, issuer.authorize(begun.url) | answer, begun.browser)


def test_who_has_signed_in_has_the_roles_of_the_identity_token(issuer: LocalIssuer, flow: CodeFlow) -> None:
    found = signed_in(issuer, flow)
    assert (found.caller.actor, found.caller.rights) == ("oidc:u-17", RIGHTS[Role.APPROVER])
    assert found.after == "/ui/targets"
    # The provider is asked again then, however short the identity token lives.
    assert found.caller.until.timestamp() == NOW + ROLES_S
    assert found.sign_out_url == (
        f"{ISSUER}/end?client_id={CLIENT_ID}&post_logout_redirect_uri=https%3A%2F%2Flethe.example%2Fui"
    )


def test_the_browser_is_sent_to_the_provider_with_pkce_state_and_nonce(flow: CodeFlow) -> None:
    first, second = (parse_qs(urlsplit(flow.begin("/ui").url).query) for _ in range(2))
    assert first["redirect_uri"] == [f"{DESK_URL}/sign-in/callback"]
    assert first["scope"] == ["openid roles"]
    assert first["code_challenge_method"] == ["S256"]
    assert "code_verifier" not in first
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43
        assert first[name] != second[name]


def test_a_sign_in_is_ended_once_by_the_browser_that_has_begun_it(issuer: LocalIssuer, flow: CodeFlow) -> None:
    begun, other = flow.begin("/ui"), flow.begin("/ui")
    answer = issuer.authorize(begun.url)
    for state in ("", "x", "é"):
        assert refusal(flow, answer | {"state": state}, begun.browser) is Refusal.STATE
    # Somebody else's browser: a link with a code, which would sign its reader in as another one.
    assert refusal(flow, answer, other.browser) is Refusal.STATE
    # And then it has ended for the right one too.
    assert refusal(flow, answer, begun.browser) is Refusal.STATE
    assert issuer.posted == []
    again = flow.begin("/ui")
    answer = issuer.authorize(again.url)
    assert flow.end(answer, again.browser).caller.actor == "oidc:u-17"
    assert refusal(flow, answer, again.browser) is Refusal.STATE


def test_a_code_is_taken_once(issuer: LocalIssuer, flow: CodeFlow) -> None:
    begun, other = flow.begin("/ui"), flow.begin("/ui")
    answer = issuer.authorize(begun.url)
    flow.end(answer, begun.browser)
    reused = answer | {"state": issuer.authorize(other.url)["state"]}
    assert refusal(flow, reused, other.browser) is Refusal.PROVIDER


def test_a_sign_in_that_takes_too_long_has_ended(issuer: LocalIssuer, flow: CodeFlow) -> None:
    begun = flow.begin("/ui")
    answer = issuer.authorize(begun.url)
    issuer.now += SIGN_IN_S
    assert refusal(flow, answer, begun.browser) is Refusal.STATE


def test_sign_ins_that_nobody_ends_are_bounded(issuer: LocalIssuer, flow: CodeFlow) -> None:
    first = flow.begin("/ui")
    for _ in range(MAX_SIGN_INS):
        flow.begin("/ui")
    assert refusal(flow, issuer.authorize(first.url), first.browser) is Refusal.STATE


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 7},
        {"iss": "https://other.example"},
        {"iss": f"{ISSUER}/"},
        {"aud": "another"},
        {"aud": None},
        {"azp": "another", "aud": [CLIENT_ID, "another"]},
        {"exp": NOW - LEEWAY_S - 1},
        {"exp": None},
        {"nbf": NOW + LEEWAY_S + 1},
        {"sub": None},
    ],
)
def test_an_identity_token_with_wrong_claims_is_refused(
    issuer: LocalIssuer, flow: CodeFlow, claims: dict[str, Any]
) -> None:
    issuer.claims = claims
    assert refused(issuer, flow) is Refusal.TOKEN


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "none"}, None),
        ({"alg": "none", "kid": "one"}, None),
        ({"alg": "HS256", "kid": "one"}, OctKey.import_key("s" * 32)),
        ({"alg": "ES256", "kid": "one"}, ECKey.generate_key("P-256")),
        ({"alg": "ES256", "kid": "two"}, ECKey.generate_key("P-256")),
    ],
)
def test_a_forged_identity_token_is_refused(
    issuer: LocalIssuer, flow: CodeFlow, header: dict[str, Any], key: Any
) -> None:
    issuer.header, issuer.key = header, key
    assert refused(issuer, flow) is Refusal.TOKEN


@pytest.mark.parametrize("roles", [None, [], ["king"], "", {"approver": True}, [["approver"]]])
def test_who_has_no_role_here_is_not_let_in(issuer: LocalIssuer, flow: CodeFlow, roles: Any) -> None:
    issuer.person["roles"] = roles
    assert refused(issuer, flow) is Refusal.ROLE


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"error": "access_denied"}, Refusal.DENIED),
        ({"iss": "https://other.example"}, Refusal.STATE),
        ({"code": ""}, Refusal.PROVIDER),
        ({"code": "c" * 5_000}, Refusal.PROVIDER),
        ({"code": "invented"}, Refusal.PROVIDER),
    ],
)
def test_an_answer_that_is_none_of_the_providers_signs_nobody_in(
    issuer: LocalIssuer, flow: CodeFlow, answer: dict[str, str], why: Refusal
) -> None:
    assert refused(issuer, flow, **answer) is why


def test_a_provider_that_says_who_it_is_always_says_so(issuer: LocalIssuer, flow: CodeFlow) -> None:
    issuer.description["authorization_response_iss_parameter_supported"] = True
    begun = flow.begin("/ui")
    answer = issuer.authorize(begun.url)
    del answer["iss"]
    assert refusal(flow, answer, begun.browser) is Refusal.STATE


@pytest.mark.parametrize(
    "members",
    [
        {"issuer": "https://other.example"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "http://id.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "//id.example"},
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_followed(
    issuer: LocalIssuer, flow: CodeFlow, members: dict[str, Any]
) -> None:
    issuer.description |= members
    with pytest.raises(SignInRefused) as caught:
        flow.begin("/ui")
    assert caught.value.why is Refusal.PROVIDER


@pytest.mark.parametrize("answer", [[], {}, {"id_token": 7}, "text", {"access_token": "a"}])
def test_a_token_endpoint_that_gives_no_identity_token_signs_nobody_in(
    issuer: LocalIssuer, flow: CodeFlow, answer: Any
) -> None:
    issuer.answer = answer
    assert refused(issuer, flow) is Refusal.PROVIDER


def test_a_provider_that_is_down_is_said(issuer: LocalIssuer, flow: CodeFlow) -> None:
    begun = flow.begin("/ui")
    issuer.down = True
    assert refusal(flow, issuer.authorize(begun.url), begun.browser) is Refusal.PROVIDER
    with pytest.raises(SignInRefused):
        issuer.flow().begin("/ui")


def test_the_secret_is_sent_as_the_provider_wants_it(issuer: LocalIssuer, flow: CodeFlow) -> None:
    signed_in(issuer, flow)
    assert "client_secret" not in issuer.posted[-1]
    issuer.description["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    signed_in(issuer, issuer.flow())
    assert issuer.posted[-1]["client_secret"] == "s3cret"
    assert "s3cret" not in repr(vars(flow))


def test_without_an_address_to_sign_out_at_none_is_offered(issuer: LocalIssuer, flow: CodeFlow) -> None:
    issuer.description["end_session_endpoint"] = "http://id.example/end"
    assert signed_in(issuer, flow).sign_out_url == ""


@pytest.mark.parametrize(
    "members",
    [
        {"oidc_issuer": ""},
        {"oidc_desk_url": ""},
        {"oidc_desk_url": "http://lethe.example"},
        {"oidc_issuer": "http://id.example"},
        {"oidc_scopes": "profile"},
        {"oidc_roles": "admins=king"},
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(members: dict[str, str]) -> None:
    sound = {"oidc_issuer": ISSUER, "oidc_client_id": "lethe", "oidc_desk_url": "https://lethe.example/"}
    assert code_flow(Settings(**sound)) is not None
    with pytest.raises(BadSettings, match="oidc"):
        code_flow(Settings(**{**sound, **members}))


def test_with_a_client_and_no_audience_no_bearer_token_is_accepted() -> None:
    assert code_flow(Settings(oidc_issuer=ISSUER, oidc_audience="a")) is None
    assert token_verifier(Settings(oidc_issuer=ISSUER, oidc_client_id="lethe")) is None
