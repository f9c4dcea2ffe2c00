"""What all choices of one answer have in common when they are guarded."""

from __future__ import annotations

from dataclasses import dataclass

from guard.matching.near import NearTexts


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """What all choices of an answer share.

    decline       the text of a choice of which nothing may be released
    declined      whether all of the model's text is replaced by it
    decode        whether what decodes to a phrase is withheld too (`guard.matching.encoded_scanner`)
    alternatives  how many alternatives the client asked for with each log-probability; None: it asked for none
    max_tokens    the client's limit, which holds for the decline text too, whose words count as tokens
    near          what must not be nearly said (`guard.matching.near`)
    """

    decline: str
    declined: bool = False
    decode: bool = False
    alternatives: int | None = None
    max_tokens: int | None = None
    near: tuple[NearTexts, ...] = ()
