"""Room: call-progress tones as data.  A leaf: plain tables; makes and hears nothing itself.

Frequencies in Hz, levels in dBm0, times in ms.  A plan's tone names are the same in every
country; a country that has no such tone leaves it out.  `plan` is the door for countries,
`plan_to_toml` and `plan_from_toml` keep a plan in a file.
"""

from cti_board.tones.plans_table import PLANS, SIT_HZ, VACANT_CN
from cti_board.tones.shape import Cadence, Tone, TonePlan
from cti_board.tones.text import plan_from_toml, plan_to_toml

__all__ = [
    "BEEP",
    "IDS",
    "NAMES",
    "PLANS",
    "SIT_HZ",
    "VACANT_CN",
    "Cadence",
    "Tone",
    "TonePlan",
    "plan",
    "plan_from_toml",
    "plan_to_toml",
]

NAMES = (
    "dial",
    "ringback",
    "busy",
    "congestion",
    "vacant",
    "howler",
    "call_waiting",
    "sit",
    "toll",
    "reminder",
)
IDS = {name: number for number, name in enumerate(NAMES, 1)}  # the first eight: ctb_street.h

# chosen: one short tone before recording
BEEP = Tone("beep", (1000.0,), Cadence(((300, 0),)), -12.0)


def plan(country: str) -> TonePlan:
    """The plan of a country (ISO 3166 two letters, lower case); ValueError lists the known."""
    if country not in PLANS:
        raise ValueError(f"no tone plan for {country!r}; there are {', '.join(sorted(PLANS))}")
    return PLANS[country]
