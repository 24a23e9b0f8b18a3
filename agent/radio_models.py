"""What a radio's own figures are worth: an interface's driver and hardware id go in, decibels and doubts come out."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from agent.probes.base import CouldNotRun

Decibels = Annotated[float, Meta(ge=0, le=30)]
_SYSFS = Path("/sys/class/net")


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the table. Exactly one of ``driver`` and ``id`` says which radios are meant. ``survey_is_made_up``:
    what it tells of noise and busy time is a formula and nothing that it measured."""

    uncertainty_db: Decibels
    survey_is_made_up: bool = False
    driver: str = ""
    id: str = ""
    source: str = ""
    mark: str = ""


class Models(Struct, frozen=True, forbid_unknown_fields=True):
    """The table; the first line that fits counts, an id before a driver."""

    default_uncertainty_db: Decibels = 5.0
    model: list[Model] = []

    def of(self, driver: str, identity: str) -> Model:
        for one in self.model:
            if one.id and one.id.lower() == identity:
                return one
        for one in self.model:
            if one.driver and one.driver == driver:
                return one
        return Model(self.default_uncertainty_db)


def load(own: Path | None) -> Models:
    """The table that is shipped, the district's own lines before it. Raises CouldNotRun with the file and the fault."""
    shipped = _read(files("agent").joinpath("radio_models.toml").read_text(), "radio_models.toml")
    if own is None:
        return shipped
    try:
        text = own.read_text()
    except (OSError, UnicodeDecodeError) as fault:
        raise CouldNotRun(f"radio_models: {own} cannot be read", f"check the file: {fault}"[:200]) from None
    theirs = _read(text, str(own))
    lines: Sequence[Model] = [*theirs.model, *shipped.model]
    return Models(theirs.default_uncertainty_db, list(lines))


def of_interface(interface: str, own: Path | None = None, sysfs: Path = _SYSFS) -> Model:
    """What the table says of this interface's radio."""
    return load(own).of(*hardware(interface, sysfs))


def hardware(interface: str, sysfs: Path = _SYSFS) -> tuple[str, str]:
    """(driver, "usb:VVVV:PPPP" or "pci:VVVV:DDDD") of an interface; an empty text for what is not told."""
    device = sysfs / interface / "device"
    try:
        driver = (device / "driver").resolve(strict=True).name
    except OSError:
        driver = ""
    # A USB interface stands below its device, which carries the numbers.
    for folder in (device, device.resolve().parent):
        usb = _numbers(folder / "idVendor", folder / "idProduct")
        if usb:
            return driver, f"usb:{usb}"
    pci = _numbers(device / "vendor", device / "device")
    return driver, f"pci:{pci}" if pci else ""


def _numbers(vendor: Path, product: Path) -> str:
    try:
        return ":".join(path.read_text().strip().lower().removeprefix("0x") for path in (vendor, product))
    except OSError:
        return ""


def _read(text: str, where: str) -> Models:
    try:
        found = msgspec.convert(tomllib.loads(text), Models)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise CouldNotRun(f"radio_models: {where} is wrong", f"mend it: {fault}"[:200]) from None
    for one in found.model:
        if bool(one.driver) == bool(one.id):
            raise CouldNotRun(f"radio_models: {where} is wrong", "each [[model]] names a driver or an id, one of them")
    return found
