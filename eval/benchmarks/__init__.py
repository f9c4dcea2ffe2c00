"""The benchmarks, TOFU, MUSE, RWKU and WPU: forget targets, tasks and aggregates of each in one object."""
