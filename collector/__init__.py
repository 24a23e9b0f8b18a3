"""The central service: receives, keeps, judges and shows."""
