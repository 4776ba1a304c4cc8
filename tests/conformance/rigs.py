"""The rigs on which every check must pass, and what each backend must declare."""

from cti_board.testing import SimRig

LINES = "fxo=2,fxs=3,e1=1,phones=8"
LINE = frozenset({"RING", "FLASH", "PULSE_DIAL", "POLARITY", "LOOP_BREAK", "CAS", "GAIN", "ALARMS"})
ON_BOARD = frozenset({"BOARD_PLAY", "BOARD_RECORD", "BOARD_TONE", "BOARD_DIAL", "BOARD_DTMF",
                      "BOARD_TONES", "BOARD_TALK", "BOARD_LISTEN"})  # fmt: skip
SIM = LINE | {"SKIP", "STREET"}

URLS = {
    "sim": f"sim:{LINES}",
    "board": f"sim:{LINES},media=board",
    "latency": f"sim:{LINES},latency=1",
    "ulaw": f"sim:{LINES},law=ulaw",
    "spy": f"spy:sim:{LINES}",
    "us": f"sim:{LINES},country=us",  # tones of two frequencies
    "uk": f"sim:{LINES},country=uk",  # double ringing, V.23
}


def rig(name: str) -> SimRig:
    required = SIM | ON_BOARD if name == "board" else SIM
    country = name if name in ("us", "uk") else "cn"
    return SimRig(URLS[name], name=name, required=required, country=country)
