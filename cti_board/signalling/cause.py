"""Room: clearing causes by number and name.  A leaf: plain data."""

from enum import IntEnum


class Cause(IntEnum):
    """ITU-T Q.850 cause values that lines of ours give."""

    UNALLOCATED_NUMBER = 1
    NORMAL_CLEARING = 16
    USER_BUSY = 17
    NO_USER_RESPONDING = 18
    NO_ANSWER = 19
    CALL_REJECTED = 21
    OUT_OF_ORDER = 27
    INVALID_NUMBER = 28
    NORMAL_UNSPECIFIED = 31
    NO_CIRCUIT = 34
    TEMPORARY_FAILURE = 41
    CIRCUIT_NOT_AVAILABLE = 44
    TIMER_EXPIRY = 102
