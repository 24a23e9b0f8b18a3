"""A segment of fake access points: addresses in a network namespace behind a veth; the kernel there answers."""

import itertools
import os
import subprocess

_made = itertools.count()


def run(*command: str, text: str | None = None) -> str:
    """A command's output. Raises with its own words where it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Segment:
    """``count`` addresses that answer, at 10.PREFIX.4.1 and on; this process is 10.PREFIX.0.1. The rest of
    10.PREFIX.0.0/20 is silent. ``close`` removes what was made."""

    def __init__(self, count: int, prefix: int = 93) -> None:
        number = next(_made)
        self.namespace = f"s{os.getpid() % 100000}n{number}"
        self.interface = f"{self.namespace}v"
        self.own = f"10.{prefix}.0.1"
        self.addresses = [f"10.{prefix}.{4 + index // 250}.{1 + index % 250}" for index in range(count)]
        self.silent = f"10.{prefix}.15.200"
        run("ip", "netns", "add", self.namespace)
        try:
            run("ip", "link", "add", self.interface, "type", "veth", "peer", "name", "lan", "netns", self.namespace)
            run("ip", "addr", "add", f"{self.own}/20", "dev", self.interface)
            run("ip", "link", "set", self.interface, "up")
            self.inside("link", "set", "lo", "up")
            self.inside("link", "set", "lan", "up")
            lines = "".join(f"addr add {address}/20 dev lan\n" for address in self.addresses)
            run("ip", "-n", self.namespace, "-batch", "-", text=lines)
        except BaseException:
            self.close()
            raise

    def inside(self, *arguments: str) -> str:
        """``ip`` in the namespace."""
        return run("ip", "-n", self.namespace, *arguments)

    def filter(self, rules: str) -> None:
        """nftables rules on what comes in to the access points."""
        table = f"table inet t {{ chain input {{ type filter hook input priority 0; {rules}\n}}\n}}"
        run("ip", "netns", "exec", self.namespace, "nft", "-f", "-", text=f"table inet t\ndelete table inet t\n{table}")

    def close(self) -> None:
        subprocess.run(["ip", "netns", "del", self.namespace], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self.interface], capture_output=True, check=False)
