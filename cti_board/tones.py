"""Room: call-progress tones as data.  A leaf: plain tables; makes and hears nothing itself.

Frequencies in Hz, levels in dBm0, times in ms.  A plan's tone names are the same in every
country; a country that has no such tone leaves it out.
"""

from dataclasses import dataclass

NAMES = ("dial", "ringback", "busy", "congestion", "vacant", "howler", "call_waiting", "sit")
IDS = {name: number for number, name in enumerate(NAMES, 1)}  # as in ctb_street.h


@dataclass(frozen=True, slots=True)
class Cadence:
    """On/off times in ms, in order; () is continuous."""

    on_off_ms: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Tone:
    """One or two frequencies (Hz) at a level (dBm0 each), with a cadence.

    ``steps_hz`` replaces ``hz`` where each burst has its own frequency (special information
    tone).  ``min_cycles`` is what a detector must hear before it believes.
    """

    name: str
    hz: tuple[float, ...]
    cadence: Cadence = Cadence()
    level_dbm0: float = -10.0
    min_cycles: int = 2
    steps_hz: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TonePlan:
    """The tones of one country, with where they come from and its ringing cadence."""

    country: str
    source: str
    tones: tuple[Tone, ...]
    ring_on_ms: int
    ring_off_ms: int

    def tone(self, name: str) -> Tone:
        """The tone of this name; KeyError names those that there are."""
        for tone in self.tones:
            if tone.name == name:
                return tone
        have = ", ".join(t.name for t in self.tones)
        raise KeyError(f"the tone plan {self.country!r} has no {name!r}; it has {have}")


def _pulse(*on_off: tuple[int, int]) -> Cadence:
    return Cadence(tuple(on_off))


VACANT_CN = _pulse((100, 100), (100, 100), (100, 100), (400, 400))  # GB/T 3380: 1.4 s in all
SIT_HZ = (950.0, 1400.0, 1800.0)  # ITU-T E.180 clause on the special information tone

PLANS: dict[str, TonePlan] = {
    "cn": TonePlan(
        "cn",
        "GB/T 3380-1982: 450 +-25 Hz, -10 +-3 dBm",
        (
            Tone("dial", (450.0,)),
            Tone("ringback", (450.0,), _pulse((1000, 4000)), min_cycles=1),
            Tone("busy", (450.0,), _pulse((350, 350)), min_cycles=3),
            Tone("congestion", (450.0,), _pulse((700, 700)), min_cycles=3),
            Tone("vacant", (450.0,), VACANT_CN, min_cycles=1),
        ),
        1000,
        4000,
    ),
    "us": TonePlan(
        "us",
        "ANSI T1.401 and Telcordia GR-506 precise tones",
        (
            Tone("dial", (350.0, 440.0), level_dbm0=-13.0),
            Tone("ringback", (440.0, 480.0), _pulse((2000, 4000)), -19.0, min_cycles=1),
            Tone("busy", (480.0, 620.0), _pulse((500, 500)), -24.0, min_cycles=3),
            Tone("congestion", (480.0, 620.0), _pulse((250, 250)), -24.0, min_cycles=3),
        ),
        2000,
        4000,
    ),
    "de": TonePlan(
        "de",
        "ITU-T E.180 Supplement 2 (Germany): 425 Hz",
        (
            Tone("dial", (425.0,)),
            Tone("ringback", (425.0,), _pulse((1000, 4000)), min_cycles=1),
            Tone("busy", (425.0,), _pulse((480, 480)), min_cycles=3),
            Tone("congestion", (425.0,), _pulse((240, 240)), min_cycles=3),
        ),
        1000,
        4000,
    ),
    "uk": TonePlan(
        "uk",
        "ITU-T E.180 Supplement 2 (United Kingdom); BT SIN 350",
        (
            Tone("dial", (350.0, 440.0), level_dbm0=-15.0),
            Tone("ringback", (400.0, 450.0), _pulse((400, 200), (400, 2000)), -15.0, min_cycles=1),
            Tone("busy", (400.0,), _pulse((375, 375)), -13.0, min_cycles=3),
            Tone("congestion", (400.0,), _pulse((400, 350), (225, 525)), -13.0, min_cycles=2),
        ),
        400,
        2000,
    ),
}


def plan(country: str) -> TonePlan:
    """The plan of a country (ISO 3166 two letters, lower case); ValueError lists the known."""
    if country not in PLANS:
        raise ValueError(f"no tone plan for {country!r}; there are {', '.join(sorted(PLANS))}")
    return PLANS[country]


BEEP = Tone("beep", (1000.0,), _pulse((300, 0)), -12.0)  # chosen: one short tone before recording
