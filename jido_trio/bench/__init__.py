"""Benchmarks: what agents and supervision cost, beside bare Trio in the same run; `jido-trio bench` runs them.

This file imports nothing, so that programs written with other libraries can be timed by the same stopwatch.
"""
