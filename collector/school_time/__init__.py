"""When a campus teaches: bells, calendar and the day laid open."""
