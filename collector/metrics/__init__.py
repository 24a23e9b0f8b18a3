"""What Prometheus sees: series as data, the page of /metrics, and remote write."""
