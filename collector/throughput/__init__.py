"""Throughput tests as the collector serves them: leave for one, when none may run, and the bytes."""
