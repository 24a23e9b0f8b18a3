"""The program on one device at one place: measures, seals, spools and pushes."""
