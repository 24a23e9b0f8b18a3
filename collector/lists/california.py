"""Whether coordinates can be those of a school in California. A coarse coast line (5 km) is enough: what it must catch
are exchanged numbers, a lost minus sign, zeros, and a point in the ocean."""

from __future__ import annotations

import itertools

SOUTH, NORTH, EAST = 32.5, 42.05, -114.1
MARGIN_DEGREES = 0.05

# The westernmost land at each latitude, in degrees, from the Mexican to the Oregon border.
_COAST = (
    (32.50, -117.13),  # the border
    (32.66, -117.25),  # Point Loma
    (32.85, -117.29),  # La Jolla
    (33.19, -117.40),  # Oceanside
    (33.46, -117.72),  # Dana Point
    (33.60, -117.94),  # Newport Beach
    (33.70, -118.31),  # Point Fermin
    (33.77, -118.43),  # Palos Verdes
    (34.00, -118.81),  # Point Dume
    (34.08, -119.07),  # Point Mugu
    (34.27, -119.30),  # Ventura
    (34.39, -119.75),  # Santa Barbara
    (34.44, -120.48),  # Point Conception
    (34.58, -120.65),  # Point Arguello
    (35.25, -120.90),  # Point Buchon
    (35.67, -121.29),  # Piedras Blancas
    (36.31, -121.90),  # Point Sur
    (36.64, -121.95),  # Point Pinos
    (37.11, -122.34),  # Point Ano Nuevo
    (37.50, -122.51),  # Half Moon Bay
    (37.82, -122.54),  # Point Bonita
    (38.00, -123.03),  # Point Reyes
    (38.95, -123.75),  # Point Arena
    (40.44, -124.42),  # Cape Mendocino
    (41.05, -124.16),  # Trinidad Head
    (41.78, -124.26),  # Point Saint George
    (42.05, -124.32),  # Oregon
)
# Santa Catalina, the one island with public schools: Avalon and Two Harbors.
_CATALINA = (33.29, 33.50, -118.62, -118.29)


def land_fault(latitude: float, longitude: float) -> str:
    """What is wrong with the place, or an empty text."""
    if latitude == 0 and longitude == 0:
        return "is the point zero, zero"
    if latitude > 90 or latitude < 0 < longitude:
        return "has the two numbers exchanged"
    if longitude > 0:
        return "has no minus sign: California is west of Greenwich"
    if not (SOUTH <= latitude <= NORTH and longitude <= EAST):
        return "is not in California"
    south, north, west, east = _CATALINA
    if south <= latitude <= north and west <= longitude <= east:
        return ""
    for (low, low_coast), (high, high_coast) in itertools.pairwise(_COAST):
        if low <= latitude <= high:
            coast = low_coast + (high_coast - low_coast) * (latitude - low) / (high - low)
            return "is at sea" if longitude < coast - MARGIN_DEGREES else ""
    return ""
