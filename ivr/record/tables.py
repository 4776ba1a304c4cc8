"""Room: the centre's records, the tables.

What the rows look like; must not know how they come about.  They are a view of the
journal: whatever is here can be made again from it.

Every row has the `journal_seq` of the last fact that changed it; its id, but for calls,
is the number of the fact that made it.  `*_at` are sample numbers of one run of the
program, `*_wall` are UTC texts; an interval is [start, end), and its creation is its start.
"""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    text,
)
from sqlalchemy.pool import NullPool

metadata = MetaData()


def _common() -> tuple[Column[Any], ...]:
    return (
        Column("tenant_id", String, nullable=False),
        Column("journal_seq", Integer, nullable=False),
    )


def _interval() -> tuple[Column[Any], ...]:
    return (
        Column("start_at", Integer, nullable=False),
        Column("start_wall", String, nullable=False),
        Column("end_at", Integer),
        Column("end_wall", String),
    )


def _of_call() -> Column[Any]:
    return Column("call_id", String, ForeignKey("call.id"), nullable=False)


call = Table(
    "call",
    metadata,
    Column("id", String, primary_key=True),
    *_common(),
    Column("run", Integer, nullable=False),
    Column("direction", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("ani", String, nullable=False),
    Column("ani_source", String, nullable=False),
    Column("dnis", String, nullable=False),
    Column("category", String, nullable=False),
    Column("flow", String, nullable=False),
    *_interval(),
    Column("answer_at", Integer),
    Column("answer_wall", String),
    Column("cause", Integer),
    Column("side", String),
    Column("closed_at_restart", Integer, nullable=False),
    Column("outcome", String, nullable=False, server_default=""),
    Column("accounts", Integer, nullable=False, server_default="0"),
    Index("call_start", "start_wall"),
    Index("call_open", "end_at", sqlite_where=text("end_at IS NULL")),
)

call_leg = Table(
    "call_leg",
    metadata,
    Column("id", Integer, primary_key=True),
    *_common(),
    _of_call(),
    Column("leg", String, nullable=False),
    Column("role", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("number", String, nullable=False),
    *_interval(),
    Column("cause", Integer),
    Column("side", String),
    UniqueConstraint("call_id", "leg", name="call_leg_once"),
)

call_segment = Table(
    "call_segment",
    metadata,
    Column("id", Integer, primary_key=True),
    *_common(),
    _of_call(),
    Column("position", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("ref", String, nullable=False),
    *_interval(),
    UniqueConstraint("call_id", "position", name="call_segment_once"),
)

recording = Table(
    "recording",
    metadata,
    Column("id", Integer, primary_key=True),
    *_common(),
    _of_call(),
    Column("leg", String, nullable=False),
    Column("path", String, nullable=False),
    Column("codec", String, nullable=False),
    Column("sides", Integer, nullable=False),
    *_interval(),
    Column("samples", Integer),
    Column("lost_samples", Integer),
    Column("blake2b", String),
    Column("error", String),
    UniqueConstraint("path", name="recording_once"),
    Index("recording_call", "call_id"),
    Index("recording_open", "samples", sqlite_where=text("samples IS NULL")),
)

voicemail = Table(
    "voicemail",
    metadata,
    Column("id", Integer, primary_key=True),
    *_common(),
    _of_call(),
    Column("mailbox", String, nullable=False),
    Column("path", String, nullable=False),
    Column("samples", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("created_wall", String, nullable=False),
    Index("voicemail_mailbox", "mailbox"),
    Index("voicemail_call", "call_id"),
)

# call_id here is no foreign key: an agent's state may name a call that another site keeps
agent_state = Table(
    "agent_state",
    metadata,
    Column("id", Integer, primary_key=True),
    *_common(),
    Column("run", Integer, nullable=False),
    Column("agent", String, nullable=False),
    Column("seat", String, nullable=False),
    Column("chosen", String, nullable=False),
    Column("observed", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("call_id", String, nullable=False),
    *_interval(),
    Index("agent_state_agent", "agent", "start_wall"),
    Index("agent_state_open", "end_at", sqlite_where=text("end_at IS NULL")),
)

# one run of the program; clean: it closed the store in good order
run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("journal_seq", Integer, nullable=False),
    Column("version", String, nullable=False),
    *_interval(),
    Column("clean", Integer, nullable=False),
)

# one row: how far into the journal the rows go
journal_position = Table(
    "journal_position",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String, nullable=False),
)

# parents before children: the order in which rows may be written
TABLES = (run, call, call_leg, call_segment, recording, voicemail, agent_state)

BUSY_MS = 5000  # chosen: a reader's longest check-point wait; the writer is alone


def open_engine(path: Path, *, read_only: bool = False) -> Engine:
    """An engine on the SQLite file `path`: WAL, synchronous=NORMAL, foreign keys on.

    Connections may go from thread to thread, one at a time each.  What a connection reads
    in one transaction is of one moment.  read_only is for reports and pages, which may run
    in another process; it asks for write access to the folder (see open_still).
    """
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    if read_only:
        event.listen(engine, "connect", _set_read_only)
    return engine


def open_still(path: Path) -> Engine:
    """An engine to read a file that nobody writes to: not a byte in its folder changes.

    SQLite: with immutable=1 neither a lock nor a -wal or -shm file is made, and what such a
    file holds is not seen.
    """
    name = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    engine = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(name, uri=True, check_same_thread=False),
        poolclass=NullPool,
    )  # fmt: skip
    event.listen(engine, "connect", _set_manual)
    event.listen(engine, "begin", _begin)
    return engine


def _set_manual(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # sqlite3 begins too late: only at the first write


def _set_pragmas(connection: sqlite3.Connection, record: object) -> None:
    _set_manual(connection, record)
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = NORMAL",  # the journal is what survives a power cut
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _set_read_only(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA query_only = ON").close()
