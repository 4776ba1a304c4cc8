"""What a stranger's exchange sends reaches the screen as it is."""

from io import StringIO

from rich.console import Console

from ivr.figures import CallRow
from ivr.picture import CALLS, fit


def test_a_caller_who_sends_markup_is_shown_and_breaks_nothing():
    row = CallRow("c1", "fxo0", "[/x][b]138", "ivr", 1.0, "")
    console = Console(width=80, file=StringIO())
    console.print(fit("calls", CALLS, [row], 80, 5, low=False))
    assert "[/x][b]138" in console.file.getvalue()
