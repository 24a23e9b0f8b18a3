"""Radios of the lab: hostapd's access points with their services, and how strong they are heard. Runs in the guest."""

import datetime
import ipaddress
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.e2e.programs import Programs, until

PSK = "labpassword"
IDENTITY, PASSWORD = "pupil-device", "labsecret"
_DEBUG = Path("/sys/kernel/debug/ieee80211")


def run(*command: str, namespace: str = "") -> str:
    """A command's output. Raises with its own words where it fails."""
    inside = ["ip", "netns", "exec", namespace] if namespace else []
    done = subprocess.run([*inside, *command], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise ChildProcessError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def move_radio(number: int, namespace: str) -> str:
    """Gives radio ``number`` to a namespace; its interface's name."""
    run("iw", "phy", f"phy{number}", "set", "netns", "name", namespace)
    run("ip", "link", "set", f"wlan{number}", "up", namespace=namespace)
    return f"wlan{number}"


class AccessPoint:
    """One access point in a namespace of its own: hostapd, and DHCP, DNS and a web page for who joins.

    ``security``: ``open``, ``psk`` or ``eap``. Its management address is on the wire that the agent can ask."""

    def __init__(
        self, programs: Programs, folder: Path, radio: int, *, channel: int, ssid: str = "School", security: str = "psk"
    ) -> None:
        self.programs, self.folder, self.radio = programs, folder, radio
        self.name = f"ap{radio}"
        self.channel, self.ssid, self.security = channel, ssid, security
        self.passphrase = PSK
        self.bss_load: int | None = None
        self.bssid = f"02:00:00:00:{radio:02x}:00"
        self.gateway = f"10.9.{radio}.1"
        self.certificate_days = (-1, 30)
        run("ip", "netns", "add", self.name)
        run("ip", "link", "set", "lo", "up", namespace=self.name)
        self.interface = move_radio(radio, self.name)

    def start(self) -> None:
        self._write_hostapd()
        name = f"hostapd-{self.name}"
        for last in (False, False, True):
            self.programs.start(name, "hostapd", self.folder / f"{self.name}.conf", namespace=self.name)
            try:
                until(lambda: "AP-ENABLED" in self.programs.log(name), 30, f"hostapd runs {self.name}")
                break
            except AssertionError:
                # Seen once on a busy machine, and why was not found: it neither came up nor said anything.
                if last:
                    raise AssertionError(self.programs.log(name)) from None
                self.programs.stop(name)
        run("ip", "addr", "replace", f"{self.gateway}/24", "dev", self.interface, namespace=self.name)

    def restart(self) -> None:
        """Runs on with what was changed."""
        self.die()
        (self.folder / f"hostapd-{self.name}.log").write_text("")
        self.start()

    def die(self) -> None:
        """No beacon any more."""
        self.programs.stop(f"hostapd-{self.name}")

    def serve_dhcp(self, dns: Sequence[str] = ()) -> None:
        self.programs.start(
            f"dhcp-{self.name}", "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground", "--port=0",
            f"--interface={self.interface}", "--bind-interfaces", "--no-resolv", "--leasefile-ro", "--no-ping",
            f"--dhcp-range=10.9.{self.radio}.50,10.9.{self.radio}.99,12h", f"--dhcp-option=3,{self.gateway}",
            f"--dhcp-option=6,{','.join(dns or [self.gateway])}", "--pid-file=", namespace=self.name,
        )  # fmt: skip

    def serve_dns(self, slow_seconds: float = 0.0) -> None:
        """Every name is this access point's gateway."""
        if slow_seconds:
            command = f"exec {sys.executable} -m tests.lab.slow_dns {self.gateway} {slow_seconds}"
            self.programs.start(f"dns-{self.name}", "/bin/sh", "-c", command, namespace=self.name)
            return
        self.programs.start(
            f"dns-{self.name}", "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground", "--no-resolv",
            f"--listen-address={self.gateway}", "--bind-interfaces", f"--address=/#/{self.gateway}", "--pid-file=",
            "--no-hosts", namespace=self.name,
        )  # fmt: skip

    def serve_page(self, kind: str = "page") -> None:
        """``page``: the known page; ``portal``: another page with status 200 for whatever is asked."""
        self.programs.start(
            f"page-{self.name}", "/bin/sh", "-c", f"exec {sys.executable} -m tests.lab.page {kind} {self.gateway}",
            namespace=self.name,
        )  # fmt: skip

    def stop(self, service: str) -> None:
        self.programs.stop(f"{service}-{self.name}", signal.SIGKILL)

    def heard_at(self, dbm: int) -> None:
        """What others hear of it: the radio's reception level plus the transmit power set here."""
        # The simulated radio knows no reception level below -100 dBm: what is left is taken off the power.
        level = max(dbm - 20, -100)
        power = dbm - level
        (_DEBUG / f"phy{self.radio}" / "hwsim" / "rx_rssi").write_text(str(2**64 + level))
        run("iw", "dev", self.interface, "set", "txpower", "fixed", str(power * 100), namespace=self.name)

    def delay(self, *netem: str) -> None:
        """What netem does to all that leaves towards who joined."""
        run("tc", "qdisc", "replace", "dev", self.interface, "root", "netem", *netem, namespace=self.name)

    def _write_hostapd(self) -> None:
        lines = [
            f"interface={self.interface}", f"ssid={self.ssid}", "country_code=US", "hw_mode=a",
            f"channel={self.channel}", "ieee80211n=1", f"bssid={self.bssid}", "ctrl_interface=/run/hostapd",
        ]  # fmt: skip
        if self.bss_load is not None:
            # The element as an access point under load sends it: 12 stations, utilization of 255, no admission limit.
            lines.append(f"vendor_elements=0b050c00{self.bss_load:02x}0000")
        if self.security == "psk":
            lines += ["wpa=2", "wpa_key_mgmt=WPA-PSK", "rsn_pairwise=CCMP", f"wpa_passphrase={self.passphrase}"]
        if self.security == "eap":
            lines += self._eap()
        (self.folder / f"{self.name}.conf").write_text("\n".join(lines) + "\n")

    def _eap(self) -> list[str]:
        certificates(self.folder, self.name, self.certificate_days)
        users = self.folder / f"{self.name}.users"
        users.write_text(f'* PEAP,TLS\n"{IDENTITY}" MSCHAPV2 "{PASSWORD}" [2]\n')
        base = self.folder / self.name
        return [
            "wpa=2", "wpa_key_mgmt=WPA-EAP", "rsn_pairwise=CCMP", "ieee8021x=1", "eap_server=1",
            f"eap_user_file={users}", f"ca_cert={base}-ca.pem", f"server_cert={base}-cert.pem",
            f"private_key={base}-key.pem",
        ]  # fmt: skip


def certificates(folder: Path, name: str, days: tuple[int, int]) -> None:
    """An authority and a server's certificate that is valid from ``days[0]`` to ``days[1]`` days from now."""
    now = datetime.datetime.now(datetime.UTC)
    authority_key = rsa.generate_private_key(65537, 2048)
    server_key = rsa.generate_private_key(65537, 2048)
    authority = _certificate("Lab authority", authority_key.public_key(), None, authority_key, now, (-2, 60))
    server = _certificate("radius.lab", server_key.public_key(), authority, authority_key, now, days)
    (folder / f"{name}-ca.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}-cert.pem").write_bytes(server.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}-key.pem").write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )


def _certificate(
    name: str,
    key: rsa.RSAPublicKey,
    issuer: x509.Certificate | None,
    by: rsa.RSAPrivateKey,
    now: datetime.datetime,
    days: tuple[int, int],
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0] - (1 if days[1] < 0 else 0)))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        names: list[x509.GeneralName] = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("10.9.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
    return builder.sign(by, hashes.SHA256())
