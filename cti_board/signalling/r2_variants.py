"""Room: national variants of R2 register signals, data only.  Must not know tables or channels.

What: which number (1 to 15) means what, in each direction and group.  The forward groups are I
(digits) and II (the caller's category); the backward groups A (requests), B (the called line) and,
in Mexico, C (requests for the caller's number).
How: `Ask` names what a backward signal of group A or C asks for, `Line` what one of group B says.
A signal that a variant does not list is a protocol error of the far end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from cti_board.signalling.cause import Cause

NUMBER_CHANGED = 22  # ITU-T Q.850


class Ask(Enum):
    """What the called end's register wants next (groups A and C)."""

    NEXT = "next digit of the called number"
    REPEAT = "last digit but one"
    BACK_2 = "last digit but two"
    BACK_3 = "last digit but three"
    FIRST = "the called number from its first digit"
    CATEGORY = "caller's category, then the caller's number"
    ANI = "next digit of the caller's number"
    LINE = "category; the answer is a signal of group B"
    ACCEPT = "address complete, speech"
    CONGESTION = "congestion"
    VACANT = "no such number"


@dataclass(frozen=True, slots=True)
class Line:
    """Group B: is the called line ``free``, is the call charged; else a cause of ITU-T Q.850."""

    free: bool
    cause: int = 0
    charge: bool = True


FREE, NO_CHARGE = Line(True), Line(True, charge=False)
BUSY = Line(False, Cause.USER_BUSY)
CONGESTED = Line(False, Cause.NO_CIRCUIT)
UNKNOWN = Line(False, Cause.UNALLOCATED_NUMBER)
BROKEN = Line(False, Cause.OUT_OF_ORDER)
CHANGED = Line(False, NUMBER_CHANGED)
REFUSALS = {  # what is said where the variant has no signal for a cause
    Cause.CALL_REJECTED: Cause.USER_BUSY, Cause.NORMAL_CLEARING: Cause.USER_BUSY,
    Cause.INVALID_NUMBER: Cause.UNALLOCATED_NUMBER, NUMBER_CHANGED: Cause.UNALLOCATED_NUMBER,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class R2Variant:
    """One country.  ``ani_category`` are the answers to Ask.CATEGORY where they are not group II.

    ``ani_first``: the called end asks for the caller after the first digit, else after the last.
    A signal of 0 does not exist: with ``dnis_end`` 0 the caller is silent after its last digit,
    until a pulse of A-3 ends the wait (ITU-T Q.442).
    """

    name: str
    source: str
    group_a: Mapping[int, Ask]
    group_b: Mapping[int, Line]
    categories: Mapping[int, str]  # group II
    group_c: Mapping[int, Ask] = field(default_factory=dict)
    ani_category: Mapping[int, str] = field(default_factory=dict)
    backward: str = "backward"  # set of frequencies, as `Channel.listen_for_mf`
    dnis_end: int = 15
    ani_end: int = 15
    ani_withheld: int = 0
    ani_first: bool = True
    ani_by_next: bool = False  # after the category Ask.NEXT asks for the caller's number to its end

    def ask(self, ask: Ask, *, group_c: bool = False) -> int:
        """The signal for ``ask`` in group A, or C; 0: there is none."""
        group = self.group_c if group_c else self.group_a
        return next((signal for signal, one in group.items() if one is ask), 0)

    def line(self, cause: int) -> int:
        """The signal of group B for a refusal with ``cause``: its own, the nearest, congestion."""
        for wanted in (cause, REFUSALS.get(cause, 0), int(Cause.NO_CIRCUIT)):
            for signal, one in self.group_b.items():
                if not one.free and one.cause == wanted:
                    return signal
        raise ValueError(f"{self.name} has no signal of congestion")

    def free(self, *, charge: bool = True) -> int:
        """The signal of group B for a free line."""
        good = [(signal, one) for signal, one in self.group_b.items() if one.free]
        return next((signal for signal, one in good if one.charge is charge), good[0][0])

    def category(self, name: str, *, for_ani: bool = False) -> int:
        """The signal of a category by name, 1 (an ordinary subscriber) where it has none."""
        table = self.ani_category if for_ani and self.ani_category else self.categories
        return next((signal for signal, one in table.items() if one == name), 1)

    def category_name(self, signal: int, *, for_ani: bool = False) -> str:
        """The category of a signal; empty: there is none."""
        table = self.ani_category if for_ani and self.ani_category else self.categories
        return table.get(signal, "")


GROUP_A = {  # ITU-T Q.441, table 8; are national, A-11 to A-14 international
    1: Ask.NEXT, 2: Ask.REPEAT, 3: Ask.LINE, 4: Ask.CONGESTION, 5: Ask.CATEGORY, 6: Ask.ACCEPT,
    7: Ask.BACK_2, 8: Ask.BACK_3, 15: Ask.CONGESTION,
}  # fmt: skip
GROUP_B = {  # ITU-T Q.441, table 9: 2 is the special information tone, here the number changed
    6: FREE, 7: NO_CHARGE, 2: CHANGED, 3: BUSY, 4: CONGESTED, 5: UNKNOWN, 8: BROKEN,
}  # fmt: skip
GROUP_2 = {  # ITU-T Q.441, table 7
    1: "subscriber", 2: "priority", 3: "maintenance", 5: "operator", 6: "data",
    7: "international", 8: "international data", 9: "international priority",
    10: "international operator",
}  # fmt: skip

ITU = R2Variant(
    name="itu", source="ITU-T Q.441; the caller's number by repeated A-5, as in national use",
    group_a=GROUP_A, group_b=GROUP_B, categories=GROUP_2, ani_withheld=12,
)  # fmt: skip

ARGENTINA = R2Variant(
    name="argentina",
    source="ITU-T Q.441; no end of the called number, I-12 ends the caller's, I-15: withheld",
    group_a=GROUP_A, group_b=GROUP_B, categories=GROUP_2, dnis_end=0, ani_end=12, ani_withheld=15,
)  # fmt: skip

BRAZIL = R2Variant(
    name="brazil", source="Telebras SDT 210-110-703, sinalizacao entre registradores MFC",
    group_a={1: Ask.NEXT, 2: Ask.FIRST, 3: Ask.LINE, 4: Ask.CONGESTION, 5: Ask.CATEGORY,
             7: Ask.BACK_2, 8: Ask.BACK_3, 9: Ask.REPEAT},
    group_b={1: FREE, 5: NO_CHARGE, 6: FREE, 2: BUSY, 3: CHANGED, 4: CONGESTED, 7: UNKNOWN,
             8: BROKEN},
    categories={1: "subscriber", 2: "immediate charge", 3: "maintenance", 4: "payphone",
                5: "operator", 6: "data", 7: "trunk payphone", 8: "collect"},
    dnis_end=0, ani_withheld=12,
)  # fmt: skip

MEXICO = R2Variant(
    name="mexico", source="Telmex MFC-R2 with groups C and III",
    group_a={1: Ask.NEXT, 2: Ask.FIRST, 3: Ask.LINE, 4: Ask.CONGESTION, 6: Ask.CATEGORY},
    group_c={1: Ask.ANI, 2: Ask.FIRST, 3: Ask.LINE, 4: Ask.CONGESTION, 5: Ask.NEXT},
    group_b={1: FREE, 5: NO_CHARGE, 2: BUSY, 4: CONGESTED},
    categories=GROUP_2,
    dnis_end=0, ani_first=False,
)  # fmt: skip

CHINA = R2Variant(
    name="china", source="GF 002-9002 (MPT, 1990): KA, KC, KD forward, A and KB backward",
    group_a={1: Ask.NEXT, 2: Ask.FIRST, 3: Ask.LINE, 4: Ask.CONGESTION, 5: Ask.VACANT,
             6: Ask.CATEGORY},
    group_b={1: FREE, 6: FREE, 4: CONGESTED, 2: BUSY, 3: BUSY, 5: UNKNOWN},
    categories={3: "subscriber", 1: "operator", 2: "trunk", 4: "data", 5: "check", 6: "test"},
    ani_category={1: "subscriber", 2: "immediate charge", 3: "printer charge", 4: "priority",
                  5: "free of charge", 8: "priority at intervals", 10: "priority free of charge"},
    backward="backward_cn", dnis_end=0, ani_first=False, ani_by_next=True,
)  # fmt: skip

VARIANTS = {one.name: one for one in (ITU, ARGENTINA, BRAZIL, MEXICO, CHINA)}


def r2_variant(name: str) -> R2Variant:
    """ValueError lists the known."""
    if name not in VARIANTS:
        raise ValueError(f"no R2 variant {name!r}; there are {', '.join(sorted(VARIANTS))}")
    return VARIANTS[name]
