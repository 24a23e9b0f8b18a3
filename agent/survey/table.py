"""A room on half a screen: the district's access points heard here, strongest first, and where the path breaks."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent import wire
from agent.survey.walk import Room

_SHOWN = 8


def show(room: Room, console: Console) -> None:
    """Prints to the terminal."""
    console.print(f"[bold]{escape(room.place)}[/]")
    for name, last in room.probes.items():
        if last.result != "measured":
            console.print(f"[yellow]{name} could not run:[/] {escape(last.reason)}")
    air, channels, path = (room.tables.get(kind) for kind in ("airspace", "channels", "path"))
    if isinstance(air, wire.Airspace):
        _air(air, console)
    if isinstance(channels, wire.Channels):
        strangers = sum(channels.foreign_bss)
        console.print(f"{strangers} networks of others on {len(channels.channel)} channels")
    if isinstance(path, wire.Path):
        _path(path, console)


def _air(air: wire.Airspace, console: Console) -> None:
    if not air.bssid:
        console.print("[bold red]no access point of the district is heard here[/]")
        return
    order = sorted(range(len(air.bssid)), key=lambda row: -(air.signal_dbm[row] or -999.0))
    grid = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("network", "access point", "band", "channel", "signal", "busy", "stations"):
        grid.add_column(name, no_wrap=True)
    for row in order[:_SHOWN]:
        signal, busy, stations = air.signal_dbm[row], air.utilization_ratio[row], air.stations[row]
        grid.add_row(
            escape(air.ssid[row] or "(hidden)"),
            air.bssid[row] if air.listed[row] else f"{air.bssid[row]} not in the inventory",
            str(air.band[row]), str(air.channel[row]),
            "–" if signal is None else f"{signal:.0f} dBm",
            "–" if busy is None else f"{busy:.0%}",
            "–" if stations is None else str(stations),
        )  # fmt: skip
    console.print(grid)
    if len(order) > _SHOWN:
        console.print(f"and {len(order) - _SHOWN} weaker ones")


def _path(path: wire.Path, console: Console) -> None:
    from agent.probes.path import broken_rung  # noqa: PLC0415 - loaded where a path was measured

    rung = broken_rung(path)
    times = [
        f"{escape(name)} {mean * 1000:.1f} ms"
        for name, mean in zip(path.target, path.rtt_mean_seconds, strict=True)
        if mean is not None
    ]
    verdict = f"[bold red]the path breaks at {rung}[/]" if rung else "[green]the path stands[/]"
    console.print(f"{verdict}{': ' if times else ''}{', '.join(times)}")
