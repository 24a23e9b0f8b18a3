"""A measurement for a person at a terminal: milliseconds, what fails first in colour, one line that sums it up."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent import wire

_NAMED = 8
_STAGES = ("scan", "authenticate", "associate", "eap", "handshake", "dhcp", "dns", "portal", "first_byte")
_RUNG_HELP = {
    "link": "this device has no link: check the cable or the radio",
    "gateway": "the gateway does not answer: the local network or its router",
    "dns": "names cannot be resolved: the DNS server or the way to it",
    "internet": "nothing beyond the gateway answers: the line out of the campus",
    "collector": "the internet answers, the collector does not: tell its operator",
    "target": "all rungs stand; what does not answer is the target itself",
}


def show(document: dict[str, Any], table: wire.Table | None) -> None:
    """Prints to the terminal."""
    console = Console(highlight=False)
    if table is None:
        console.print(f"[bold red]{document['probe']} could not run:[/] {escape(document['reason'])}")
        if document["hint"]:
            console.print(f"  {escape(document['hint'])}")
        return
    rows = document["rows"]
    if isinstance(table, wire.Echo):
        _echo(console, document, rows)
    elif isinstance(table, wire.Join):
        _join(console, rows)
    elif isinstance(table, wire.Airspace):
        _airspace(console, document, rows)
    else:
        _facts(console, document, rows)


def _echo(console: Console, document: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    path = "broken_rung" in document
    title = f"{document['probe']}: {len(rows)} asked in {document['duration_seconds']:.1f} s, round trips in ms"
    grid = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in (["rung"] if path else []) + ["target"]:
        grid.add_column(name, no_wrap=True)
    for name in ("answers", "loss", "min", "mean", "max", "jitter"):
        grid.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        loss = row["loss_ratio"]
        colour = "red" if row["outcome"] != "ok" else "yellow" if loss else ""
        times = (row[f"rtt_{which}_seconds"] for which in ("min", "mean", "max"))
        grid.add_row(
            *([row["rung"]] if path else []), escape(row["target"]), f"{row['received']}/{row['sent']}",
            "–" if loss is None else f"{loss:.0%}", *map(_ms, times), _ms(row["jitter_seconds"]), style=colour,
        )  # fmt: skip
    console.print(grid)
    _notes(console, rows)
    silent = [row["target"] for row in rows if row["outcome"] != "ok"]
    if path:
        rung = document["broken_rung"]
        console.print(f"[bold red]breaks at {rung}[/]: {_RUNG_HELP[rung]}" if rung else "[green]the ladder stands[/]")
    elif silent:
        console.print(f"[bold red]{len(silent)} of {len(rows)} do not answer[/]")
    else:
        console.print(f"[green]all {len(rows)} answer[/]")


def _join(console: Console, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        signal = "" if row["signal_dbm"] is None else f", {row['signal_dbm']:.0f} dBm"
        band = "" if row["band"] is None else f", {row['band']} GHz"
        title = f"{row['ssid']} ({row['method']}) at {row['bssid'] or 'no access point'}{band}{signal}"
        console.print(escape(title))
        grid = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        grid.add_column("stage", no_wrap=True)
        grid.add_column("ms", justify="right", no_wrap=True)
        for stage in _STAGES:
            seconds, failed = row[f"{stage}_seconds"], stage == row["outcome"]
            if seconds is not None or failed:
                grid.add_row(_words(stage), _ms(seconds), style="red" if failed else "")
        grid.add_row("total", _ms(row["total_seconds"]), style="bold")
        console.print(grid)
        if row["dns_asked"]:
            console.print(f"DNS servers: {row['dns_answered']} of {row['dns_asked']} answered")
        if row["outcome"] == "ok":
            console.print("[green]joined, and left again[/]")
        else:
            console.print(f"[bold red]fails at {_words(row['outcome'])}[/]: {escape(row['reason'] or '')}")


def _notes(console: Console, rows: list[dict[str, Any]]) -> None:
    """Why each one failed; many that failed alike are one line."""
    why: dict[str, list[str]] = {}
    for row in rows:
        if row["outcome"] != "ok":
            why.setdefault(f"{row['outcome']}: {row['reason']}", []).append(row["target"])
        elif row["stamp"] == "user" and row["method"] == "icmp":
            why.setdefault("less exact: the network driver gave no stamps", []).append(row["target"])
    for reason, targets in why.items():
        names = ", ".join(targets[:_NAMED]) + (f" and {len(targets) - _NAMED} more" if len(targets) > _NAMED else "")
        console.print(f"[yellow]{escape(reason)}[/]: {escape(names)}")


def _airspace(console: Console, document: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """The district's BSSs, strongest first, then the channels on which anything was heard."""
    title = f"airspace: heard in {document['duration_seconds']:.1f} s"
    grid = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("BSSID", "SSID", "GHz/ch", "dBm", "security", "802.11", "MHz", "clients", "load"):
        grid.add_column(
            name, no_wrap=name != "SSID", overflow="fold", justify="left" if name in ("BSSID", "SSID") else "right"
        )
    for row in sorted(rows, key=lambda row: -(row["signal_dbm"] or -999)):
        worth = f" ±{row['signal_uncertainty_db']:g}" if row["signal_uncertainty_db"] else ""
        grid.add_row(
            row["bssid"], escape(row["ssid"] or "(hidden)"), f"{row['band']}/{row['channel']}",
            _or_dash(row["signal_dbm"], f"{{:.0f}}{worth}"), row["security"] or "–", row["generation"] or "–",
            _or_dash(row["width_hertz"] and row["width_hertz"] / 1e6, "{:.0f}"), _or_dash(row["stations"], "{}"),
            _or_dash(row["utilization_ratio"], "{:.0%}"), style="" if row["listed"] else "yellow",
        )  # fmt: skip
    console.print(grid)
    shown = {row["frequency_hertz"] for row in rows}
    channels = [row for row in document["channels"] if row["foreign_bss"] or row["frequency_hertz"] in shown]
    grid = Table(title="channels", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("GHz/ch", "busy", "noise dBm", "own radios", "foreign radios", "foreign BSSs"):
        grid.add_column(name, justify="right", no_wrap=True)
    for row in channels:
        grid.add_row(
            f"{row['band']}/{row['channel']}", _or_dash(row["busy_ratio"], "{:.0%}"),
            _or_dash(row["noise_dbm"], "{:.0f}"), str(row["own_radios"]), str(row["foreign_radios"]),
            str(row["foreign_bss"]),
        )  # fmt: skip
    console.print(grid)
    unlisted = sum(not row["listed"] for row in rows)
    radios = len({row["radio"] for row in rows if row["listed"]})
    quiet = len(document["channels"]) - len(channels)
    console.print(f"listed: {radios} radios, {len(rows) - unlisted} BSSs; nothing heard on {quiet} channels")
    if unlisted:
        console.print(f"[yellow]with a district SSID, but not of the inventory: {unlisted}[/]")


def _or_dash(value: Any, form: str) -> str:
    return "–" if value is None else form.format(value)


def _facts(console: Console, document: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    grid = Table(title=document["probe"], show_header=False)
    grid.add_column()
    grid.add_column(overflow="fold")
    for row in rows:
        for name, value in row.items():
            if value is not None and name not in ("at", "duration_seconds"):
                grid.add_row(_words(name), escape(_quantity(name, value)))
    console.print(grid)


def _words(name: str) -> str:
    for unit in ("_bits_per_second", "_seconds", "_bytes", "_ratio", "_celsius", "_hertz", "_dbm", "_db"):
        name = name.removesuffix(unit)
    return name.replace("_", " ")


def _quantity(name: str, value: Any) -> str:
    if name.endswith("_bits_per_second"):
        return f"{value / 1e6:,.1f} Mbit/s"
    if name.endswith("_bytes"):
        return f"{value / 1e6:,.1f} MB"
    if name.endswith("_hertz"):
        return f"{value / 1e6:g} MHz"
    if name.endswith("_ratio"):
        return f"{value:.0%}"
    if name.startswith("rtt_"):
        return f"{_ms(value)} ms"
    units = {"_celsius": " °C", "_seconds": " s", "_dbm": " dBm", "_db": " dB"}
    return f"{value}" + next((unit for suffix, unit in units.items() if name.endswith(suffix)), "")


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.2f}" if seconds >= 0.001 else f"{seconds * 1000:.3f}"
