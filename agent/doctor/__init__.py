"""``wifi-agent doctor``: what this device can and cannot measure, and what to ask of the people with the firewall."""
