"""Room: the centre's records, what can go wrong.  Must not import the rest of the room."""

import errno as _errno
from pathlib import Path


class RecordError(Exception):
    """The records cannot be opened, read or written."""


class JournalError(RecordError):
    """The operating system refused a write or a sync of the journal.

    `file` is the file, `errno` the reason (ENOSPC, EIO ...).  After a failed append the
    journal is as it was before: the caller may free space and append again.
    """

    def __init__(self, action: str, file: Path, errno: int) -> None:
        name = _errno.errorcode.get(errno, str(errno))
        super().__init__(f"journal: {action} {file}: {name}")
        self.action = action
        self.file = file
        self.errno = errno
