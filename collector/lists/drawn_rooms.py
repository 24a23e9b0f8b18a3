"""``sample rooms`` carried out: rooms of a campus's list are drawn, and with ``apply`` marked so in a new inventory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection

from collector.administration.refusals import NotDone
from collector.lists import sampling
from collector.lists.list_imports import mark_again, present, today
from collector.store import Store, audit, snapshots


def draw_rooms(store: Store, clock: Callable[[], float], body: dict[str, Any], by: str) -> dict[str, Any]:
    """Raises NotDone."""
    campus, n, seed = str(body["campus"]), int(body["n"]), str(body["seed"])
    now = clock()
    with store.read() as connection:
        standing = snapshots.every(connection, "inventory")
        # A list that holds from a later day on is drawn from as it will be: what held before it is history.
        day = max([today(store, now), *(one.valid_from for one in standing[-1:])])
        inventory = present(connection, day)
    places = inventory.places.get(campus, ())
    if not places:
        hint = "import its room list first: wifi-collector import rooms FILE --apply"
        raise NotDone(f"campus {campus!r} has no rooms", hint, status=2)
    if not 1 <= n <= len(places):
        raise NotDone(f"{n} rooms of {len(places)}", f"give --n from 1 to {len(places)}", status=2)
    drawn = {place.id for place in sampling.draw(places, n, seed)}
    marked = tuple(sampling.mark(place, seed, by) if place.id in drawn else place for place in places)
    earlier = [place.id for place in places if place.chosen == sampling.DRAWN and place.id not in drawn]
    result = {
        "campus": campus,
        "n": n,
        "of": len(places),
        "seed": seed,
        "drawn": [
            {"place": place.id, "building": place.building, "room": place.room, "was": place.chosen}
            for place in sorted(places, key=lambda place: (place.building, place.room))
            if place.id in drawn
        ],
        "drawn_earlier": earlier,
        "valid_from": day.isoformat(),
        "applied": bool(body.get("apply")) and marked != places,
    }
    if result["applied"]:
        after = msgspec.structs.replace(inventory, places={**inventory.places, campus: marked})

        def keep(connection: Connection) -> None:
            snapshot = snapshots.keep(connection, "inventory", after.to_bytes(), day, now)
            detail = f"{n} of {len(places)} rooms of {campus} with seed {seed}"
            audit.write(connection, now, by, "rooms drawn", snapshot.hash, detail)
            mark_again(connection, day, "rooms drawn")

        store.write(keep).result()
    return result
