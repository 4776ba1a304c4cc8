"""The fixture `sim`: a simulated card by its specification, closed after the test."""

from collections.abc import Callable, Iterator

import pytest
from sim_card import Driver


@pytest.fixture
def sim() -> Iterator[Callable[[str], Driver]]:
    boards: list[Driver] = []

    def make(spec: str) -> Driver:
        boards.append(Driver(spec))
        return boards[-1]

    yield make
    for board in boards:
        board.close()
