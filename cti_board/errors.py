"""Room: the driver's errors.  A leaf: imports nothing of ours.

CtiError
 ├── BoardError(code, driver)
 │    ├── BoardNotFoundError      no such board, scheme or driver library
 │    ├── DriverError             the driver refused or failed
 │    └── AlarmError              a span is in alarm
 ├── NotSupportedError            also NotImplementedError: the board lacks the capability
 ├── ChannelError
 │    ├── SeizeError              no dial tone, no acknowledgement, glare, busy trunk
 │    └── InvalidStateError(state, command)
 ├── CallCleared(cause)           the far end hung up: ends a flow, is not a fault
 ├── CtiTimeoutError              also TimeoutError
 ├── MediaError
 │    ├── FileFormatError         a sound file that cannot be used
 │    └── MediaOverrunError       a ring was full and samples were lost
 ├── ProtocolError(signalling, got, expected)
 └── StalledError                 virtual time: everything waits and nothing can happen

A wrong argument is a plain ValueError.
"""

import os


class CtiError(Exception):
    """Anything that this package raises on its own account."""


class BoardError(CtiError):
    """A board or its driver failed.

    ``code`` is the driver's number (a negative errno) or 0; ``driver`` names the driver.
    """

    def __init__(self, message: str, *, code: int = 0, driver: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.driver = driver


class BoardNotFoundError(BoardError):
    """No board, scheme or driver library of that name."""


class DriverError(BoardError):
    """The driver refused a command, speaks another ABI, or failed."""


class AlarmError(BoardError):
    """The span is in alarm, so the operation cannot be done."""


class NotSupportedError(CtiError, NotImplementedError):
    """The board does not declare the capability that the operation needs."""


class ChannelError(CtiError):
    """An operation on one channel failed."""


class SeizeError(ChannelError):
    """The line could not be taken: no dial tone, no acknowledgement, glare, blocked."""


class InvalidStateError(ChannelError):
    """The command does not fit the state: ``state`` and ``command`` say which."""

    def __init__(self, state: object, command: str) -> None:
        super().__init__(f"{command} is not possible in state {getattr(state, 'name', state)}")
        self.state = state
        self.command = command


class CallCleared(CtiError):
    """The far end cleared the call; ``cause`` is an ITU-T Q.850 cause."""

    def __init__(self, cause: int = 16) -> None:
        super().__init__(f"the far end cleared the call (Q.850 cause {cause})")
        self.cause = cause


class CtiTimeoutError(CtiError, TimeoutError):
    """The time allowed for a telephone operation ran out."""


class MediaError(CtiError):
    """Playing or recording failed."""


class FileFormatError(MediaError):
    """A sound file is not one that can be played; the text says what would be right."""


class MediaOverrunError(MediaError):
    """A media ring was full: samples were lost."""


class ProtocolError(CtiError):
    """The far end broke the signalling protocol."""

    def __init__(self, signalling: str, got: object, expected: object) -> None:
        super().__init__(f"{signalling}: got {got}, expected {expected}")
        self.signalling = signalling
        self.got = got
        self.expected = expected


class StalledError(CtiError):
    """Virtual time: every task waits, no timer runs and no line can change."""


def check(result: int, driver: str, what: str) -> int:
    """The one door for C results: a negative errno becomes DriverError (or NotSupportedError)."""
    if result >= 0:
        return result
    code = -result
    name = os.strerror(code)
    if code in (38, 95):  # ENOSYS, EOPNOTSUPP
        raise NotSupportedError(f"{driver}: {what} is not supported by this board")
    raise DriverError(f"{driver}: {what} failed: {name}", code=result, driver=driver)
