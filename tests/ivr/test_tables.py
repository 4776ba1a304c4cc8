"""The tables: made by migrations, equal to what the code says, quiet about it."""

import logging
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from ivr.record import RecordError, open_engine
from ivr.record.migrate import MIGRATIONS, REVISION, current_revision, upgrade
from ivr.record.tables import TABLES, call, call_leg, journal_position, metadata


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(tmp_path / "a 100% odd?name.sqlite")
    yield engine
    engine.dispose()


def test_the_migrations_make_the_tables_that_the_code_expects(engine):
    assert upgrade(engine)
    assert not upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        found = inspect(connection)
        for table in metadata.sorted_tables:
            unique = {u["name"] for u in found.get_unique_constraints(table.name)}
            assert unique == {
                c.name for c in table.constraints if type(c).__name__ == "UniqueConstraint"
            }
            keys = [k["constrained_columns"] for k in found.get_foreign_keys(table.name)]
            assert keys == [[k.parent.name] for k in table.foreign_keys]
            assert not any(isinstance(c, CheckConstraint) for c in table.constraints)
    assert {table.name for table in metadata.sorted_tables} == {
        journal_position.name,
        *(table.name for table in TABLES),
    }


def test_the_newest_migration_is_the_one_that_the_code_names():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_a_migration_can_be_taken_back(engine):
    from alembic import command

    upgrade(engine)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
    assert upgrade(engine)


def test_an_upgrade_says_nothing_and_leaves_logging_as_it_was(engine, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    level = logging.getLogger("alembic").level
    upgrade(engine)
    assert [record for record in caplog.records if record.name.startswith("alembic")] == []
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("alembic").level == level


def test_an_upgrade_that_dies_half_way_leaves_nothing(engine, monkeypatch):
    from alembic import op

    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("cut")

    monkeypatch.setattr(op, "create_index", fail)
    with pytest.raises(RuntimeError, match="cut"):
        upgrade(engine)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    monkeypatch.undo()
    assert upgrade(engine)


def test_tables_of_a_newer_version_are_refused(engine):
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RecordError, match="newer version"):
        upgrade(engine)
    with engine.connect() as connection:
        assert current_revision(connection) == "9999"


def test_the_file_is_wal_and_keeps_foreign_keys(engine):
    upgrade(engine)
    with engine.connect() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        pragmas = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in names]
    assert pragmas == ["wal", 1, 1, 5000]
    row = {column.name: 0 for column in call_leg.c} | {"call_id": "nobody"}
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), engine.begin() as connection:
        connection.execute(insert(call_leg), row)


def test_a_reader_cannot_write(engine, tmp_path):
    upgrade(engine)
    reader = open_engine(tmp_path / "a 100% odd?name.sqlite", read_only=True)
    with pytest.raises(OperationalError, match="readonly"), reader.begin() as connection:
        connection.execute(insert(journal_position), {"id": 1, "seq": 0, "hash": ""})
    reader.dispose()


def test_plain_sqlite_tools_can_read_the_file(engine, tmp_path):
    upgrade(engine)
    connection = sqlite3.connect(tmp_path / "a 100% odd?name.sqlite")
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    assert ("call_segment",) in names


def test_calls_of_the_first_tables_are_kept_without_an_outcome(engine):
    from alembic import command

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    names = [c.name for c in call.c if c.name not in ("outcome", "accounts")]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        values = ", ".join("1" for _ in names)
        connection.execute(text(f"INSERT INTO call ({', '.join(names)}) VALUES ({values})"))
    assert upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(select(call.c.outcome, call.c.accounts)).all() == [("", 0)]
