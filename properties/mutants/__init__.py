"""Does the suite bite? Supervisors broken on purpose, one at a time, each of which it must refuse."""
