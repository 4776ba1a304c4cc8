"""Room: the door, kinds of values of the commands' options.  Must not know commands."""

import math
from typing import Any

import click


class Number(click.FloatRange):
    """A number within limits.  `nan` compares with nothing and `inf` never ends: neither is one."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value!r} is no number", param, ctx)
        return found
