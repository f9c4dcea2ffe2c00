"""A trial of a prompt: what the model says without the policy, the plan, and what a client is answered."""
