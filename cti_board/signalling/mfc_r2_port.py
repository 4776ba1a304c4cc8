"""Room: the R2 registers of one channel: its signals, its clock.  Must not know line bits or calls.

What they say and ask is in mfc_r2.py.
"""

import asyncio
from collections.abc import Callable, Mapping

from cti_board.signalling.mfc_r2 import IncomingRegister, OutgoingRegister, Tell
from cti_board.signalling.port import LinePort
from cti_board.signalling.r2_variants import R2Variant

RATE = 8000  # samples a second, as everywhere


class PortSound:
    """A register's signals on a channel: one set of frequencies to send, one to hear."""

    def __init__(self, port: LinePort, send_set: str, hear_set: str) -> None:
        self._port, self._send_set, self._hear_set = port, send_set, hear_set

    def send(self, signal: int) -> None:
        self._port.send_mf(signal, self._send_set)

    def stop(self) -> None:
        self._port.stop_tone()

    def listen(self, on: bool) -> None:
        if on:
            self._port.listen_for_mf(self._hear_set)
        self._port.arm(mf=on)


class Timer:
    """One time limit on the loop's clock, which counts samples."""

    def __init__(self, port: LinePort, failed: Callable[[Exception], None]) -> None:
        self._port, self._failed = port, failed
        self._handle: asyncio.TimerHandle | None = None
        self.register: OutgoingRegister | IncomingRegister

    def set(self, ms: int | None) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if ms is not None:
            when = self.register.machine.at / RATE + ms / 1000
            self._handle = asyncio.get_running_loop().call_at(when, self._run_out)

    def _run_out(self) -> None:
        self._handle = None
        try:
            self.register.time_out(self._port.now_samples)
        except Exception as error:
            self._failed(error)


class Registers:
    """Both registers of one channel; at most one works.  ``failed`` hears errors of its timers."""

    def __init__(
        self, port: LinePort, variant: R2Variant, tell: Tell, failed: Callable[[Exception], None],
        limits: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        out_timer, in_timer = Timer(port, failed), Timer(port, failed)
        self.outgoing = out_timer.register = OutgoingRegister(
            variant, PortSound(port, "forward", variant.backward), out_timer.set, tell, limits
        )
        self.incoming = in_timer.register = IncomingRegister(
            variant, PortSound(port, variant.backward, "forward"), in_timer.set, tell, limits
        )

    def heard(self, signal: int, at: int) -> None:
        (self.incoming if self.incoming.at_work else self.outgoing).heard(signal, at)

    def ended(self, at: int) -> None:
        (self.incoming if self.incoming.at_work else self.outgoing).ended(at)

    def stop(self, at: int) -> None:
        for one in (self.outgoing, self.incoming):
            one.stop(at)
