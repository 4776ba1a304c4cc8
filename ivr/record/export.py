"""Room: the centre's records, one spelling of all rows.

Two files of rows are the same if and only if their exports are the same bytes; the
files themselves are not compared.  Must not change anything.
"""

from collections.abc import Iterator
from hashlib import blake2b

from sqlalchemy import Connection, select

from ivr.record.journal_line import HASH_BYTES, canonical
from ivr.record.tables import TABLES, journal_position

_EXPORTED = sorted((*TABLES, journal_position), key=lambda table: table.name)


def export_lines(connection: Connection) -> Iterator[bytes]:
    """Every row as a JSON line with its table's name, by table and id."""
    for table in _EXPORTED:
        for row in connection.execute(select(table).order_by(table.c.id)).mappings():
            yield canonical({"table": table.name, **row}).encode() + b"\n"


def export_hash(connection: Connection) -> str:
    """BLAKE2b-256 of the export, hex."""
    digest = blake2b(digest_size=HASH_BYTES)
    for line in export_lines(connection):
        digest.update(line)
    return digest.hexdigest()
