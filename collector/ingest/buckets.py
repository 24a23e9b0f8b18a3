"""How fast one sender may ask: a token bucket for each, bounded in number."""

from __future__ import annotations

from collections import OrderedDict


class Buckets:
    """``rate`` requests a second each, ``burst`` at once. ``capacity`` senders are remembered."""

    def __init__(self, rate: float, burst: float, capacity: int = 50_000) -> None:
        self._rate = rate
        self._burst = burst
        self._capacity = capacity
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, sender: str, now: float) -> float:
        """0 where the sender may ask now, else the seconds until it may. ``now`` is monotonic."""
        tokens, at = self._held.get(sender, (self._burst, now))
        tokens = min(self._burst, tokens + max(now - at, 0.0) * self._rate)
        allowed = tokens >= 1.0
        self._held[sender] = (tokens - 1.0 if allowed else tokens, now)
        self._held.move_to_end(sender)
        if len(self._held) > self._capacity:
            self._held.popitem(last=False)
        return 0.0 if allowed else (1.0 - tokens) / self._rate
