"""The policy plane, where workers of engines elsewhere fetch compiled policies and acknowledge them."""
