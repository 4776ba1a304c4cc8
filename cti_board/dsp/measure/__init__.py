"""Room: the technician's instruments, on recorded sound.  Must not send, nor know any line.

Sound is one line at 8000 Hz: int16, float in -1..1, or uint8 A-law codes, (samples,).  Levels are
dBm0 (ITU-T G.711: a full-scale sine is +3.14).  docs/instruments.md tells what each is good to.
"""

from cti_board.dsp.measure.echo_path import EchoPath, echo_loss, excitation, measure_echo_path
from cti_board.dsp.measure.milliwatt import DIGITAL_MILLIWATT, digital_milliwatt, test_tone
from cti_board.dsp.measure.noise import (
    Gap,
    Impulses,
    c_message,
    gaps,
    hum,
    impulses,
    level,
    psophometric,
)
from cti_board.dsp.measure.response import (
    TONES_HZ,
    Response,
    measure_multitone,
    measure_sweep,
    multitone,
    sweep,
)
from cti_board.dsp.measure.result import Result
from cti_board.dsp.measure.sine import (
    SineFit,
    Slip,
    distortion,
    find_slips,
    fit_sine,
    fit_sine_at,
)

__all__ = [
    "DIGITAL_MILLIWATT",
    "TONES_HZ",
    "EchoPath",
    "Gap",
    "Impulses",
    "Response",
    "Result",
    "SineFit",
    "Slip",
    "c_message",
    "digital_milliwatt",
    "distortion",
    "echo_loss",
    "excitation",
    "find_slips",
    "fit_sine",
    "fit_sine_at",
    "gaps",
    "hum",
    "impulses",
    "level",
    "measure_echo_path",
    "measure_multitone",
    "measure_sweep",
    "multitone",
    "psophometric",
    "sweep",
    "test_tone",
]
