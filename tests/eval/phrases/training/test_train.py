"""Training: a tagger learns from examples, and is read as it was written."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

from eval.phrases.labelled_facts import LabelledFact
from eval.phrases.training.examples import example
from eval.phrases.training.train import UNIT, train, write
from guard.phrases.phrase import Phrase, PhraseKind
from guard.phrases.tagger.features import features_of
from guard.phrases.tagger.tokens import tokens_of

PLACES = ("Sallowmere", "Quarnholt", "Brackendale", "Ottergate")


def facts() -> list[LabelledFact]:
    return [LabelledFact("en", f"He lives in {place} with a dog.", (place,), ()) for place in PLACES]


def test_a_model_tags_what_it_has_learnt_and_is_written_as_integers(tmp_path: Path) -> None:
    examples = [example(fact, [Phrase(fact.tells[0], PhraseKind.PLACE, "rare name")]) for fact in facts()]
    model = train(examples * 5)
    fact = LabelledFact("en", "He lives in Thornwick with a dog.", ("Thornwick",), ())
    features = features_of(fact.text, tokens_of(fact.text, "en"), "en", [])
    tells = [value.tells for value in model.likelihoods(features, "en")]
    assert max(range(len(tells)), key=tells.__getitem__) == 3

    write(model, tmp_path / "weights.json.xz")
    data = json.loads(lzma.decompress((tmp_path / "weights.json.xz").read_bytes()))
    assert [*data["weights"]] == [*model.weights]
    assert {name: [weight * UNIT for weight in row] for name, row in data["weights"].items()} == model.weights
