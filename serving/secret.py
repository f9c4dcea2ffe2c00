"""A text that must not be shown by accident."""

from __future__ import annotations

import hmac


class SecretText:
    """Holds a secret that only `reveal()` gives away: `repr`, `str`, formatting and errors show `***`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def equals(self, text: str) -> bool:
        """Compare with `text` in a time that does not depend on where they differ."""
        return hmac.compare_digest(self._text.encode(errors="surrogatepass"), text.encode(errors="surrogatepass"))

    def __repr__(self) -> str:
        return "***"
