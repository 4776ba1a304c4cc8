"""Room: the judge of caller ID, second half: what messages say, what stands around them on a line,
the DTMF form, our sender, and speech that is no message.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tests.judge import oracle, real_speech, table
from tests.judge.caller_id_signals import (
    DATE,
    NAME,
    NAME_ABSENT,
    NUMBER,
    NUMBER_ABSENT,
    bits_of,
    click,
    digits,
    fsk,
    mdmf,
    random_message,
    ring_residue,
    sdmf,
    whole,
)
from tests.judge.row import Row
from tests.judge.signals2 import (
    Linear,
    Samples,
    alaw,
    at_level,
    face,
    hear,
    level,
    line,
    share,
    silence,
    theirs,
)

GROUP = "caller ID"
GR30 = "Telcordia GR-30"
MDMF_VECTOR = bytes.fromhex("8016") + b"\x01\x0803171656" + b"\x02\x0a2156430144" + b"\xba"
SDMF_VECTOR = bytes.fromhex("0412") + b"03171656" + b"2156430144"


def _told(found: Sequence[Any]) -> list[bytes]:
    """The messages that are told right."""
    return [bytes(m.data) for m in found if getattr(m, "right", True)]


def _heard(rng: np.random.Generator, data: bytes, standard: str = "bell202") -> list[Any]:
    sound = np.concatenate([silence(200), fsk(bits_of(data), standard), silence(200)])
    return hear(face("caller_id", "find_fsk"), [line(rng, sound)])[0]


def vector_rows(quick: bool) -> Iterator[Row]:
    """Known messages: what they say, and a wrong checksum."""
    rng, parse = np.random.default_rng(2011), face("caller_id", "parse_message")
    found = _heard(rng, MDMF_VECTOR)
    said = parse(MDMF_VECTOR)
    good = [
        len(found) == 1 and bool(found[0].right),
        said.number == "2156430144",
        said.date == "03171656",
        not said.name,
    ]
    yield Row(GROUP, "MDMF vector, checksum BA: right, number, date", "%", share(good), limit=100.0,
              source=GR30)
    wrong, mended = (_heard(rng, SDMF_VECTOR + bytes((sum_,))) for sum_ in (0xBA, 0x4F))
    good = [not _told(wrong), len(_told(mended)) == 1,
            parse(SDMF_VECTOR + b"\x4f").number == "2156430144"]
    yield Row(GROUP, "SDMF vector: checksum BA refused, 4F right", "%", share(good), limit=100.0,
              source=f"{GR30}: two's complement mod 256")
    yield Row(GROUP, "parameters: name, absence, unknown ones, order", "%",
              share(_parameters(parse)), limit=100.0, source=GR30)


def _parameters(parse: Any) -> list[bool]:
    def said(*parameters: tuple[int, bytes]) -> Any:
        return parse(whole(mdmf(*parameters)))

    named = said((NAME, b"J. Q. PUBLIC"), (NUMBER, b"10086"), (DATE, b"12312359"))
    absent = said((DATE, b"01010000"), (NUMBER_ABSENT, b"O"), (NAME_ABSENT, b"P"))
    private = said((DATE, b"01010000"), (NUMBER_ABSENT, b"P"))
    unknown = said((DATE, b"01010000"), (0x0B, b"\x01"), (0x6C, b"??"), (NUMBER, b"5551234"))
    single = parse(whole(sdmf(b"01010000", b"P")))
    return [
        named.name == "J. Q. PUBLIC" and named.number == "10086" and named.date == "12312359",
        absent.number_absence == "O" and absent.name_absence == "P" and not absent.number,
        private.number_absence == "P" and not private.number and not private.name_absence,
        unknown.number == "5551234",
        single.number_absence == "P" and not single.number,
    ]


def _surroundings(
    rng: np.random.Generator, made: Samples
) -> dict[str, Samples]:
    """One message in what a line puts around it."""
    ring = np.concatenate([ring_residue(rng, 1000, float(rng.choice([20, 25])), -6), silence(520)])
    under = np.concatenate([silence(300), made, silence(300)])
    hum = np.sin(2 * np.pi * 25 * np.arange(len(under)) / 8000) * 900
    return {
        "after a ring burst (20 or 25 Hz at -6 dBm0, dying out)": np.concatenate(
            [ring, made, ring]),
        "before the first ring": np.concatenate([silence(250), made, silence(250), ring]),
        "after a reversal's click": np.concatenate(
            [silence(200), click(rng, 100, 3.0), silence(60), made, silence(200)]),
        "over a residue of 25 Hz, -28 dBm0": under + hum,
        "right after speech-like clicks": np.concatenate(
            [*(click(rng, rng.uniform(20, 60), -6) for _ in range(6)), silence(30), made,
             silence(200)]),
        "no seizure (off-hook, 80 marks)": np.concatenate([silence(300), made, silence(200)]),
    }


def surrounding_rows(quick: bool) -> Iterator[Row]:
    """Messages beside rings, reversals, other messages; messages cut short."""
    rng, find = np.random.default_rng(2012), face("caller_id", "find_fsk")
    trials = 3 if quick else 10
    sounds: dict[str, list[Linear]] = {}
    sent: dict[str, list[list[bytes]]] = {}
    for trial in range(trials):
        standard = ("bell202", "v23")[trial % 2]
        one, two = random_message(rng), random_message(rng)
        made = fsk(bits_of(whole(one)), standard, -18.0)
        short = fsk(bits_of(whole(one), seizure=0, marks=80), standard, -18.0)
        cases = _surroundings(rng, made)
        cases["no seizure (off-hook, 80 marks)"] = np.concatenate(
            [silence(300), short, silence(200)])
        cases["two messages in a row"] = np.concatenate(
            [silence(200), made, silence(200), fsk(bits_of(whole(two)), standard, -18),
             silence(200)])
        cut = int(rng.uniform(0.72, 0.95) * len(made))
        cases["cut short: nothing told right"] = np.concatenate([silence(200), made[:cut],
                                                                 silence(400)])
        for name, sound in cases.items():
            sounds.setdefault(name, []).append(line(rng, sound))
            want = [one, two] if name.startswith("two") else [] if name.startswith("cut") else [one]
            sent.setdefault(name, []).append(want)
    for name, lines_ in sounds.items():
        rival = [oracle.adsi_heard(s, ("bell202", "v23")[i % 2]) for i, s in enumerate(lines_)]
        marks = [share([m[: len(w)] for m, w in zip(_told(f), want, strict=False)] == want
                       and len(_told(f)) == len(want)
                       for f, want in zip(heard, sent[name], strict=True))
                 for heard in (hear(find, lines_), rival)]
        yield Row(GROUP, name, "%", *marks, limit=100.0, ahead=True, source="asked",
                  note="both standards, -18 dBm0")


def _number(thing: Any) -> str:
    """The number of whatever the DTMF face gives."""
    for name in ("number", "text", "digits"):
        if isinstance(getattr(thing, name, None), str):
            return str(getattr(thing, name))
    inner = getattr(thing, "id", None) or getattr(thing, "caller", None)
    return str(getattr(inner, "number", thing))


def dtmf_rows(quick: bool) -> Iterator[Row]:
    """Caller ID by DTMF digits."""
    rng, find = np.random.default_rng(2013), face("caller_id", "find_dtmf_id")
    for name, start, end in (("D...C", "D", "C"), ("A...#", "A", "#"), ("A...C", "A", "C"),
                             ("B...C", "B", "C"), ("D without end", "D", "")):
        good = []
        for _ in range(4 if quick else 16):
            number = "".join(str(d) for d in rng.integers(0, 10, int(rng.integers(5, 13))))
            on, off = rng.uniform(48, 75), rng.uniform(48, 75)
            sound = np.concatenate([silence(250), click(rng, 60, 0.0), silence(90),
                                    digits(start + number + end, -12, on, off), silence(900)])
            found = find(line(rng, sound))
            good.append([_number(t) for t in found] == [number])
        yield Row(GROUP, f"DTMF form {name}", "%", share(good), limit=100.0,
                  source="ETSI EN 300 659-1 annex B; Q/CT Chinese practice",
                  note="numbers of 5 to 12 digits, 48-75 ms on and off")
    plain = [line(rng, np.concatenate([digits("13912345678"), silence(800)]))]
    yield Row(GROUP, "DTMF digits without a start code taken for an identity", "",
              float(sum(len(find(s)) for s in plain)), limit=0.0, better="low", source="chosen")


def sender_rows(quick: bool) -> Iterator[Row]:
    """What our sender sends; needs the rival's ears and its sender."""
    oracle.bound()
    make, rng = face("caller_id", "make_fsk"), np.random.default_rng(2014)
    identity, build = face("caller_id", "CallerId"), face("caller_id", "build_message")
    for standard in ("bell202", "v23"):
        messages = [random_message(rng) for _ in range(8 if quick else 40)]
        sounds = [alaw(np.concatenate([silence(100), make(whole(m), standard=standard),
                                       silence(100)])) for m in messages]
        heard = theirs(oracle.adsi_heard, sounds, standard)
        yield Row(GROUP, f"our {standard} sender, heard by the rival", "%",
                  share(_told(f) == [m] for f, m in zip(heard, messages, strict=True)),
                  limit=100.0, source="asked")
        back = [mdmf((DATE, b"11222359"), (NUMBER, b"01085283000"), (NAME, b"TOBACCO ORDER DESK")),
                sdmf(b"03171656", b"2156430144"), random_message(rng)]
        his = [alaw(np.concatenate([silence(100), oracle.adsi_sent(m, standard), silence(100)]))
               for m in back]
        yield Row(GROUP, f"the rival's {standard} sender, heard by each", "%",
                  *(share([m[: len(w)] for m in _told(f)] == [w]
                          for f, w in zip(found, back, strict=True))
                    for found in (hear(face("caller_id", "find_fsk"), his),
                                  theirs(oracle.adsi_heard, his, standard))),
                  limit=100.0, ahead=True, source="asked", note="with a name; SDMF; 22 bytes")
    sound = np.asarray(make(whole(random_message(rng)), level_dbm0=-13.5), np.float64)
    middle = sound[int(310 / 1200 * 8000) : int(470 / 1200 * 8000)]
    yield Row(GROUP, "our sender: level of the mark asked as -13.5 dBm0, error", "dB",
              abs(level(middle) + 13.5), limit=0.5, better="low", source=f"{GR30}: +-1.5 dB")
    one = identity(number="2156430144", name="", date="03171656")
    told = [build(one, form="mdmf") == MDMF_VECTOR,
            build(one, form="sdmf") == SDMF_VECTOR + b"\x4f"]
    yield Row(GROUP, "build_message makes the known vectors", "%", share(told), limit=100.0,
              source=GR30)


def false_rows(quick: bool) -> Iterator[Row]:
    """Messages that nobody sent, in real speech."""
    find = face("caller_id", "find_fsk")
    try:
        recordings = real_speech.recordings(quick)
    except OSError as error:
        yield table.unknown(GROUP, "false messages in real speech", str(error))
        return
    joined = np.concatenate([alaw(at_level(r, -18)) for r in recordings])
    sounds = [joined[at : at + 480000] for at in range(0, len(joined), 480000)]
    ours = [t for found in hear(find, sounds) for t in found]
    rival = sum(len(oracle.adsi_heard(s, "bell202")) for s in sounds)
    yield Row(GROUP, "false messages in real speech (told right)", "", float(len(_told(ours))),
              float(rival), 0.0, "low", ahead=True, synthetic=0.0, source="asked",
              note=f"{len(joined) / 8000 / 3600:.2f} h; {len(ours)} with a wrong checksum")
