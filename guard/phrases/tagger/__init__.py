"""Tagger: a small trained model decides what in a text tells, also where no rule finds it."""
