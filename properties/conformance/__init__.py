"""Agents with a defect each, and odd ones that have none: what `jido-trio check` must find, and must not."""
