"""Room: national variants of CAS line signalling, data only.  Must not know tables or channels."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CasVariant:
    """Line bits (A=8 B=4 C=2 D=1) and what goes with them; times in ms.

    Received bits are looked at through ``mask``.  Seizure acknowledged, clear-back and blocked
    are the same bits in another state of the call.  ``refuse`` says how a call is refused before
    the answer: "release" sends the idle bits, "tone" leaves them and sends a tone.
    """

    name: str
    source: str
    idle: int
    seized: int
    answered: int
    acknowledged: int  # also clear-back
    blocked: int
    mask: int = 0b1100
    refuse: str = "release"


ITU = CasVariant(
    name="itu",
    # forward: idle 10, seized 00, clear-forward 10; backward: idle 10, seizure acknowledged 11,
    # answered 01, clear-back 11, blocked 11; C and D are not used: C=0, D=1
    source="ITU-T Q.421, digital line signalling",
    idle=0b1001,
    seized=0b0001,
    answered=0b0101,
    acknowledged=0b1101,
    blocked=0b1101,
)

VARIANTS = {variant.name: variant for variant in (ITU,)}


def variant(name: str) -> CasVariant:
    """ValueError lists the known."""
    if name not in VARIANTS:
        raise ValueError(f"no CAS variant {name!r}; there are {', '.join(sorted(VARIANTS))}")
    return VARIANTS[name]
