"""Drivers that are faulty on purpose (drivers/mutant.c), and the checks that must catch each.

A row: what is wrong, for a person; the mutant's words; the rig that it spoils; the checks that
must fail.  Numbers are those of ctb_driver.h, taken from there by name.
"""

import re
from dataclasses import dataclass
from pathlib import Path

HEADER = Path(__file__).parent.parent.parent / "cti_board/_native/include/ctb_driver.h"


def _numbers() -> dict[str, int]:
    text = HEADER.read_text(encoding="utf-8")
    found = re.findall(r"\bCTB_(?:EV|OP)_(\w+) = (\d+)", text)
    bits = re.findall(r"#define CTB_CAP_(\w+)\s+\(1ull << (\d+)\)", text)
    return {name: int(value) for name, value in found} | {
        f"CAP_{name}": 1 << int(bit) for name, bit in bits
    }


NUMBERS = _numbers()


@dataclass(frozen=True)
class Mutation:
    title: str
    fault: str
    rig: str
    caught_by: tuple[str, ...]

    @property
    def words(self) -> str:
        """The mutant's specification: names of events, operations, capabilities as numbers."""
        return " ".join(str(NUMBERS.get(word, word)) for word in self.fault.split())


def _m(title: str, fault: str, rig: str, *caught_by: str) -> Mutation:
    return Mutation(title, fault, rig, caught_by)


MUTATIONS = [
    # ---- what the board says of itself
    _m("a channel says that it is in another span", "span", "sim", "board.describe"),
    _m("each description is another", "rename", "sim", "board.describe_again"),
    _m("a capability is gone", "hide CAP_FLASH", "sim", "board.required"),
    _m("a latency that cannot be", "latency 90000 0", "sim", "board.latency"),
    _m("channels that are not there obey", "anyone", "sim", "board.unknown_channel"),
    _m("an unknown operation is swallowed", "ignore 999 -1", "sim", "board.unknown_command"),
    _m("it opens once", "open_once", "sim", "board.open_again"),
    _m("it refuses to play", "refuse PLAY_START", "board", "board.close"),
    _m("a line in use stays so over close and open", "stale RAW_HOOK 2", "sim", "board.fresh"),
    _m("a hook that moves by itself", "spurious RAW_HOOK 2", "sim", "board.quiet"),
    _m("every 50th frame does not come", "stutter 50", "sim", "board.clock.*"),
    _m("a capability is declared that is not there", "boast CAP_WINK", "sim", "line.wink.*"),
    # ---- sound
    _m("every 100th frame to the line is lost", "tx_drop 100", "sim", "media.play_exact.*"),
    _m("every 100th frame from the line is lost", "rx_drop 100", "sim", "media.record_exact.*"),
    _m("frames to the line are late", "tx_late", "sim", "media.latency_tx.*"),
    _m("frames from the line are late", "rx_late", "sim", "media.latency_rx.*", "media.stereo.*",
       "switch.delay"),
    _m("declared latency to the line is wrong", "latency 0 80", "sim", "media.latency_tx.*"),
    _m("declared latency from the line is wrong", "latency 80 0", "sim", "media.latency_rx.*"),
    _m("a bit of every 5th frame to the line", "tx_flip 5", "sim", "media.play_exact.*",
       "media.both_ways.*", "media.play_file.*", "media.offset.*", "media.two_players.*",
       "media.pause.*", "switch.connect", "switch.across_types"),
    _m("a bit of every 5th frame from the line", "rx_flip 5", "sim", "media.record_exact.*",
       "media.play_file.*", "switch.connect", "switch.across_types"),
    _m("channels changed over to the line", "tx_swap", "sim", "media.every_channel.*"),
    _m("channels changed over from the line", "rx_swap", "sim", "media.every_channel.*"),
    _m("noise in silence to the line", "tx_hum", "sim", "media.silence.*"),
    _m("noise in silence from the line", "rx_hum", "sim", "media.silence.*",
       "media.record_limit.*"),
    _m("what is sent comes back", "echo", "sim", "media.both_ways.*"),
    _m("a channel is heard on the next", "leak", "sim", "switch.listen", "switch.conference",
       "switch.listen_only", "switch.no_crosstalk"),
    # ---- media on the board
    _m("pauses are ignored", "ignore PLAY_PAUSE -1", "board", "media.pause.*"),
    _m("stops are ignored", "ignore PLAY_STOP -1", "board", "media.stop.*",
       "media.digit_stops_play.*"),
    _m("PLAY_DONE is never sent", "lose PLAY_DONE -1", "board", "media.play_done.*"),
    _m("gain is ignored", "ignore GAIN -1", "board", "media.gain.*"),
    _m("tones are 5 % off", "tone_hz 5", "board", "media.tone_hz.*", "media.tone_two_hz.*"),
    _m("bursts of tones are 20 ms too long", "tone_on 20", "board", "media.tone_cadence.*"),
    _m("TONE_DONE is never sent", "lose TONE_DONE -1", "board", "media.tone_cycles.*"),
    _m("the last digit is not sent", "shorten DIAL", "board", "media.dtmf_send.*"),
    _m("every third digit is lost", "lose DTMF_BEGIN -1 3", "board", "media.dtmf_receive.*",
       "media.dtmf_levels.*", "media.collect.*"),
    _m("digits are told late", "late DTMF_BEGIN 800", "board", "media.dtmf_receive.*"),
    _m("digits are told twice", "repeat DTMF_BEGIN", "board", "faults.stuck_key.*",
       "faults.stuck_key_collect.*", "media.dtmf_receive.*"),
    _m("tones are taken for others", "invert TONE_ON 7", "board", "media.tones_told_apart.*",
       "media.busy_tone.*", "faults.congestion"),
    _m("tones are never told", "lose TONE_ON -1", "board", "media.busy_tone.*"),
    _m("talk is never told", "lose TALK_BEGIN -1", "board", "media.talk.*"),
    _m("detectors cannot be disarmed", "ignore DETECT_ARM 0", "board", "media.disarmed.*"),
    _m("every 10th frame from the line is lost", "rx_drop 10", "sim", "media.caller_id"),
    # ---- analog lines
    _m("the end of a burst is not told", "lose RAW_RING 0", "sim", "line.fxo_ring",
       "line.fxo_ring_stopped", "faults.missed_ring"),
    _m("ringing is told late", "late RAW_RING 800", "sim", "line.fxo_answer"),
    _m("the loop is not taken", "ignore HOOK 1", "sim", "line.fxo_answer", "line.fxo_dial",
       "faults.no_dial_tone"),
    _m("the loop is not left", "ignore HOOK 0", "sim", "line.fxo_hang_up"),
    _m("a reversal that was not", "spurious RAW_POLARITY 0", "sim", "line.fxo_stays"),
    _m("the last pulse digit is not sent", "shorten PULSE_DIAL", "sim", "line.fxo_pulse"),
    _m("a flash is 100 ms too long", "change FLASH 100", "sim", "line.fxo_flash"),
    _m("the polarity is inverted", "invert RAW_POLARITY 1", "sim", "line.fxo_polarity"),
    _m("loss of feed is not told", "lose RAW_BATTERY 0", "sim", "line.fxo_loop_break",
       "faults.line_cut.fxo"),
    _m("return of feed is not told", "lose RAW_BATTERY 1", "sim", "line.fxo_battery"),
    _m("the hook is told late", "late RAW_HOOK 800", "sim", "line.fxs_hook"),
    _m("the hook is told inverted", "invert RAW_HOOK 1", "sim", "line.fxs_hook"),
    _m("bursts are 100 ms too long", "change RING 100", "sim", "line.fxs_ring"),
    _m("off-hook is not told", "lose RAW_HOOK 1", "sim", "line.fxs_ring_trip"),
    _m("the caller's number loses a digit", "shorten RING", "board", "line.fxs_caller_id"),
    _m("every second closing of the loop is lost", "lose RAW_HOOK 1 2", "sim", "line.fxs_flash",
       "line.fxs_pulse"),
    _m("reversing is refused", "refuse POLARITY", "sim", "line.fxs_polarity"),
    _m("loop breaks are ignored", "ignore LOOP_BREAK -1", "sim", "line.fxs_loop_break"),
    _m("on-hook is not told", "lose RAW_HOOK 0", "sim", "faults.line_cut.fxs"),
    # ---- E1
    _m("CAS bits are in the other order", "reverse RAW_CAS", "sim", "line.e1_bits_in"),
    _m("CAS bits are not sent", "ignore CAS -1", "sim", "line.e1_bits_out",
       "line.e1_clear_forward", "line.e1_call_in", "line.e1_clear_back", "line.e1_blocked",
       "faults.double_seizure"),
    _m("idle bits are not sent", "ignore CAS 9", "sim", "faults.no_seize_ack"),
    _m("bits are seen on the next timeslot, too", "spill RAW_CAS", "sim", "line.e1_apart"),
    _m("the end of an alarm is not told", "lose ALARM_CLEARED -1", "sim", "line.e1_alarms",
       "line.e1_alarms_together"),
    _m("asked, alarms are others", "alarms 4", "sim", "line.e1_alarms"),
    _m("alarms are not told", "lose ALARM_RAISED -1", "sim", "faults.alarm_in_call"),
    _m("idle bits are not told", "lose RAW_CAS 9", "sim", "faults.cleared_in_alarm"),
    # ---- calls
    _m("no tone is told: calls on analog trunks", "lose TONE_ON -1", "board",
       "call.in_far_end_leaves.fxo", "call.in_block_ends.fxo", "call.out_far_end_leaves.fxo",
       "call.out_we_leave.fxo", "call.out_busy.*", "call.out_vacant.*", "call.out_congestion.*"),
    _m("the loop is not left: calls on analog trunks", "ignore HOOK 0", "sim",
       "call.in_we_leave.fxo", "call.no_dial_tone", "call.glare.fxo", "call.clock_stops.fxo"),
    _m("ringing never ends: a caller gives up", "lose RAW_RING 0", "sim",
       "call.in_gives_up.fxo"),
    _m("the polarity is inverted: answer and clearing", "invert RAW_POLARITY 1", "sim",
       "call.out_reversal"),
    _m("loss of feed is not told: clearing", "lose RAW_BATTERY 0", "sim", "call.out_loop_break",
       "call.line_cut.fxo"),
    _m("on-hook is not told: calls of telephones", "lose RAW_HOOK 0", "sim",
       "call.in_far_end_leaves.fxs", "call.in_we_leave.fxs", "call.in_block_ends.fxs",
       "call.out_far_end_leaves.fxs", "call.out_we_leave.fxs", "call.out_busy_telephone",
       "call.line_cut.fxs", "call.clock_stops.fxs"),
    _m("idle bits are not told: calls on E1", "lose RAW_CAS 9", "sim",
       "call.in_far_end_leaves.e1", "call.in_we_leave.e1", "call.in_gives_up.e1",
       "call.in_reject", "call.in_block_ends.e1", "call.out_far_end_leaves.e1",
       "call.out_we_leave.e1", "call.no_seize_ack", "call.glare.e1", "call.clock_stops.e1"),
    _m("alarms are not told: calls on E1", "lose ALARM_RAISED -1", "sim", "call.alarm"),
    _m("seizing is not sent: calls on E1", "ignore CAS 1", "sim", "call.out_far_end_leaves.e1",
       "call.out_busy.e1", "call.out_vacant.e1", "call.out_congestion.e1"),
    _m("the caller's number is spoilt: calls on analog trunks", "rx_drop 10", "sim",
       "call.in_far_end_leaves.fxo"),
    # ---- faults
    _m("after a stop no frame comes any more", "die", "sim", "faults.stopped_clock.*",
       "faults.short_stop"),
]  # fmt: skip
