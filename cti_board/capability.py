"""Room: what a board or a channel declares that it can do.  A leaf: names and bits, no behaviour.

The bits are those of CTB_CAP_* in ctb_driver.h.  What is not declared raises NotSupportedError.
"""

from enum import IntFlag


class Capabilities(IntFlag):
    """``Capabilities.RING in channel.capabilities``; a bit that has no name yet is kept."""

    RING = 1 << 0  # can ring a telephone
    FLASH = 1 << 1  # can send a hook flash
    WINK = 1 << 2
    PULSE_DIAL = 1 << 3
    POLARITY = 1 << 4  # FXS: can reverse; FXO: reports reversal
    LOOP_BREAK = 1 << 5  # FXS: can break; FXO: reports loss of current
    CAS = 1 << 6
    GAIN = 1 << 7
    HDLC = 1 << 8
    ALARMS = 1 << 9
    SKIP = 1 << 10  # silence can be jumped over
    STREET = 1 << 11  # far ends can be commanded
    PACED = 1 << 12  # the card sets the pace, on the wall clock only
    # the card itself does the work
    BOARD_PLAY = 1 << 16
    BOARD_RECORD = 1 << 17
    BOARD_TONE = 1 << 18
    BOARD_DIAL = 1 << 19
    BOARD_DTMF = 1 << 20
    BOARD_TONES = 1 << 21
    BOARD_TALK = 1 << 22
    BOARD_LISTEN = 1 << 23
    BOARD_CALLER_ID = 1 << 24  # FXS: `ring` sends the caller's number
