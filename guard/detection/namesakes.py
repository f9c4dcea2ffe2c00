"""Namesakes: which sentences name somebody or something else that has a target's name.

A target says in `distinguish` whom it does not mean: "the rower", "Washington State". A sentence that names the
target, in whole or in part, is about its namesake

* if the words of such a text stand next to every mention of the name, but for words like "of the",
* and the sentence is no further from "name, text" in meaning than from any text of the target,
* and unless it has a distinctive phrase of the target, a word that denies or contrasts, or hides something.

A name in an answer needs no such words next to it if the last sentence that was asked has them, and both together
are nearer to the namesake by LEAD.

Such a sentence is no evidence for the target. All others are, and in doubt a sentence is about the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guard.deobfuscation.readings import Reading, deobfuscate
from guard.detection.embedder import Embedder
from guard.detection.lookup import Lookup
from guard.evidence.namesakes import contrasts, is_described, says_any, sentences, without_name
from guard.targets.target import Draft
from guard.text.conversation import Message, windows
from guard.text.normalise import fold

LEAD = 0.15
"""The lead in cosine from which a name in an answer is a namesake's."""
MAX_SENTENCES = 64
"""A conversation that names a target in more sentences is about the target, whatever they say."""
MAX_TARGETS = 8
"""So many targets of a conversation are looked at for namesakes."""
_NO_QUESTION = str.maketrans("?？؟", ",,,")


def about_others(
    embedder: Embedder, lookup: Lookup, target_id: str, conversation: Sequence[Message]
) -> tuple[Message, ...] | None:
    """Return the conversation without the sentences about namesakes of a target; None if there are none.

    Takes linear time, and embeds at most MAX_SENTENCES sentences.
    """
    named = [
        sentence
        for message in conversation
        for sentence in sentences(message.text)
        if _is_named(lookup, target_id, sentence)
    ]
    if not named or len(named) > MAX_SENTENCES:
        return None
    joined = "\n".join(message.text for message in conversation)
    if target_id in lookup.named(joined) and not any(target_id in lookup.named(one) for one in named):
        # Two messages or sentences have the name together.
        return None
    left_out = {one for one in dict.fromkeys(named) if is_about_namesake(embedder, lookup, target_id, one)}
    if not left_out:
        return None
    return tuple(replace(message, text=_without(message.text, left_out), written="") for message in conversation)


def answers_about_namesake(
    embedder: Embedder, lookup: Lookup, target_id: str, conversation: Sequence[Message], answers: Sequence[str]
) -> bool:
    """Whether every sentence of the answers that names a target is about its namesake.

    It is read after the last sentence that was asked: "Name a rower from Leeds."
    """
    asked = next((message.text for message in reversed(conversation) if message.role != "assistant"), "")
    question = next((one.strip() for one in reversed(list(sentences(asked))) if fold(one)), "")
    named = [one for text in answers for one in sentences(text) if _is_named(lookup, target_id, one)]
    return 0 < len(named) <= MAX_SENTENCES and all(
        is_about_namesake(embedder, lookup, target_id, one, question) for one in dict.fromkeys(named)
    )


def is_about_namesake(
    embedder: Embedder, lookup: Lookup, target_id: str, sentence: str, question: str = ""
) -> bool:
    """Whether a sentence that names a target is about its namesake; it is read after `question`, if that is given.

    In doubt it is not: where the target is not embedded yet, or the sentence is longer than a window.
    """
    target = lookup.targets[target_id]
    text = f"{question} {sentence}".strip()
    # A question in it would be a window of its own.
    own = windows(text.translate(_NO_QUESTION))
    unknown = target_id not in lookup.index or target_id in lookup.pending
    if unknown or len(own) != 1 or contrasts(text) or _hides(lookup, target_id, text):
        return False
    others = [window for about in target.draft.distinguish for window in windows(_described(target.draft, about))]
    vectors = embedder.embed([*own, *others])
    same = float((lookup.index.vectors(target_id) @ vectors[0]).max())
    lead = float((vectors[1:] @ vectors[0]).max()) - same
    if lead >= 0.0 and is_described(target, sentence):
        return True
    return bool(question) and lead >= LEAD and says_any(target, text)


def _described(draft: Draft, about: str) -> str:
    """Return the text of a namesake that is embedded, with the name once."""
    return about if fold(draft.name) in fold(about) else f"{draft.name}, {about}"


def _is_named(lookup: Lookup, target_id: str, text: str) -> bool:
    return target_id in lookup.named(text) or target_id in lookup.names.parts(text)


def _hides(lookup: Lookup, target_id: str, text: str) -> bool:
    """Whether a text has a phrase of the target, or another reading of what is not the name names it."""
    if target_id in lookup.phrases.weights(text) or target_id in lookup.holding(text):
        return True
    rest = without_name(lookup.targets[target_id], text)
    return any(
        target_id in lookup.named(reading.text, short=reading.is_language)
        or target_id in lookup.phrases.weights(reading.text)
        for reading in (Reading(rest, True), *deobfuscate(rest))
    )


def _without(text: str, left_out: set[str]) -> str:
    return "".join("\n" if sentence in left_out else sentence for sentence in sentences(text))
