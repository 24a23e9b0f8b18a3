"""The real collector's ingest in a process that a test may kill: python collector_process.py DATA_DIR PORT"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry

from collector.app import create_app
from collector.config import Config
from collector.services import Services
from collector.signer import Signer
from collector.store import Store


def main(folder: Path, port: int) -> None:
    config = Config(data_dir=folder)
    store = Store(config.database_url, slot_seconds=300)
    services = Services(store, config, Signer.load_or_create(folder), time.time, CollectorRegistry())
    uvicorn.run(create_app(services), host="127.0.0.1", port=port, lifespan="off", log_config=None, access_log=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
