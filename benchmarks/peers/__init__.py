"""The same restart, written with others. Each program prints its laps; they run in environments of their own."""
