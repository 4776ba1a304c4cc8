"""Room: what a channel listens for, the signals of machines that it sends, and the cleaning of
its line.  Must not know calls, nor which signalling runs on the channel.

Part of `cti_board.channel.Channel`; apart because a line can be used without any of it.
"""

from typing import TYPE_CHECKING

from cti_board._native._media import ffi, lib
from cti_board.capability import Capabilities
from cti_board.dsp.echo import TAIL_MS
from cti_board.dsp.fax import KINDS as FAX_TONES
from cti_board.dsp.fax import LONGEST_MS
from cti_board.dsp.mf import SETS as MF_SETS
from cti_board.errors import NotSupportedError

if TYPE_CHECKING:
    from cti_board.board import Board

DETECTORS = {  # CTB_ARM_*
    "dtmf": 1,
    "tones": 2,
    "talk": 4,
    "fsk": 8,
    "mf": 16,
    "fax": 32,
    "talk_tx": 64,
    "beep": 128,
}
ECHO_TAILS_MS = range(TAIL_MS[0], TAIL_MS[1] + 1, TAIL_MS[2])
SENT_DBM0 = (-60.0, 0.0)  # as `cti_board.dsp.mf.make_signal` and `fax.make_fax_tone`
LEVEL_RANGE_DBM0 = (-40.0, 0.0)  # as in agc.c


class Hearing:
    """Detectors, R2 signals, fax tones, line cleaning of one channel."""

    board: "Board"
    capabilities: Capabilities

    def __init__(self) -> None:
        self._armed = dict.fromkeys(DETECTORS, 0)

    def _post(self, op: int, **args: object) -> None:
        raise NotImplementedError

    @property
    def sends_all_from_here(self) -> bool:
        """False for a card that plays, records or connects by itself: what it sends is not seen
        here, and what it records is the line as it is."""
        card = self.capabilities
        sends = Capabilities.BOARD_PLAY | Capabilities.BOARD_TONE | Capabilities.BOARD_DIAL
        by_itself = Capabilities.BOARD_RECORD in card and bool(card & sends)
        return not by_itself and Capabilities.BOARD_LISTEN not in card

    def _need_all_from_here(self, what: str) -> None:
        if not self.sends_all_from_here:
            raise NotSupportedError(f"{what}: {self!r} plays, records or connects by itself")

    def arm(
        self,
        *,
        dtmf: bool | None = None,
        tones: bool | None = None,
        talk: bool | None = None,
        fsk: bool | None = None,
        mf: bool | None = None,
        fax: bool | None = None,
        talk_tx: bool | None = None,
        beep: bool | None = None,
    ) -> None:
        """Arm (True) or disarm (False) detectors; None leaves one as it is.

        ``fsk`` hears caller ID, ``mf`` R2 signals (see `listen_for_mf`), ``fax`` calling and answer
        tones of fax and data, ``talk_tx`` talk in what we send (TalkTxBegin, TalkTxEnd),
        ``beep`` steady tones of any frequency (BeepOn, BeepOff).
        Nested: a detector is off again when every arm had its disarm.  NotSupportedError:
        ``talk_tx`` on a card that sends by itself.
        """
        if talk_tx:
            self._need_all_from_here("talk_tx")
        wishes = {"dtmf": dtmf, "tones": tones, "talk": talk, "fsk": fsk, "mf": mf, "fax": fax,
                  "talk_tx": talk_tx, "beep": beep}  # fmt: skip
        armed = dict(self._armed)
        for name, wish in wishes.items():
            if wish is not None:
                armed[name] = max(0, armed[name] + (1 if wish else -1))
        if _mask(armed) != _mask(self._armed):
            self._post(lib.CTB_EOP_ARM, a=_mask(armed))
        self._armed = armed

    # ---- signals of exchanges and machines --------------------------------------------

    def listen_for_mf(self, set_: str) -> None:
        """Which R2 signals ``arm(mf=True)`` hears from its next arming on: ``forward``,
        ``backward`` or ``backward_cn`` (ITU-T Q.441).  ValueError names the sets."""
        if set_ not in MF_SETS:
            raise ValueError(f"R2 signals are {', '.join(MF_SETS)}, not {set_!r}")
        params = ffi.new("ctb_mf_params_t *", getattr(lib, f"ctb_mf_{set_}"))
        self._post(lib.CTB_EOP_MF_PARAMS, data=params)

    def send_mf(self, signal: int, set_: str, *, level_dbm0: float = -11.5) -> int:
        """Send R2 signal 1 to 15 until `stop_tone`; returns the cookie of its ToneDone.

        The level (of each of the two frequencies, -60 to 0 dBm0) is that of ITU-T Q.454.
        ValueError for another number, set or level.
        """
        _check_sent(level_dbm0)
        if set_ not in MF_SETS:
            raise ValueError(f"R2 signals are {', '.join(MF_SETS)}, not {set_!r}")
        most = 6 if set_ == "backward_cn" else 15
        tone = ffi.new("ctb_tone_t *")
        number = lib.CTB_MF_FORWARD if set_ == "forward" else lib.CTB_MF_BACKWARD
        if not 1 <= signal <= most or lib.ctb_mf_tone(tone, number, signal, _cdb(level_dbm0)):
            raise ValueError(f"R2 signals of {set_} are 1 to {most}, not {signal}")
        cookie = self.board.loop.engine.next_cookie()
        self._post(lib.CTB_EOP_TONE, data=tone, cookie=cookie)
        return cookie

    def send_fax_tone(self, kind: str, *, level_dbm0: float = -13.0, ms: int = 0) -> int:
        """Send a calling or answer tone: ``cng`` (until `stop_tone`), ``ced``, ``ans_pr``,
        ``ansam``, ``ansam_pr``, ``ct``; ``ms`` 0 is the standard's length.  Returns the cookie of
        its ToneDone.  ValueError: another kind, a level outside -60 to 0 dBm0, a length outside
        0 to 3600000 ms.  NotSupportedError: a card that plays, records or connects by itself.
        """
        self._need_all_from_here("fax tones")
        if kind not in FAX_TONES:
            raise ValueError(f"fax tones are {', '.join(FAX_TONES)}, not {kind!r}")
        _check_sent(level_dbm0)
        if not 0 <= ms <= LONGEST_MS:
            raise ValueError(f"ms is 0 to {LONGEST_MS}: {ms}")
        cookie = self.board.loop.engine.next_cookie()
        self._post(
            lib.CTB_EOP_FAX_TONE,
            a=1 + FAX_TONES.index(kind),
            b=_cdb(level_dbm0),
            c=ms,
            cookie=cookie,
        )
        return cookie

    # ---- line cleaning ------------------------------------------------------------------

    def clean(
        self,
        *,
        echo_tail_ms: int = 0,
        nonlinear: bool = True,
        tone_disable: bool = True,
        level_dbm0: float | None = None,
        max_gain_db: float = 15.0,
    ) -> None:
        """Clean the received sound before detectors, recordings and listeners get it.

        ``echo_tail_ms`` 16 to 64 in steps of 8 takes the echo of what we send out of it (0 = off);
        ``nonlinear`` replaces the residue by comfort noise, ``tone_disable`` lets modems and fax
        switch it off by 2100 Hz with phase reversals (ITU-T G.168).  ``level_dbm0`` brings speech
        to this active level (None = off), with at most ``max_gain_db``.  Called without
        arguments: all off.  NotSupportedError: a card that plays, records or connects by itself.
        """
        if echo_tail_ms or level_dbm0 is not None:
            self._need_all_from_here("line cleaning")
        if echo_tail_ms and echo_tail_ms not in ECHO_TAILS_MS:
            raise ValueError(f"echo_tail_ms is 0, or 16 to 64 in steps of 8: {echo_tail_ms}")
        low, high = LEVEL_RANGE_DBM0
        if level_dbm0 is not None and not low <= level_dbm0 <= high:
            raise ValueError(f"level_dbm0 is {low:g} to {high:g}: {level_dbm0}")
        if not 0 <= max_gain_db <= 30:
            raise ValueError(f"max_gain_db is 0 to 30: {max_gain_db}")
        self._post(
            lib.CTB_EOP_CLEAN,
            a=echo_tail_ms,
            b=int(nonlinear),
            c=int(tone_disable),
            d=int(level_dbm0 is not None),
            e=_cdb(level_dbm0 or 0.0),
            f=_cdb(max_gain_db),
        )


def _mask(armed: dict[str, int]) -> int:
    return sum(bit for name, bit in DETECTORS.items() if armed[name])


def _check_sent(level_dbm0: float) -> None:
    low, high = SENT_DBM0
    if not low <= level_dbm0 <= high:
        raise ValueError(f"level_dbm0 is {low:g} to {high:g}: {level_dbm0}")


def _cdb(db: float) -> int:
    return round(db * 100)
