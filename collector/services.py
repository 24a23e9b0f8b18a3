"""What the composition root hands to every part of the collector; each part takes from it only what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

if TYPE_CHECKING:
    from collector.config import Config
    from collector.signer import Signer
    from collector.store import Store


@dataclass
class Services:
    """``clock`` gives Unix seconds. ``judge`` is None where nobody judges (tests, benches)."""

    store: Store
    config: Config
    signer: Signer
    clock: Callable[[], float]
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    judge: Any = None
