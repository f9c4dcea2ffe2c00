"""What belongs to a plan besides the plan itself: what must not be nearly said under it."""
