"""Room: what a call-progress tone is.  A leaf: frozen data; makes and hears nothing itself.

Frequencies in Hz, levels in dBm0 of each frequency, times in ms.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cadence:
    """On/off times in ms, in order; () is continuous.

    An off time of 0 leaves no pause: of the same frequency the tone goes on, and a detector
    believes a tone that is continuous in this way after its first on time (at least 300 ms).
    """

    on_off_ms: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Tone:
    """One or two frequencies (Hz) at a level (dBm0 each), with a cadence.

    ``steps_hz`` replaces ``hz`` where each burst has its own frequency (special information
    tone); a detector then hears it once, from its first burst on.  ``steps_dbm0`` replaces
    ``level_dbm0`` where each burst has its own level (howler); only senders look at it.
    ``min_cycles`` is what a detector must hear before it believes.
    """

    name: str
    hz: tuple[float, ...]
    cadence: Cadence = Cadence()
    level_dbm0: float = -10.0
    min_cycles: int = 2
    steps_hz: tuple[float, ...] = ()
    steps_dbm0: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TonePlan:
    """The tones of one country, with where they come from and its ringing cadence.

    A name may come more than once where old and new exchanges differ: all are listened for,
    the first is the one that is sent.  ``note`` says what the plan leaves out or simplifies.
    """

    country: str
    source: str
    tones: tuple[Tone, ...]
    ring_on_ms: int
    ring_off_ms: int
    note: str = ""

    def tone(self, name: str) -> Tone:
        """The (first) tone of this name; KeyError names those that there are."""
        for tone in self.tones:
            if tone.name == name:
                return tone
        have = ", ".join(dict.fromkeys(t.name for t in self.tones))
        raise KeyError(f"the tone plan {self.country!r} has no {name!r}; it has {have}")
