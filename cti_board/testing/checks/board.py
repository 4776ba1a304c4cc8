"""Room: checks of the board as such: its description, opening and closing, its sample clock."""

from cti_board import events as ev
from cti_board._native._media import ffi
from cti_board.board import Board
from cti_board.capability import Capabilities
from cti_board.errors import BoardError, CtiError
from cti_board.signalling.port import LineType
from cti_board.testing.bench import FRAME, Bench, CantTell
from cti_board.testing.registry import EACH, check

E1_TIMESLOTS = {*range(1, 16), *range(17, 32)}  # ITU-T G.704: 0 is framing, 16 signalling
NO_SUCH = 1023  # the last channel number that the ABI allows


def _facts(board: Board) -> list[object]:
    """What describe, describe_span and describe_channel say, as plain data."""
    engine, number = board.loop.engine, board.number
    structs = [engine.board_info(number)]
    structs += [engine.span_info(number, i) for i in range(len(board.spans))]
    structs += [engine.channel_info(number, i) for i in range(len(board.channels))]
    return [
        [(name, _plain(getattr(s, name))) for name, _ in ffi.typeof(s).item.fields] for s in structs
    ]


def _plain(value: object) -> object:
    return ffi.string(value) if isinstance(value, ffi.CData) else value


@check("board.describe")
async def describe(bench: Bench) -> None:
    """the board's description is complete and does not contradict itself"""
    board = bench.board
    bench.expect(board.model and board.driver, "the board has no model, or the driver no name")
    bench.expect(board.channels, "the board has no channels")
    covered = [c.number for span in board.spans for c in span.channels]
    bench.expect(
        covered == list(range(len(board.channels))),
        f"the spans hold channels {covered}, the board has 0..{len(board.channels) - 1}",
    )
    for span in board.spans:
        for channel in span.channels:
            bench.expect(
                channel.span_number == span.number,
                f"channel {channel.number} is in span {span.number} but says {channel.span_number}",
            )
        slots = [c.timeslot for c in span.channels]
        bench.expect(len(set(slots)) == len(slots) or span.kind != "e1",
                     f"span {span.name} has a timeslot twice: {slots}")  # fmt: skip
        if span.kind == "e1":
            bench.expect(set(slots) <= E1_TIMESLOTS, f"E1 span {span.name} has timeslots {slots}")
    names = [c.name for c in board.channels]
    bench.expect(len(set(names)) == len(names), f"two channels have one name: {names}")


@check("board.describe_again")
async def describe_again(bench: Bench) -> None:
    """describing again gives the same answers, also after traffic and on another opening"""
    first = _facts(bench.board)
    await bench.sleep(0.1)
    bench.expect(_facts(bench.board) == first, "the second description differs from the first")
    bench.board.close()
    async with bench.rig.board() as again:
        bench.expect(_facts(again) == first, "after opening again the description differs")


@check("board.required")
async def required(bench: Bench) -> None:
    """what this backend must be able to do is declared"""
    have = bench.board.capabilities
    for channel in bench.board.channels:
        have |= channel.capabilities
    missing = sorted(n for n in bench.rig.required if Capabilities[n] not in have)
    bench.expect(not missing, f"not declared: {', '.join(missing)}")


@check("board.latency")
async def latency(bench: Bench) -> None:
    """the declared latencies and the uncertainty of times are bounds that one can work with"""
    board = bench.board
    for name in ("latency_rx_samples", "latency_tx_samples", "time_uncertainty_samples"):
        value = getattr(board, name)
        bench.measured[name] = value
        # chosen: half a second is more than any card buffers; events within five frames
        limit = 5 * FRAME if "uncertainty" in name else 4000
        bench.expect(0 <= value <= limit, f"{name} is {value}")


@check("board.unknown_channel")
async def unknown_channel(bench: Bench) -> None:
    """a channel or span that is not there is refused, and a command to it fails"""
    engine, number = bench.board.loop.engine, bench.board.number
    for what, ask in (
        ("channel", engine.channel_info),
        ("span", engine.span_info),
        ("span's alarms", engine.alarms),
    ):
        try:
            ask(number, NO_SUCH)
        except CtiError:
            continue
        bench.expect(False, f"{what} {NO_SUCH} is described, but there is none")
    stream = bench.board.events(ev.CommandFailed)
    engine.post(number, NO_SUCH, 1, a=1)
    bench.may_fail += 1
    await bench.event(stream, ev.CommandFailed, 1.0)


@check("board.unknown_command")
async def unknown_command(bench: Bench) -> None:
    """an operation that no driver knows is refused, not swallowed"""
    stream = bench.board.events(ev.CommandFailed)
    bench.board.loop.engine.post(bench.board.number, 0, 999)
    bench.may_fail += 1
    await bench.event(stream, ev.CommandFailed, 1.0)


@check("board.open_again")
async def open_again(bench: Bench) -> None:
    """after close the board opens again; two at once work, or the second is refused clearly"""
    try:
        async with bench.rig.board() as second:
            bench.expect(second.number != bench.board.number, "two boards have one number")
            await bench.sleep(0.1)
    except BoardError as error:
        bench.expect(len(str(error)) > 10, f"the second opening is refused without a word: {error}")
    bench.board.close()
    async with bench.rig.board() as again:
        await bench.sleep(0.1)
        bench.expect(len(again.channels) == len(bench.board.channels), "channels are missing")


@check("board.close")
async def close(bench: Bench) -> None:
    """closing ends what plays with reason CLOSED, can be repeated, and stops all events"""
    channel = bench.channels(None, 1)[0]
    player = channel.play(bench.pattern(1, 80000))
    await bench.sleep(0.2)
    bench.board.close()
    result = await player
    bench.expect(result.reason is ev.DoneReason.CLOSED, f"the player ended with {result.reason!r}")
    bench.board.close()
    try:
        bench.board.events()
    except BoardError:
        return
    bench.expect(False, "a closed board still gives events")


@check("board.fresh")
async def fresh(bench: Bench) -> None:
    """a board that was closed with lines in use opens with all of them idle"""
    lines = [c for c in bench.board.channels if c.line_type is LineType.FXS][:1]
    if not lines:
        raise CantTell("needs an FXS channel")
    stream = lines[0].events(ev.OffHook)
    await bench.far(lines[0]).answer()
    await bench.event(stream, ev.OffHook)
    bench.board.close()
    async with bench.rig.board() as again:
        stream = again.events(ev.OffHook, ev.RingBegin, ev.AlarmRaised)
        await bench.none(stream, 1.0, ev.OffHook, ev.RingBegin, ev.AlarmRaised)


@check("board.quiet")
async def quiet(bench: Bench) -> None:
    """where nothing happens nothing is reported"""
    stream = bench.board.events()
    await bench.none(stream, 20.0, ev.Event)


@check("board.clock", *EACH)
async def clock(bench: Bench) -> None:
    """one frame goes by for each frame of the engine: the far end counts the same samples"""
    far = bench.far(bench.channel)
    ear = far.hear(20.0)
    await bench.sleep(10.0)
    heard = await ear.stop()
    gone = bench.now - ear.began_at
    # two frames: the command that ends the ear, and its report
    bench.near("samples counted by the far end", len(heard), gone, 2 * FRAME)
