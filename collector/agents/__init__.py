"""The agents: how one becomes known, what it is asked to measure, and whether it still stands where it stood."""
