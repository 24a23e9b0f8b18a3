"""``wifi-agent survey``: a technician walks a campus with a laptop, and each room is measured by name."""
