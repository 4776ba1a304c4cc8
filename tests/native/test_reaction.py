"""How fast a caller is obeyed, in virtual time (exact); the method is in tests/wall/reaction.py."""

from tests.wall.reaction import reaction


def test_key_stops_the_prompt_and_the_next_begins_in_time():
    terms = reaction("virtual", 64)
    assert terms["begin_to_silence"]["worst_ms"] <= 80
    assert terms["end_to_next"]["p99_ms"] <= 70
    assert (
        terms["begin_decided"]["worst_ms"] > 20
    )  # a decision before the tone was long enough is none
