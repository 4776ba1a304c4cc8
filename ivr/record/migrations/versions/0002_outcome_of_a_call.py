"""What a call came to, and how many accounts it was told: two columns of the calls.

Calls of before have no outcome: their facts do not say it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("call", sa.Column("outcome", sa.String(), nullable=False, server_default=""))
    op.add_column("call", sa.Column("accounts", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("call", "accounts")
    op.drop_column("call", "outcome")
