"""Room: the centre's records.  Alembic's way in; the connection comes from ivr.record.migrate."""

from alembic import context

from ivr.record.tables import metadata


def run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


run()
