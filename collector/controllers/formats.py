"""The lists of access points that controllers export, told apart by their headers. Facts, one table a product.

A product renames and reorders its columns from release to release, so that each field has several names and none has a
position. Column names here are small, with every other sign as an underscore.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct


class Format(Struct, frozen=True):
    """``told_by``: of each group the header must have one column. ``mac`` names the Ethernet MAC, never a radio's.
    ``site``: what the product calls the place, best first. ``base_radio``: the first of sixteen BSSIDs.
    ``kind`` and ``access_points``: the column that says what a row is, and what it reads for an access point."""

    product: str
    told_by: tuple[frozenset[str], ...]
    name: tuple[str, ...]
    address: tuple[str, ...]
    mac: tuple[str, ...] = ()
    serial: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    bssids: tuple[str, ...] = ()
    base_radio: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    access_points: str = ""

    def columns(self) -> set[str]:
        """Every column that this format reads."""
        groups = (self.name, self.address, self.mac, self.serial, self.site, self.bssids, self.base_radio, self.kind)
        return {column for group in groups for column in group}

    def fits(self, header: Collection[str]) -> bool:
        return all(group.intersection(header) for group in self.told_by)


def _any(*columns: str) -> frozenset[str]:
    return frozenset(columns)


_SERIAL = ("serial_number", "serial", "serial_no", "serialnumber")
_NAME = ("ap_name", "device_name", "name", "hostname", "device", "access_point")
_ADDRESS = (
    "ip_address", "ip", "ipv4", "ipv4_address", "management_ip_address", "management_ip", "lan_ip_address", "lan_ip",
    "local_ip", "ap_ip_address",
)  # fmt: skip
_BSSIDS = ("bssids", "bssid", "radio_bssids")

FORMATS = (
    # Prime Infrastructure reports and the list of a wireless LAN controller (AireOS, Catalyst 9800). "MAC Address"
    # alone is the base radio's there, so it is no id; the Ethernet MAC has a column of its own.
    Format(
        "Cisco wireless controller or Prime Infrastructure",
        (
            _any("ap_name", "name"),
            _any(
                "ethernet_mac", "ethernet_mac_address", "ap_ethernet_mac", "ap_ethernet_mac_address", "base_radio_mac",
                "base_radio_mac_address", "ap_base_radio_mac", "radio_mac",
            ),
        ),
        name=_NAME,
        address=_ADDRESS,
        mac=("ethernet_mac_address", "ethernet_mac", "ap_ethernet_mac_address", "ap_ethernet_mac"),
        serial=(*_SERIAL, "ap_serial_number"),
        site=("map_location", "location_hierarchy", "site", "ap_group", "site_tag", "ap_location", "location"),
        bssids=_BSSIDS,
        base_radio=("base_radio_mac_address", "base_radio_mac", "ap_base_radio_mac", "radio_mac"),
    ),
    # The inventory of Catalyst Center (formerly DNA Center): the MAC address of a "Unified AP" is its radio's.
    Format(
        "Cisco Catalyst Center",
        (_any("device_family", "family"), _any("device_name", "hostname"), _any("serial_number")),
        name=_NAME,
        address=_ADDRESS,
        mac=("ap_ethernet_mac_address", "ethernet_mac_address"),
        serial=_SERIAL,
        site=("site", "site_hierarchy", "location"),
        bssids=_BSSIDS,
        base_radio=("mac_address",),
        kind=("device_family", "family"),
        access_points=r"unified ap|access point",
    ),
    Format(
        "Cisco Meraki",
        (_any("network", "network_name"), _any(*_SERIAL), _any("mac", "mac_address")),
        name=_NAME,
        address=("local_ip", "lan_ip", *_ADDRESS),
        mac=("mac_address", "mac"),
        serial=_SERIAL,
        site=("network", "network_name"),
        bssids=_BSSIDS,
        kind=("model",),
        access_points=r"(mr|cw)[0-9]",
    ),
    Format(
        "Aruba AirWave",
        (_any("lan_mac_address", "lan_mac"), _any("folder", "group")),
        name=_NAME,
        address=("lan_ip_address", "lan_ip", *_ADDRESS),
        mac=("lan_mac_address", "lan_mac"),
        serial=_SERIAL,
        site=("folder", "group"),
        bssids=_BSSIDS,
        kind=("type", "device_type", "category"),
        access_points=r".*\b(i?ap|access point)\b",
    ),
    Format(
        "Aruba Central",
        (
            _any("device_name", "ap_name", "name"), _any(*_SERIAL), _any("mac_address", "macaddr", "mac"),
            _any("group", "group_name", "site", "site_name"),
        ),
        name=_NAME,
        address=_ADDRESS,
        mac=("mac_address", "macaddr", "mac"),
        serial=_SERIAL,
        site=("site", "site_name", "group", "group_name"),
        bssids=_BSSIDS,
        kind=("device_type", "type"),
        access_points=r"i?ap\b|access[ _]point|campus ap",
    ),
    Format(
        "UniFi Network",
        (_any("name", "device_name"), _any("mac", "mac_address"), _any("ip", "ip_address"), _any("model", "status")),
        name=_NAME,
        address=_ADDRESS,
        mac=("mac_address", "mac"),
        serial=_SERIAL,
        site=("site", "site_name", "host_name"),
        bssids=_BSSIDS,
        kind=("type", "device_type"),
        access_points=r"uap|access point|wifi",
    ),
)  # fmt: skip


def folded(cell: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", cell.lower()).strip("_")


def recognised(header: list[str]) -> Format | None:
    """The product whose list has this header. One that names the column campus is the plain form."""
    names = [folded(cell) for cell in header]
    if {"campus", "campus_id"} & set(names):
        return None
    return next((one for one in FORMATS if one.fits(names)), None)
