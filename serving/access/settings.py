"""The settings of who may administer a server besides the holders of keys, and whether it takes two."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class AccessSettings(BaseSettings):
    """A part of `serving.settings.Settings`."""

    approval: Literal["none", "four_eyes"] = Field(
        "none",
        description=(
            "Whether a change of what is enforced comes into force at once (`none`), or when another person than "
            "its proposer has approved it (`four_eyes`). The registry keeps it: once a server was started with "
            "`four_eyes`, it holds at every server of the registry, until `lethe registry approval none`."
        ),
    )
    oidc_issuer: str = Field(
        "",
        description=(
            "Issuer of bearer tokens (OpenID Connect) that the admin plane and the desk accept too; empty: none."
        ),
    )
    oidc_audience: str = Field("", description="Audience that a token must be for; needed with `oidc_issuer`.")
    oidc_claim: str = Field(
        "roles", min_length=1, description="Claim that names the roles of a bearer, as `realm_access.roles`."
    )
    oidc_roles: str = Field(
        "reader,editor,approver,auditor",
        description="Comma-separated roles, each as `value of the claim=role`, or alone where both are the same.",
    )
    oidc_keys_url: str = Field(
        "", description="URL of the issuer's keys (JWKS); empty: as its discovery document says."
    )
    oidc_client_id: str = Field(
        "",
        description="Id of this server at the issuer, where people then sign in to the desk; empty: they do not.",
    )
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="Secret of `oidc_client_id`; empty for a public client, which PKCE protects."
    )
    oidc_desk_url: str = Field(
        "",
        description=(
            "URL of the admin plane as browsers see it, as `https://lethe.example`; needed with `oidc_client_id`."
            " The issuer must allow `/ui/sign-in/callback` there as redirect URI."
        ),
    )
    oidc_scopes: str = Field(
        "openid", description="Scopes that are asked for at the sign-in, divided by blanks; `openid` among them."
    )
