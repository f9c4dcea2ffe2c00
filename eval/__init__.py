"""Evaluation: replays unlearning benchmarks against methods and endpoints; reports forgetting and its cost."""
