"""deploy/compose*.yaml as data: filled in and merged as compose does."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def variables(text: str, given: dict[str, str]) -> str:
    """As compose fills them in: ${NAME}, ${NAME:-default}, ${NAME:?why not}."""

    def fill(match: re.Match[str]) -> str:
        name, how, rest = match[1], match[2], match[3] or ""
        if given.get(name):
            return given[name]
        assert how == ":-", f"{name} has no default: {rest}"
        return rest

    return re.sub(r"\$\{(\w+)(:-|:\?)?([^}]*)\}", fill, text)


def read(*names: str, **given: str) -> dict[str, Any]:
    """The files merged as compose merges them: mappings key by key, the lists used here replaced or added to."""
    whole: dict[str, Any] = {}
    for name in names:
        document = yaml.safe_load(variables((DEPLOY / name).read_text(), given))
        for section, entries in document.items():
            if not isinstance(entries, dict) or section.startswith("x-"):
                continue
            for key, entry in entries.items():
                held = whole.setdefault(section, {}).setdefault(key, {})
                for field, value in entry.items():
                    held[field] = {**held[field], **value} if isinstance(held.get(field), dict) else value
    return whole


def mounts(service: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Target -> (source, mode)."""
    parts = [volume.split(":") for volume in service.get("volumes", [])]
    return {target: (source, mode[0] if mode else "rw") for source, target, *mode in parts}
