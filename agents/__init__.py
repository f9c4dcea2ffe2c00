"""ALU: a pipeline of agents that audits, rewrites, rates and merges an answer that touches forget targets."""
