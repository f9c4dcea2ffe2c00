"""TOFU, MUSE, RWKU and WPU: each one's data files and tasks."""
