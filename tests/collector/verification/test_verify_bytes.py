"""Any single byte changed in what the ledger rests on is found: Hypothesis picks which one, and what it becomes."""

import sqlite3
import struct
import zipfile

import pytest
import zstandard
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from collector.cli import main
from collector.commands.verify import _first
from collector.store import Store
from collector.store.evidence import pack, unpack
from collector.store.facts import StoreFacts
from collector.verification.facts import Difference
from tests.collector.small_ledger import lived_in

EXAMPLES = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
WHERE, XOR = st.integers(0, 2**32), st.integers(1, 255)
# Of a row that is still open nothing vouches for when and why it was written: they are sealed with it.
OPEN_UNSEALED = {"written_at", "reason"}


class Files:
    """A lived-in store, closed, as somebody with the files in hand has it."""

    def __init__(self, folder) -> None:
        district = lived_in(folder)
        district.store.close()
        self.path = district.store.path
        self.url = str(district.store.url)
        self.raw = sqlite3.connect(self.path, isolation_level=None)
        self.store = Store(self.url, write=False)

    def difference(self) -> Difference | None:
        with self.store.read() as connection:
            return _first(StoreFacts(connection, None, None, None))[0]

    def with_value(self, table: str, rowid: int, column: str, value) -> Difference | None:
        """What verify says while one cell holds another value; then the cell is as before."""
        old = self.raw.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (rowid,)).fetchone()[0]
        change = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"
        try:
            self.raw.execute(change, (value, rowid))
        except sqlite3.IntegrityError:
            assume(False)
        try:
            return self.difference()
        finally:
            self.raw.execute(change, (old, rowid))

    def pick(self, table: str, where: int) -> tuple[int, dict]:
        self.raw.row_factory = sqlite3.Row
        rows = self.raw.execute(f"SELECT rowid AS at, * FROM {table} ORDER BY rowid").fetchall()
        row = dict(rows[where % len(rows)])
        return row.pop("at"), row

    def close(self) -> None:
        self.store.close()
        self.raw.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    made = Files(tmp_path_factory.mktemp("ledger"))
    assert made.difference() is None
    yield made
    made.close()


def flipped(data: bytes, where: int, xor: int) -> bytes:
    at = where % len(data)
    return data[:at] + bytes([data[at] ^ xor]) + data[at + 1 :]


def changed(value, where: int, xor: int):
    """The cell with one byte of it changed, of the same type."""
    if isinstance(value, bytes):
        return flipped(value, where, xor)
    if isinstance(value, float):
        (other,) = struct.unpack("d", flipped(struct.pack("d", value), where, xor))
        assume(other == other and abs(other) != float("inf"))
        return other
    if isinstance(value, int):
        return value ^ xor
    assume(value)
    at = where % len(value)
    letter = chr(ord(value[at]) ^ (xor & 0x7F))
    assume(letter not in (value[at], "\0"))
    return value[:at] + letter + value[at + 1 :]


@EXAMPLES
@given(row=WHERE, where=WHERE, xor=XOR)
def test_a_changed_byte_of_a_document_is_found(files, row, where, xor):
    rowid, cells = files.pick("evidence", row)
    document = flipped(unpack(cells["body"]), where, xor)

    assert files.with_value("evidence", rowid, "body", pack(document)) is not None


@EXAMPLES
@given(row=WHERE, where=WHERE, xor=XOR)
def test_a_changed_byte_of_a_packed_body_is_found_or_leaves_the_document_as_it_was(files, row, where, xor):
    rowid, cells = files.pick("evidence", row)
    body = flipped(cells["body"], where, xor)

    if files.with_value("evidence", rowid, "body", body) is None:
        # zstd has bits that nobody reads: what was signed is still there, byte for byte.
        assert zstandard.ZstdDecompressor().decompress(body) == unpack(cells["body"])


@EXAMPLES
@given(row=WHERE, where=WHERE, xor=XOR)
def test_a_changed_byte_of_a_signature_is_found(files, row, where, xor):
    rowid, cells = files.pick("evidence", row)

    found = files.with_value("evidence", rowid, "signature", changed(cells["signature"], where, xor))
    assert found is not None
    assert cells["agent"] in found.subject


@settings(EXAMPLES, max_examples=400)
@given(row=WHERE, column=WHERE, where=WHERE, xor=XOR)
def test_a_changed_byte_of_a_ledger_row_is_found(files, row, column, where, xor):
    rowid, cells = files.pick("ledger", row)
    kept = [name for name, value in cells.items() if value not in (None, "")]
    names = [name for name in kept if not (cells["open"] and name in OPEN_UNSEALED)]
    name = names[column % len(names)]
    value = 1 - cells["open"] if name == "open" else changed(cells[name], where, xor)

    found = files.with_value("ledger", rowid, name, value)
    assert found is not None, name
    if cells["sealed_order"] is not None and name not in ("campus", "day", "revision", "sealed_order"):
        assert found.subject == f"ledger row {cells['campus']} {cells['day']} revision {cells['revision']}"


@settings(EXAMPLES, max_examples=400)
@given(where=WHERE, xor=XOR)
def test_a_changed_byte_of_an_open_days_body_is_found(files, where, xor):
    files.raw.row_factory = sqlite3.Row
    row = files.raw.execute("SELECT rowid AS at, body FROM ledger WHERE open").fetchone()

    assert files.with_value("ledger", row["at"], "body", flipped(row["body"], where, xor)) is not None


@pytest.fixture(scope="module")
def bundle(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "collector.toml").write_text(f'data_dir = "{files.path.parent}"\nlisten = "127.0.0.1:18080"\n')
    out = folder / "lincoln.zip"
    config = str(folder / "collector.toml")
    assert main(["--config", config, "export-evidence", "lincoln", "2026-09", "--out", str(out)]) == 0
    assert main(["verify", str(out)]) == 0
    with zipfile.ZipFile(out) as archive:
        return folder, {name: archive.read(name) for name in archive.namelist()}


@EXAMPLES
@given(member=WHERE, where=WHERE, xor=XOR)
def test_a_changed_byte_of_a_bundles_member_is_found(bundle, member, where, xor):
    folder, members = bundle
    name = sorted(members)[member % len(members)]
    forged = folder / "forged.zip"
    with zipfile.ZipFile(forged, "w") as archive:
        for one, data in members.items():
            archive.writestr(one, flipped(data, where, xor) if one == name else data)

    assert main(["verify", str(forged)]) == 1
