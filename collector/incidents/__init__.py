"""Faults as people work on them, and what people say of their rooms."""
