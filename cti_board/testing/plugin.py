"""Room: the pytest plugin (entry point ``cti_board``).  Must not import the media plane, numpy or
any check until a test asks: it is loaded in every pytest run of whoever has installed us.

Fixtures: ``virtual`` and ``sim_board``; marker ``sim_board(url)``.  An ``async def`` test that asks
for ``virtual`` runs in virtual time::

    @pytest.mark.sim_board("sim:fxs=2")
    async def test_a_prompt(virtual, sim_board):
        async with sim_board() as board:
            await board.channels[0].play(b"...")

In a plain test ``virtual(main)`` runs a coroutine function and gives its result.
"""

import inspect
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from cti_board.board import Board
    from cti_board.testing.rig import Rig

T = TypeVar("T")
DEFAULT_URL = "sim:fxo=2,fxs=3,e1=1,phones=8"


class Virtual:
    """Runs coroutine functions on an engine of their own, in virtual time."""

    def __call__(self, main: Callable[[], Coroutine[Any, Any, T]], *, jump: bool = True) -> T:
        from cti_board.loop import run

        return run(main, clock="virtual", jump=jump)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "sim_board(url): the board that the fixture sim_board opens (cti_board)"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """An async test with the fixture ``virtual`` is ours; all others are left alone."""
    virtual = pyfuncitem.funcargs.get("virtual")
    if not isinstance(virtual, Virtual) or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    info = pyfuncitem._fixtureinfo
    arguments = {name: pyfuncitem.funcargs[name] for name in info.argnames}
    virtual(lambda: pyfuncitem.obj(**arguments))
    return True


@pytest.fixture
def virtual() -> Virtual:
    """``virtual(main)`` runs ``main()`` in virtual time; an async test needs only ask for it."""
    return Virtual()


@pytest.fixture
def sim_board(request: pytest.FixtureRequest) -> "Callable[..., Board]":
    """``async with sim_board() as board``: the marker's board, or ``sim_board("sim:fxo=4")``."""
    marker = request.node.get_closest_marker("sim_board")
    default = marker.args[0] if marker and marker.args else DEFAULT_URL

    def opened(url: str = default, *, country: str = "cn") -> "Board":
        from cti_board.board import open_board

        return open_board(url, country=country)

    return opened


def conformance(rigs: "Iterable[Rig]", *patterns: str) -> pytest.MarkDecorator:
    """Parametrises a test with ``rig`` and ``check``: every check that fits, on every rig::

        @conformance([MyRig()], "line.*", "media.*")
        def test_card(virtual, rig, check):
            result = virtual(lambda: run_check(rig, check))
            assert result.status in (Status.PASS, Status.NOT_SUPPORTED), str(result)
    """
    from cti_board.testing.runner import selected

    pairs = [
        pytest.param(rig, check, id=f"{rig.name}-{check.id}")
        for rig in rigs
        for check in selected(patterns or ("*",))
    ]
    return pytest.mark.parametrize(("rig", "check"), pairs)
