"""The routes of the data plane: which there are, and which one the path of a request means."""

from __future__ import annotations

import re

from serving.protocol.refused_fields import ALL, MESSAGES

MODELS = "/v1/models"
ONE_MODEL = f"{MODELS}/{{id}}"
COUNT_TOKENS = f"{MESSAGES}/count_tokens"
TOKENIZE = "/tokenize"
DETOKENIZE = "/detokenize"
# The routes that count and spell tokens.
TOKENS = (COUNT_TOKENS, TOKENIZE, DETOKENIZE)

ROUTES: dict[str, str] = {
    **dict.fromkeys(ALL, "POST"),
    **dict.fromkeys(TOKENS, "POST"),
    MODELS: "GET",
    ONE_MODEL: "GET",
    "/health": "GET",
    "/livez": "GET",
    "/readyz": "GET",
    "/version": "GET",
}
_SLASHES = re.compile("//+")


def plain_path(path: str) -> str:
    """Return `path` with single slashes and none at its end: a base URL often ends in one of its own."""
    return _SLASHES.sub("/", path).rstrip("/")


def route_of(path: str) -> str | None:
    """Return the route of ROUTES that a plain path means; None if there is none."""
    if path in ROUTES and path != ONE_MODEL:
        return path
    return ONE_MODEL if model_of(path) else None


def model_of(path: str) -> str:
    """Return the model that a path below MODELS names, slashes included; an empty string for other paths."""
    return path.removeprefix(f"{MODELS}/") if path.startswith(f"{MODELS}/") else ""
