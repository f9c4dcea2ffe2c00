"""The benchmarks' metrics as pure functions of numbers and texts."""
