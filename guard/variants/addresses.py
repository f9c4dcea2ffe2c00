"""Ways to write an e-mail address: with "at" and "dot" in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guard.variants.variant import Variant, VariantKind

_ADDRESS = re.compile(r"([^\s@]*)@([^\s@]+\.[^\s@]+)")
_SIGNS = (("at", "dot"), ("at", ""), ("ät", "Punkt"), ("arroba", "punto"), ("arobase", "point"))


def address_variants(text: str) -> Iterator[Variant]:
    """Yield an e-mail address, or a domain after "@", with its signs in English, German, Spanish and French."""
    address = _ADDRESS.fullmatch(text)
    if address is None:
        return
    for at, dot in _SIGNS:
        local, domain = (part.replace(".", f" {dot} ") for part in address.groups())
        yield Variant(f"{local} {at} {domain}".strip(), VariantKind.ADDRESS)
