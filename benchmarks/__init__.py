"""What supervision and agents cost, as ratios to bare Trio from the same run. `python -m benchmarks --help`."""
