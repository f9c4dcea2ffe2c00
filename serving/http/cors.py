"""Cross-origin requests: pages of which origins may call the data plane from a browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from serving.http.asgi import App

MAX_AGE_S = 600  # how long a browser remembers the answer to a preflight


def allow_origins(app: App, origins: Sequence[str]) -> App:
    """Return `app` with answers to preflights and CORS headers for pages of `origins`; `app` itself for none.

    `*` stands for every origin. A preflight needs no key, as browsers send none with it.
    """
    if not origins:
        return app
    from starlette.middleware.cors import CORSMiddleware

    cors = CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST"),
        # Clients send headers of their own, as x-stainless-*; the ones asked for are allowed.
        allow_headers=("*",),
        expose_headers=("x-request-id",),
        max_age=MAX_AGE_S,
    )
    return cast(App, cors)
