"""ULD: assistant models that remember what must be forgotten, and the logit difference that subtracts them."""
