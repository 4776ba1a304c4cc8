"""Wall clock: 240 channels play, record and detect at once; nothing is late, nothing is lost."""

import pytest

from tests.wall.load import measure
from tests.wall.reaction import reaction


@pytest.mark.wall
def test_240_channels_keep_time():
    figures = measure(8.0)
    print(figures)
    assert figures["overruns"] == 0
    assert figures["underruns"] == 0
    assert figures["lost_samples"] == 0
    assert figures["record_errors"] == 0
    assert figures["digits_heard"] >= 0.99 * figures["digits_sent_about"]


@pytest.mark.wall
def test_reaction_on_the_wall_clock():
    terms = reaction("wall", 8)
    print(terms)
    assert terms["begin_to_silence"]["worst_ms"] <= 100
    assert terms["end_to_next"]["p99_ms"] <= 90
