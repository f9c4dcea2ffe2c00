"""Training of the tagger: the facts that it learns from, and how it is made from them."""
