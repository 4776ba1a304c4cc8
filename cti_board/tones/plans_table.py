"""Room: the tone plans of the countries, a pure table.  A leaf; makes and hears nothing itself.

Levels are those of ITU-T E.180 (-10 dBm0 +-5) where a country's document names none.  A tone
modulated by 16 to 50 Hz stands for its carrier, which the detector hears through the modulation.
How many cycles to hear: 3 of busy and congestion, 2 of a pattern that speech might imitate,
1 where a cycle takes seconds.
"""

from cti_board.tones.shape import Cadence, Tone, TonePlan

E180 = "ITU-T E.180 Supplement 2"
ZONES = "the public zone table of open exchange software (zonedata)"
SIT_HZ = (950.0, 1400.0, 1800.0)  # ITU-T E.180: special information tone, each +-50 Hz
VACANT_CN = Cadence(((100, 100), (100, 100), (100, 100), (400, 400)))  # GB/T 3380: 1.4 s in all
SIT_ON_MS = 330  # ITU-T E.180: 330 +-70 ms each, up to 30 ms between, 1 s after
SIT_OFF_MS = 1000
LONG_MS = 1000  # chosen: a continuous tone that means failure is believed after 1 s

Pairs = tuple[int, ...]  # on, off, on, off ... in ms


def _cadence(on_off: Pairs) -> Cadence:
    return Cadence(tuple(zip(on_off[::2], on_off[1::2], strict=True)))


def _tone(name: str, hz: tuple[float, ...], on_off: Pairs, cycles: int, dbm0: float) -> Tone:
    return Tone(name, hz, _cadence(on_off), dbm0, cycles)


def _dial(*hz: float, dbm0: float = -10.0, on_off: Pairs = ()) -> Tone:
    return _tone("dial", hz, on_off, 2, dbm0)


def _ring(*hz: float, on_off: Pairs = (1000, 4000), dbm0: float = -10.0) -> Tone:
    return _tone("ringback", hz, on_off, 1, dbm0)


def _busy(*hz: float, ms: int, dbm0: float = -10.0) -> Tone:
    return _tone("busy", hz, (ms, ms), 3, dbm0)


def _congestion(*hz: float, on_off: Pairs, cycles: int = 3, dbm0: float = -10.0) -> Tone:
    return _tone("congestion", hz, on_off, cycles, dbm0)


def _waiting(*hz: float, on_off: Pairs, dbm0: float = -10.0) -> Tone:
    return _tone("call_waiting", hz, on_off, 1, dbm0)


def _sit(first: float = 950.0, second: float = 1400.0, third: float = 1800.0, gap: int = 0) -> Tone:
    on_off = (SIT_ON_MS, gap, SIT_ON_MS, gap, SIT_ON_MS, SIT_OFF_MS)
    hz = (first, second, third)
    return Tone("sit", hz[:1], _cadence(on_off), min_cycles=1, steps_hz=hz)


DOUBLE_RING = (400, 200, 400, 2000)

_ALL = (
    TonePlan(
        "cn",
        "GB/T 3380-1982: 450 +-25 Hz, -10 +-3 dBm",
        (
            _dial(450.0),
            _ring(450.0),
            _busy(450.0, ms=350),
            _congestion(450.0, on_off=(700, 700)),
            Tone("vacant", (450.0,), VACANT_CN, min_cycles=1),
            Tone("toll", (450.0,), _cadence((200, 200, 200, 600)), min_cycles=2),
            _waiting(450.0, on_off=(400, 4000)),
            Tone(
                "howler",
                (950.0,),
                Cadence(((2000, 0),) * 5),  # chosen: 2 s a level; the standard names the levels
                min_cycles=1,
                steps_dbm0=(-20.0, -15.0, -10.0, -5.0, 0.0),
            ),
            _tone("reminder", (1400.0,), (400, 10000), 1, -10.0),
            _sit(),
        ),
        1000,
        4000,
        "The howler rises by up to 25 dB in five steps; sent here within what a line can carry.",
    ),
    TonePlan(
        "us",
        "ANSI T1.401 and Telcordia GR-506 precise tones",
        (
            _dial(350.0, 440.0, dbm0=-13.0),
            _ring(440.0, 480.0, on_off=(2000, 4000), dbm0=-19.0),
            _busy(480.0, 620.0, ms=500, dbm0=-24.0),
            _congestion(480.0, 620.0, on_off=(250, 250), dbm0=-24.0),
            _tone("howler", (1400.0, 2060.0), (100, 100), 3, -6.0),
            _waiting(440.0, on_off=(300, 10000), dbm0=-13.0),
            _sit(),
        ),
        2000,
        4000,
        "The howler (receiver off-hook tone) has 1400, 2060, 2450 and 2600 Hz: the lower two "
        "stand for it.  Call waiting is told when its second burst comes, 10 s later.",
    ),
    TonePlan(
        "de",
        f"{E180} (Germany): 425 Hz",
        (
            _dial(425.0),
            _ring(425.0),
            _busy(425.0, ms=480),
            _congestion(425.0, on_off=(240, 240)),
            _waiting(425.0, on_off=(200, 200, 200, 5000)),
            _sit(),
        ),
        1000,
        4000,
    ),
    TonePlan(
        "uk",
        f"{E180} (United Kingdom); BT SIN 350",
        (
            _dial(350.0, 440.0, dbm0=-15.0),
            _ring(400.0, 450.0, on_off=DOUBLE_RING, dbm0=-15.0),
            _busy(400.0, ms=375, dbm0=-13.0),
            _congestion(400.0, on_off=(400, 350, 225, 525), cycles=2, dbm0=-13.0),
            _tone("vacant", (400.0,), (LONG_MS, 0), 1, -13.0),
            _waiting(400.0, on_off=(100, 4000), dbm0=-13.0),
            _sit(gap=15),
        ),
        400,
        2000,
        "Vacant is number unobtainable, a continuous tone.  The pause of call waiting may be "
        "2 to 5 s; 4 s stands for it.",
    ),
    TonePlan(
        "fr",
        f"{E180} (France): 440 Hz",
        (
            _dial(440.0),
            _dial(330.0, 440.0),
            _ring(440.0, on_off=(1500, 3500)),
            _busy(440.0, ms=500),
            _congestion(440.0, on_off=(250, 250)),
            _waiting(440.0, on_off=(300, 10000)),
            _sit(),
        ),
        1500,
        3500,
        "Dial tone is 440 Hz, or 330 + 440 Hz.  Congestion is not in the supplement: the pattern "
        "that exchanges send.",
    ),
    TonePlan(
        "jp",
        f"{E180} (Japan): 400 Hz",
        (
            _dial(400.0),
            _ring(400.0, on_off=(1000, 2000)),
            _busy(400.0, ms=500),
            _waiting(400.0, on_off=(500, 8000)),
            _sit(),
        ),
        1000,
        2000,
        "Ringback and call waiting are 400 Hz modulated by 16 Hz.  Congestion has the pattern of "
        "busy and is told as busy.",
    ),
    TonePlan(
        "au",
        f"{E180} (Australia); ACIF S002",
        (
            _dial(413.0, 438.0),
            _ring(413.0, 438.0, on_off=DOUBLE_RING),
            _busy(425.0, ms=375),
            _waiting(425.0, on_off=(200, 200, 200, 4400)),
            _sit(),
        ),
        400,
        2000,
        "Dial and ringback beat about 425 Hz, as this pair, as 400 + 450 Hz or modulated.  "
        "Congestion is busy with every second burst 10 dB weaker, told as busy.  Number "
        "unobtainable (2.5 s on, 0.5 s off) is left out: dial tone would have to outlast it.",
    ),
    TonePlan(
        "in",
        f"{E180} (India): 400 Hz",
        (
            _dial(400.0),
            _ring(400.0, on_off=DOUBLE_RING),
            _busy(400.0, ms=750),
            _congestion(400.0, on_off=(250, 250)),
            _waiting(400.0, on_off=(200, 100, 200, 7500)),
            _sit(),
        ),
        400,
        2000,
        "Dial and ringback are modulated by 25 Hz.",
    ),
    TonePlan(
        "br",
        f"{E180} (Brazil); Anatel: 425 Hz",
        (
            _dial(425.0),
            _ring(425.0),
            _busy(425.0, ms=250),
            _tone("vacant", (425.0,), (250, 250, 750, 250), 2, -10.0),
            _tone("call_waiting", (425.0,), (50, 1000), 3, -10.0),
            _sit(),
        ),
        1000,
        4000,
        "Vacant is number unobtainable; congestion has the pattern of busy and is told as busy.",
    ),
    TonePlan(
        "ru",
        f"{E180} (Russian Federation); OST 45.223-2001: 425 Hz",
        (
            _dial(425.0),
            _ring(425.0),
            _busy(425.0, ms=350),
            _congestion(425.0, on_off=(175, 175)),
            _waiting(425.0, on_off=(200, 5000)),
            _sit(),
        ),
        1000,
        4000,
    ),
    TonePlan(
        "it",
        f"{E180} (Italy): 425 Hz",
        (
            _dial(425.0, on_off=(200, 200, 600, 1000)),
            _dial(425.0),
            _ring(425.0),
            _busy(425.0, ms=500),
            _congestion(425.0, on_off=(200, 200)),
            _waiting(425.0, on_off=(400, 100, 250, 100, 150, 14000)),
            _sit(),
        ),
        1000,
        4000,
        "Dial tone has a cadence; a continuous one is believed as well.",
    ),
    TonePlan(
        "es",
        f"{E180} (Spain): 425 Hz",
        (
            _dial(425.0),
            _ring(425.0, on_off=(1500, 3000)),
            _busy(425.0, ms=200),
            _congestion(425.0, on_off=(200, 200, 200, 200, 200, 600), cycles=2),
            _waiting(425.0, on_off=(175, 175, 175, 3500)),
            _sit(),
        ),
        1500,
        3000,
    ),
    TonePlan(
        "nl",
        f"{E180} (Netherlands): 425 Hz",
        (
            _dial(425.0),
            _ring(425.0),
            _busy(425.0, ms=500),
            _congestion(425.0, on_off=(250, 250)),
            _waiting(425.0, on_off=(500, 9500)),
            _sit(),
        ),
        1000,
        4000,
        "Some exchanges send 450 Hz, which is within the tolerance.",
    ),
    TonePlan(
        "sg",
        "IDA TS PSTN 1 (Singapore): 425 +-20 Hz",
        (
            _dial(425.0),
            _ring(425.0, on_off=DOUBLE_RING),
            _busy(425.0, ms=750),
            _congestion(425.0, on_off=(250, 250)),
            _waiting(425.0, on_off=(300, 200, 300, 3200)),
            _sit(),
        ),
        400,
        2000,
        "Ringback and call waiting are modulated by 24 Hz.  Number unobtainable (2.5 s on, 0.5 s "
        "off) is left out: dial tone would have to outlast it.",
    ),
    TonePlan(
        "kr",
        f"{E180} (Korea)",
        (
            _dial(350.0, 440.0),
            _ring(440.0, 480.0, on_off=(1000, 2000)),
            _busy(480.0, 620.0, ms=500),
            _congestion(480.0, 620.0, on_off=(300, 200)),
            _waiting(350.0, 440.0, on_off=(250, 250, 250, 3250)),
            _sit(),
        ),
        1000,
        2000,
    ),
    TonePlan(
        "hk",
        f"{E180} (Hong Kong, China)",
        (
            _dial(350.0, 440.0),
            _ring(440.0, 480.0, on_off=(400, 200, 400, 3000)),
            _busy(480.0, 620.0, ms=500),
            _congestion(480.0, 620.0, on_off=(250, 250)),
            _tone("vacant", (480.0, 620.0), (LONG_MS, 0), 1, -10.0),
            _sit(),
        ),
        400,
        3000,
        "Vacant is number unobtainable, a continuous tone.  The plan has no call waiting.",
    ),
    TonePlan(
        "tw",
        f"{E180} (Taiwan, China); ringing and call waiting: {ZONES}",
        (
            _dial(350.0, 440.0),
            _ring(440.0, 480.0, on_off=(1000, 2000)),
            _busy(480.0, 620.0, ms=500),
            _congestion(480.0, 620.0, on_off=(250, 250)),
            _waiting(350.0, 440.0, on_off=(250, 250, 250, 3250)),
            _sit(),
        ),
        1000,
        4000,
        "Ringing pauses for 4 s, its ringback for 2 s: each as its source has it.",
    ),
    TonePlan(
        "za",
        f"{E180} (South Africa): 400 Hz",
        (
            _dial(400.0),
            _dial(383.0, 417.0),
            _ring(400.0, on_off=DOUBLE_RING),
            _ring(383.0, 417.0, on_off=DOUBLE_RING),
            _busy(400.0, ms=500),
            _congestion(400.0, on_off=(250, 250)),
            _sit(),
        ),
        400,
        2000,
        "Dial and ringback are 400 Hz modulated by 33 Hz, or 383 + 417 Hz, by the exchange.  Call "
        "waiting has the pattern of congestion and is left out.",
    ),
    TonePlan(
        "ch",
        f"{E180} (Switzerland): 425 Hz",
        (
            _dial(425.0),
            _ring(425.0),
            _busy(425.0, ms=500),
            _congestion(425.0, on_off=(200, 200)),
            _waiting(425.0, on_off=(200, 200, 200, 4000)),
            _sit(),
        ),
        1000,
        4000,
    ),
    TonePlan(
        "at",
        f"{E180} (Austria): 420 Hz",
        (
            _dial(420.0),
            _ring(420.0, on_off=(1000, 5000)),
            _busy(420.0, ms=400),
            _congestion(420.0, on_off=(200, 200)),
            _sit(950.0, 1450.0, 1850.0),
        ),
        1000,
        5000,
        "Call waiting (40 ms of tone) is too short for the detector and left out.",
    ),
    TonePlan(
        "se",
        f"{E180} (Sweden): 425 Hz",
        (
            _dial(425.0),
            _ring(425.0, on_off=(1000, 5000)),
            _busy(425.0, ms=250),
            _congestion(425.0, on_off=(250, 750)),
            _waiting(425.0, on_off=(200, 500, 200, 9100)),
            _sit(gap=24),
        ),
        1000,
        5000,
    ),
    TonePlan(
        "be",
        f"{E180} (Belgium): 425 Hz",
        (
            _dial(425.0),
            _ring(425.0, on_off=(1000, 3000)),
            _busy(425.0, ms=500),
            _congestion(425.0, on_off=(167, 167)),
            _waiting(1400.0, on_off=(175, 175, 175, 3500)),
            _sit(900.0, 1400.0, 1800.0),
        ),
        1000,
        3000,
    ),
    TonePlan(
        "nz",
        "Telepermit TNA 102 (New Zealand): 400 Hz",
        (
            _dial(400.0),
            _ring(400.0, 450.0, on_off=DOUBLE_RING),
            _busy(400.0, ms=500),
            _congestion(400.0, on_off=(250, 250)),
            _tone("vacant", (400.0,), (75, 100, 75, 100, 75, 100, 75, 400), 2, -10.0),
            _waiting(400.0, on_off=(200, 3000)),
        ),
        400,
        2000,
        "Vacant is number unobtainable.",
    ),
    TonePlan(
        "my",
        f"{E180} (Malaysia): 425 Hz",
        (
            _dial(425.0),
            _ring(425.0, on_off=DOUBLE_RING),
            _busy(425.0, ms=500),
            _waiting(425.0, on_off=(100, 4000)),
            _sit(gap=15),
        ),
        400,
        2000,
        "Congestion has the pattern of busy and is told as busy.",
    ),
)

PLANS: dict[str, TonePlan] = {plan.country: plan for plan in _ALL}
