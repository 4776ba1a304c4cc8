"""Wall clock: 240 channels play, record and detect at once; nothing is late, nothing is lost."""

import pytest

from tests.wall.load import measure


@pytest.mark.wall
def test_240_channels_keep_time():
    figures = measure(12.0)
    print(figures)
    assert figures["overruns"] == 0
    assert figures["underruns"] == 0
    assert figures["lost_samples"] == 0
    assert figures["record_errors"] == 0
    assert figures["digits_heard"] >= 0.99 * figures["digits_sent_about"]
