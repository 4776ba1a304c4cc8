"""Room: the centre's prompts, what can go wrong.  Must not import the rest of the room."""


class PromptError(Exception):
    """A prompt is missing, a recording cannot be used, or one cannot be made.

    The message names the file or the prompt, and what would be right.
    """
