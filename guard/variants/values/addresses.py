"""Ways to write an e-mail address: with "at" and "dot" in words, all or some of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guard.variants.variant import Variant, VariantKind

ADDRESS = re.compile(r"([^\s@]*)@([^\s@]+\.[^\s@]+)")
# "at" and "dot" in English, German, Spanish, Portuguese, French, Italian, Dutch, Polish, Turkish, Danish, Swedish.
_SIGNS = (
    *(("at", "dot"), ("ät", "Punkt"), ("at", "Punkt"), ("arroba", "punto"), ("arroba", "ponto")),
    *(("arobase", "point"), ("chiocciola", "punto"), ("apenstaartje", "punt"), ("małpa", "kropka")),
    *(("et", "nokta"), ("snabel-a", "punktum"), ("snabel-a", "punkt"), ("a", "dot")),
)


def address_variants(text: str) -> Iterator[Variant]:
    """Yield an e-mail address, or a domain after "@", with its signs in words: the "@", the dots of the domain,
    and those before it, each in words or as they are."""
    address = ADDRESS.fullmatch(text)
    if address is None:
        return
    for at, dot in _SIGNS:
        local, domain = address.groups()
        spelt_local, spelt_domain = (part.replace(".", f" {dot} ") for part in address.groups())
        for sign in (at, ""):
            yield Variant(f"{spelt_local} {sign} {spelt_domain}".strip(), VariantKind.ADDRESS)
            yield Variant(f"{local} {sign} {spelt_domain}".strip(), VariantKind.ADDRESS)
        yield Variant(f"{local} {at} {domain}".strip(), VariantKind.ADDRESS)
