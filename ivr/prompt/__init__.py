"""Room: the centre's prompts: what can be said, its sound, and how values are read out.

Must not know calls, flows or boards.  The catalogue and its errors are here; the functions which
turn numbers, money, dates and times into prompts are in `phrase`.
"""

from . import phrase
from .catalogue import LANGUAGES, Catalogue, Prompt
from .errors import PromptError

__all__ = ["LANGUAGES", "Catalogue", "Prompt", "PromptError", "phrase"]
