"""The collector asks the edge of each campus, so that a silent agent is told from a campus that is cut off."""
