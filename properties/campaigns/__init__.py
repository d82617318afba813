"""Campaigns: the same small program, broken at each place in turn. It must always end, and say what ended it."""
