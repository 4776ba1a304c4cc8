"""A channel without a board, and a loop whose clock jumps: signalling alone under test.

The real engine, the simulated card and the wall clock have tests of their own; here every event
is placed by hand, to the sample, also those that no good exchange would send.
"""

import asyncio
import selectors
from collections import deque
from dataclasses import fields
from datetime import UTC, datetime, timedelta

from cti_board import events as ev
from cti_board.capability import Capabilities
from cti_board.signalling.port import LineType
from cti_board.tones import plan

RATE, FRAME = 8000, 160


class JumpSelector(selectors.BaseSelector):
    """Time passes only here, and only up to the next timer."""

    def __init__(self):
        self.real = selectors.DefaultSelector()
        self.now = 0.0

    def register(self, fileobj, events, data=None):
        return self.real.register(fileobj, events, data)

    def unregister(self, fileobj):
        return self.real.unregister(fileobj)

    def get_map(self):
        return self.real.get_map()

    def close(self):
        self.real.close()

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("every task waits and no timer runs")
        if timeout > 0:
            frames = -(-round((self.now + timeout) * RATE) // FRAME)
            self.now = frames * FRAME / RATE
        return []


class JumpLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.selector = JumpSelector()
        super().__init__(self.selector)
        self._clock_resolution = 0.5 / RATE

    def time(self):
        return self.selector.now


def run(main):
    """Run ``main()`` on a new jumping loop."""
    with asyncio.Runner(loop_factory=JumpLoop) as runner:
        return runner.run(main())


class FakeStream:
    def __init__(self, kinds):
        self.kinds, self.queue = kinds, deque()
        self.waiter, self.closed = None, False

    def put(self, event):
        if not self.kinds or type(event) in self.kinds:
            self.queue.append(event)
            if self.waiter is not None and not self.waiter.done():
                self.waiter.set_result(None)

    async def get(self):
        while not self.queue:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        return self.queue.popleft()

    def close(self):
        self.closed = True


class FakeBoard:
    tone_plan = plan("cn")


class FakePlaying:
    def __init__(self, port):
        self.port = port

    def stop(self):
        self.port.command("play_stop")


class FakePort:
    """Writes down every command; `post` is the line's side."""

    board = FakeBoard()
    alarms = ev.Alarm(0)
    capabilities = Capabilities(0)

    def __init__(self, line_type, name="line0", log=None, fails=()):
        self.line_type, self.name = LineType(line_type), name
        self.log = log if log is not None else []
        self.fails = set(fails)  # names of commands that raise
        self.streams, self.cookie, self.armed = [], 0, {}

    def wall(self):
        start = datetime(2026, 3, 17, 16, 56, tzinfo=UTC)
        return start + timedelta(seconds=self.now_samples / RATE)

    @property
    def now_samples(self):
        return round(asyncio.get_running_loop().time() * RATE)

    def events(self, *kinds):
        self.streams.append(FakeStream(frozenset(kinds)))
        return self.streams[-1]

    def post(self, kind, **values):
        """An event of the line, now."""
        event = kind(seq=0, at=self.now_samples, board=0, channel=0, **values)
        self.write("<-", describe(event))
        for stream in self.streams:
            if not stream.closed:
                stream.put(event)

    def write(self, mark, text):
        self.log.append(f"{self.now_samples / RATE:10.3f} {mark} {text}")

    def command(self, name, *args):
        self.write("->", " ".join([name, *map(str, args)]))
        if name in self.fails:
            raise OSError(f"{name} fails")

    def set_hook(self, off_hook):
        self.command("set_hook", "off-hook" if off_hook else "on-hook")

    def ring(self, on_ms, off_ms, *, ani="", caller_id="none"):
        self.command("ring", on_ms, off_ms, f"ani={ani}", f"caller_id={caller_id}")

    def ring_stop(self):
        self.command("ring_stop")

    def flash(self, length_ms):
        self.command("flash", length_ms)

    def wink(self, length_ms):
        self.command("wink", length_ms)

    def reverse_polarity(self, reversed_):
        self.command("reverse_polarity", reversed_)

    def loop_break(self, length_ms):
        self.command("loop_break", length_ms)

    def set_cas(self, bits):
        self.command("set_cas", f"{bits:04b}")

    def send_digits(self, digits, *, on_ms=70, off_ms=70, pulse=False):
        self.command("send_digits", digits, *(["pulse"] if pulse else []))
        self.cookie += 1
        each_s = 1.0 if pulse else (on_ms + off_ms) / 1000
        asyncio.get_running_loop().call_later(len(digits) * each_s, self._sent, self.cookie)
        return self.cookie

    def _sent(self, cookie):
        self.post(ev.ToneDone, cookie=cookie, reason=ev.DoneReason.END)

    def send_tone(self, tone, *, cycles=0):
        self.command("send_tone", tone)
        self.board.tone_plan.tone(tone)
        self.cookie += 1
        return self.cookie

    def send_mf(self, signal, set_):
        self.command("send_mf", signal, set_)
        self.cookie += 1
        return self.cookie

    def listen_for_mf(self, set_):
        assert not self.armed.get("mf"), "it takes effect at the next arming"
        self.command("listen_for_mf", set_)

    def stop_tone(self):
        self.command("stop_tone")

    def play(self, *sources):
        self.command("play", *(f"{len(s)} samples" for s in sources))
        return FakePlaying(self)

    def clean(self, *, echo_tail_ms=0, level_dbm0=None):
        self.command("clean", echo_tail_ms, level_dbm0)

    def resync(self):
        self.command("resync")

    def arm(self, **detectors):
        for name, on in detectors.items():
            self.armed[name] = self.armed.get(name, 0) + (1 if on else -1)
            assert self.armed[name] in (0, 1), f"{name} is armed {self.armed[name]} times"
        self.command("arm", *(f"{'+' if on else '-'}{name}" for name, on in detectors.items()))


def describe(event, *, skip=("seq", "at", "board", "channel", "age_samples", "cookie")):
    """``RingEnd length_ms=1000``."""
    words = [type(event).__name__]
    for one in fields(event):
        if one.name not in skip:
            words.append(f"{one.name}={getattr(event, one.name)!s}")
    return " ".join(words)
