"""The first tables: calls, legs, segments, recordings, voicemail, agent states."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def _text(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _whole(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _interval() -> list[sa.Column[Any]]:
    return [
        *_whole("start_at"),
        *_text("start_wall"),
        sa.Column("end_at", sa.Integer()),
        sa.Column("end_wall", sa.String()),
    ]


def _common(id_type: sa.types.TypeEngine[Any]) -> list[sa.Column[Any]]:
    key = sa.Column("id", id_type, primary_key=True)
    return [key, *_text("tenant_id"), *_whole("journal_seq")]


def _of_call() -> sa.Column[Any]:
    return sa.Column("call_id", sa.String(), sa.ForeignKey("call.id"), nullable=False)


def upgrade() -> None:
    _create_runs()
    _create_calls()
    _create_parts()
    _create_rest()


def _create_runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_whole("journal_seq"),
        *_text("version"),
        *_interval(),
        *_whole("clean"),
    )


def _create_calls() -> None:
    op.create_table(
        "call",
        *_common(sa.String()),
        *_whole("run"),
        *_text("direction", "channel", "ani", "ani_source", "dnis", "category", "flow"),
        *_interval(),
        sa.Column("answer_at", sa.Integer()),
        sa.Column("answer_wall", sa.String()),
        sa.Column("cause", sa.Integer()),
        sa.Column("side", sa.String()),
        *_whole("closed_at_restart"),
    )
    op.create_index("call_start", "call", ["start_wall"])
    _index_open("call")


def _create_parts() -> None:
    op.create_table(
        "call_leg",
        *_common(sa.Integer()),
        _of_call(),
        *_text("leg", "role", "channel", "number"),
        *_interval(),
        sa.Column("cause", sa.Integer()),
        sa.Column("side", sa.String()),
        sa.UniqueConstraint("call_id", "leg", name="call_leg_once"),
    )
    op.create_table(
        "call_segment",
        *_common(sa.Integer()),
        _of_call(),
        *_whole("position"),
        *_text("kind", "ref"),
        *_interval(),
        sa.UniqueConstraint("call_id", "position", name="call_segment_once"),
    )
    op.create_table(
        "recording",
        *_common(sa.Integer()),
        _of_call(),
        *_text("leg", "path", "codec"),
        *_whole("sides"),
        *_interval(),
        sa.Column("samples", sa.Integer()),
        sa.Column("lost_samples", sa.Integer()),
        sa.Column("blake2b", sa.String()),
        sa.Column("error", sa.String()),
        sa.UniqueConstraint("path", name="recording_once"),
    )
    op.create_index("recording_call", "recording", ["call_id"])
    _index_open("recording", "samples")


def _create_rest() -> None:
    op.create_table(
        "voicemail",
        *_common(sa.Integer()),
        _of_call(),
        *_text("mailbox", "path"),
        *_whole("samples", "created_at"),
        *_text("created_wall"),
    )
    op.create_index("voicemail_mailbox", "voicemail", ["mailbox"])
    op.create_index("voicemail_call", "voicemail", ["call_id"])
    op.create_table(
        "agent_state",
        *_common(sa.Integer()),
        *_whole("run"),
        *_text("agent", "seat", "chosen", "observed", "reason", "call_id"),
        *_interval(),
    )
    op.create_index("agent_state_agent", "agent_state", ["agent", "start_wall"])
    _index_open("agent_state")
    op.create_table(
        "journal_position",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_whole("seq"),
        *_text("hash"),
    )


def _index_open(table: str, column: str = "end_at") -> None:
    """Finds the few rows that are not ended yet."""
    where = sa.text(f"{column} IS NULL")
    op.create_index(f"{table}_open", table, [column], sqlite_where=where)


def downgrade() -> None:
    for table in (
        "journal_position",
        "agent_state",
        "voicemail",
        "recording",
        "call_segment",
        "call_leg",
        "call",
        "run",
    ):
        op.drop_table(table)
