"""Two registers and the wires between them: a simulation of delays, to the sample, without a loop.

What a register sends is heard by the other one ``delay`` and its recognition time later.  ``wire``
may lose or replace signals.
"""

import heapq
import itertools
import random

from cti_board.signalling.mfc_r2 import IncomingRegister, OutgoingRegister

MS = 8  # samples


class Clock:
    def __init__(self):
        self.now, self.queue, self.order = 0, [], itertools.count()

    def at(self, when, what):
        entry = [when, next(self.order), what]
        heapq.heappush(self.queue, entry)
        return entry

    def run(self, until_s=300):
        """Until nothing is due; AssertionError when that takes longer than ``until_s``."""
        while self.queue:
            when, _, what = heapq.heappop(self.queue)
            if what is None:
                continue
            self.now = when
            assert self.now < until_s * 8000, "the registers talk for ever"
            what()


class Wire:
    """One end's sender and receiver; also its one time limit."""

    def __init__(self, clock, chance, delay_ms, tamper):
        self.clock, self.chance, self.delay_ms, self.tamper = clock, chance, delay_ms, tamper
        self.far, self.register = None, None
        self.sends, self.sent, self.listening, self.limit = 0, [], False, None

    def hop(self):
        """Travel and recognition, ITU-T Q.457: operate and release within 80 ms together."""
        return round((self.delay_ms + self.chance.uniform(15, 40)) * MS)

    def send(self, signal):
        assert not self.sends, "a signal sounds already"
        self.sends = signal
        self.sent.append(signal)
        for late_ms, heard in self.tamper(signal, len(self.sent)):
            self.clock.at(self.clock.now + self.hop() + late_ms * MS, self.begin(heard))

    def begin(self, signal):
        def now():
            if self.far.listening:
                self.far.register.heard(signal, self.clock.now)
                self.far.hears = signal

        return now

    def stop(self):
        assert self.sends, "nothing sounds"
        self.sends = 0
        self.clock.at(self.clock.now + self.hop() + 25 * MS, self.end)

    def end(self):
        if self.far.listening and getattr(self.far, "hears", 0):
            self.far.hears = 0
            self.far.register.ended(self.clock.now)

    def listen(self, on):
        assert on is not self.listening
        self.listening = on

    def set_limit(self, ms):
        if self.limit is not None:
            self.limit[2] = None
            self.limit = None
        if ms is not None:
            when = self.clock.now + ms * MS
            self.limit = self.clock.at(when, lambda: self.register.time_out(self.clock.now))


def faithful(signal, count):
    return [(0, signal)]


class Pair:
    """``calls``: what either end told."""

    def __init__(self, variant, seed=1, delay_ms=0, out_tamper=faithful, in_tamper=faithful):
        self.clock, chance = Clock(), random.Random(seed)
        out, into = (Wire(self.clock, chance, delay_ms, t) for t in (out_tamper, in_tamper))
        out.far, into.far = into, out
        self.out_told, self.in_told = [], []
        self.verdict = lambda address: None
        self.out = OutgoingRegister(variant, out, out.set_limit, self.out_told.append)
        self.incoming = IncomingRegister(variant, into, into.set_limit, self.hears)
        out.register, into.register = self.out, self.incoming
        self.out_wire, self.in_wire = out, into

    def hears(self, news):
        self.in_told.append(news)
        if self.incoming.deciding:
            cause = self.verdict(news)
            later = self.clock.now + 300 * MS
            if cause is None:
                self.clock.at(later, lambda: self.incoming.accept(self.clock.now))
            else:
                self.clock.at(later, lambda: self.incoming.refuse(self.clock.now, cause))

    def call(self, dnis, *, ani="", category="subscriber", withheld=False, **asks):
        self.incoming.receive(self.clock.now, **asks)
        self.out.call(dnis, self.clock.now, ani=ani, category=category, withheld=withheld)
        self.clock.run()
        return self

    def silent(self):
        """Both ends are at rest and nothing sounds."""
        return not (self.out.at_work or self.incoming.at_work
                    or self.out_wire.sends or self.in_wire.sends
                    or self.out_wire.listening or self.in_wire.listening)  # fmt: skip
