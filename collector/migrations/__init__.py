"""Alembic revisions: run by the store when it opens, over the engine it opened; no ini file, no path of a machine."""
