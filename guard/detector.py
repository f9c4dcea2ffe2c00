"""The detector: which forget targets a conversation touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guard.conversation import Message, windows
from guard.embedder import Embedder
from guard.policy import Policy
from guard.target import Mode

THRESHOLD = 0.75
"""The cosine from which a conversation is about a target, measured with all-MiniLM-L6-v2 on TOFU.

With forget10's 20 authors as targets, all 400 paraphrased questions reach it, and of questions about others 1.0 %
of 400 (retain_perturbed), 0.25 % of 400 (holdout10) and none of 100 real authors and 117 world facts. At 0.70 the
first is 4.0 %; at 0.80 only 96.5 % of the paraphrases reach it, and a name has to make up for the rest.
"""


@dataclass(frozen=True, slots=True)
class Signals:
    """Why a target matched: `name` 1.0 when its name or an alias occurs, `semantic` the best cosine."""

    name: float
    semantic: float


@dataclass(frozen=True, slots=True)
class Match:
    """A target that a conversation touches; `score` is the stronger of its signals."""

    target_id: str
    score: float
    signals: Signals
    mode: Mode


class Detector:
    """Finds the contextual targets that a conversation names, or comes as near as `threshold` to."""

    def __init__(self, embedder: Embedder, threshold: float = THRESHOLD) -> None:
        self._embedder = embedder
        self._threshold = threshold

    def detect(self, policy: Policy, conversation: Sequence[Message]) -> tuple[Match, ...]:
        """Return the matches of the whole conversation, whatever the roles, best first.

        Nothing is embedded when the policy has no contextual target. A name split between two messages is found.
        """
        if not policy.has_contextual:
            return ()
        named = policy.names.found("\n".join(message.text for message in conversation))
        read = dict.fromkeys(window for message in conversation for window in windows(message.text))
        vectors = self._embedder.embed(list(read))
        near = policy.index.near(vectors, self._threshold)
        # A named target's cosine is reported too when it stays below the threshold.
        cosines = near | {target: policy.index.cosine(vectors, target) for target in named - near.keys()}
        matches = (_match(policy, target, target in named, cosine) for target, cosine in cosines.items())
        return tuple(sorted(matches, key=lambda match: (-match.score, match.target_id)))


def _match(policy: Policy, target: str, named: bool, cosine: float) -> Match:
    signals = Signals(float(named), cosine)
    return Match(target, max(signals.name, signals.semantic), signals, policy.targets[target].draft.mode)
