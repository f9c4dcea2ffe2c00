"""Bearer tokens, by a local issuer: what is accepted, and every way in which one is refused."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from pydantic import SecretStr

from guard.errors import BadSettings
from guard.registry.keys.key import Role
from serving.access.oidc import KEYS_AGE_S, KEYS_PAUSE_S, LEEWAY_S, Provider, TokenVerifier, token_verifier
from serving.access.rights import RIGHTS, Right
from serving.admin.app import create_admin
from serving.settings import Settings
from tests.serving.admin.conftest import KEY, Service

ISSUER, AUDIENCE, NOW = "https://id.example", "lethe", 1_800_000_000
KEYS = {kid: ECKey.generate_key("P-256", {"kid": kid, "use": "sig"}) for kid in ("one", "two")}
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})


class Issuer:
    """Has its discovery document and its keys read, and counts how often."""

    def __init__(self) -> None:
        self.kids = ["one"]
        self.issuer = ISSUER
        self.down = False
        self.read: list[str] = []
        self.now = float(NOW)

    def __call__(self, url: str) -> Any:
        self.read.append(url)
        if self.down:
            raise OSError("down")
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": f"{ISSUER}/keys"}
        assert url == f"{ISSUER}/keys"
        return KeySet([KEYS[kid] for kid in self.kids] + [RSA]).as_dict(private=False)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def verifier(issuer: Issuer) -> TokenVerifier:
    roles = {"approver": Role.APPROVER, "dashboards": Role.READER, "auditor": Role.AUDITOR}
    return TokenVerifier(Provider(ISSUER, AUDIENCE, "realm_access.roles", roles), issuer, issuer.clock)


def token(kid: str = "one", alg: str = "ES256", key: Any = None, header: Any = None, **claims: Any) -> str:
    whole: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u-17",
        "exp": NOW + 600,
        "realm_access": {"roles": ["dashboards"]},
        **claims,
    }
    members = {"alg": alg, "kid": kid, **(header or {})}
    return jwt.encode(
        members, {name: value for name, value in whole.items() if value is not None}, key or KEYS[kid], [alg]
    )


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)
    )
    return ".".join((*parts, ""))


def test_claims_are_mapped_to_roles(verifier: TokenVerifier) -> None:
    caller = verifier.caller(token())
    assert caller is not None
    assert (caller.actor, caller.rights) == ("oidc:u-17", RIGHTS[Role.READER])
    assert caller.until is not None
    assert caller.until.timestamp() == NOW + 600 + LEEWAY_S
    both = verifier.caller(token(realm_access={"roles": ["dashboards", "auditor", "unheard-of"]}))
    assert both is not None
    assert both.rights == RIGHTS[Role.READER] | RIGHTS[Role.AUDITOR]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["other", AUDIENCE]},
        {"realm_access": {"roles": "dashboards profile"}},
        {"exp": NOW - LEEWAY_S + 1},
        {"nbf": NOW + LEEWAY_S - 1},
    ],
)
def test_other_forms_of_claims_are_accepted(verifier: TokenVerifier, claims: dict[str, Any]) -> None:
    assert verifier.caller(token(**claims)) is not None


def test_signatures_by_rsa_are_accepted(verifier: TokenVerifier) -> None:
    for alg in ("RS256", "PS256"):
        assert verifier.caller(token("rsa", alg, RSA)) is not None


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"exp": NOW - LEEWAY_S - 1},
        {"exp": None},
        {"exp": "never"},
        {"nbf": NOW + LEEWAY_S + 1},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\nb"},
        {"sub": "a" * 201},
        {"sub": 17},
        {"realm_access": {"roles": ["unheard-of"]}},
        {"realm_access": {"roles": [7, None]}},
        {"realm_access": ["approver"]},
        {"realm_access": None},
        {"realm_access": None, "roles": ["approver"]},
    ],
)
def test_a_token_with_wrong_claims_is_refused(verifier: TokenVerifier, claims: dict[str, Any]) -> None:
    assert verifier.caller(token(**claims)) is None


CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u", "exp": NOW + 9, "realm_access": {"roles": ["approver"]}}


@pytest.mark.parametrize(
    "forged",
    [
        unsigned({"alg": "none"}, CLAIMS),
        unsigned({"alg": "none", "kid": "one"}, CLAIMS),
        unsigned({"alg": "ES256", "kid": "one"}, CLAIMS),
        token(kid="one", key=KEYS["two"]),
        token()[:-2],
        token().replace(".", "..", 1),
        "",
        "..",
        "a.b.c",
        "a" * 20_000,
    ],
)
def test_a_forged_token_is_refused(verifier: TokenVerifier, forged: str) -> None:
    assert verifier.caller(forged) is None


def test_a_mac_with_the_public_key_is_no_signature(verifier: TokenVerifier) -> None:
    signed = unsigned({"alg": "HS256", "kid": "rsa"}, CLAIMS).rstrip(".")
    mac = hmac.digest(RSA.as_pem(private=False), signed.encode(), "sha256")
    forged = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert verifier.caller(forged) is None


def test_a_key_for_encryption_signs_nothing(issuer: Issuer, verifier: TokenVerifier) -> None:
    KEYS["enc"] = ECKey.generate_key("P-256", {"kid": "enc", "use": "enc"})
    issuer.kids.append("enc")
    plain = ECKey.import_key({**KEYS["enc"].as_dict(private=True), "use": "sig"})
    assert verifier.caller(token("enc", key=plain)) is None


def test_keys_are_read_with_the_first_token_and_then_kept(issuer: Issuer, verifier: TokenVerifier) -> None:
    assert issuer.read == []
    for _ in range(3):
        assert verifier.caller(token()) is not None
    assert len(issuer.read) == 2


def test_a_new_key_is_found_and_an_invented_one_asked_for_now_and_then(
    issuer: Issuer, verifier: TokenVerifier
) -> None:
    assert verifier.caller(token()) is not None
    issuer.kids = ["one", "two"]
    for _ in range(5):
        assert verifier.caller(token("two")) is None
    assert len(issuer.read) == 2
    issuer.now += KEYS_PAUSE_S
    assert verifier.caller(token("two")) is not None
    assert verifier.caller(token()) is not None
    assert len(issuer.read) == 4


def test_a_key_that_was_withdrawn_is_refused_within_an_hour(issuer: Issuer, verifier: TokenVerifier) -> None:
    late = token(exp=NOW + 2 * int(KEYS_AGE_S))
    assert verifier.caller(late) is not None
    issuer.kids = ["two"]
    issuer.now += KEYS_AGE_S
    assert verifier.caller(late) is None


def test_without_its_keys_nobody_is_let_in(issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.down = True
    assert verifier.caller(token()) is None
    issuer.down = False
    assert verifier.caller(token()) is None
    issuer.now += KEYS_PAUSE_S
    assert verifier.caller(token()) is not None


def test_a_discovery_document_of_another_issuer_is_not_followed(issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.issuer = "https://other.example"
    assert verifier.caller(token()) is None
    assert issuer.read == [f"{ISSUER}/.well-known/openid-configuration"]


@pytest.mark.parametrize(
    "members",
    [
        {"oidc_audience": ""},
        {"oidc_issuer": "http://id.example"},
        {"oidc_issuer": "id.example"},
        {"oidc_keys_url": "http://id.example/keys"},
        {"oidc_roles": "reader,king"},
        {"oidc_roles": "admins=king"},
    ],
)
def test_settings_that_would_open_too_much_are_refused(members: dict[str, str]) -> None:
    with pytest.raises(BadSettings, match="oidc"):
        token_verifier(Settings(**{"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, **members}))


def test_there_is_no_verifier_without_an_issuer() -> None:
    assert token_verifier(Settings()) is None
    settings = Settings(oidc_issuer="http://127.0.0.1:8080", oidc_audience="a", oidc_roles="x=reader, auditor")
    assert token_verifier(settings) is not None


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "registry.db")
    with closing(service.registry):
        yield service


@pytest.mark.anyio
async def test_the_admin_plane_takes_tokens_and_names_their_bearers(
    service: Service, verifier: TokenVerifier
) -> None:
    service.tokens = verifier
    app = create_admin(service, SecretStr(KEY))  # type: ignore[arg-type]
    approver = token(realm_access={"roles": ["approver"]})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin") as client:

        async def ask(method: str, path: str, bearer: str, **more: Any) -> int:
            response = await client.request(method, path, headers={"authorization": f"Bearer {bearer}"}, **more)
            return response.status_code

        assert await ask("GET", "/admin/v1/policy", token()) == 200
        assert await ask("GET", "/admin/v1/audit", token()) == 403
        assert await ask("POST", "/admin/v1/targets", approver, json={"name": "Ada Quill"}) == 201
        assert await ask("POST", "/admin/v1/keys", approver, json={"name": "a", "role": "reader"}) == 403
        assert await ask("GET", "/admin/v1/policy", token(aud="other")) == 401
    assert [event.actor for event in service.registry.events()] == ["oidc:u-17"]


def test_nobody_is_owner_by_a_token() -> None:
    assert all(Right.KEYS not in rights for rights in RIGHTS.values())
