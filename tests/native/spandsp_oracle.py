"""Room: tests of the signal library.  Must not be imported by the product.

libspandsp as an oracle: its generators judge our receivers, its receivers judge our
generators.  Bound through cffi in API mode, so that the C compiler checks every prototype
(`dtmf_rx_parms` takes other types in later versions).  `load()` skips the test with the
reason when the library, its headers or a compiler are absent.
"""

import importlib.util
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from cffi import FFI, VerificationError
from numpy.typing import NDArray

MODULE = "_spandsp_oracle"
BUILD = Path(__file__).parents[2] / "build" / "oracle"
RX_DIGITS = 128  # spandsp keeps at most this many undelivered digits

CDEF = """
typedef struct dtmf_tx_state_s dtmf_tx_state_t;
typedef struct dtmf_rx_state_s dtmf_rx_state_t;
typedef struct adsi_tx_state_s adsi_tx_state_t;
dtmf_tx_state_t *dtmf_tx_init(dtmf_tx_state_t *s);
int dtmf_tx_free(dtmf_tx_state_t *s);
int dtmf_tx(dtmf_tx_state_t *s, int16_t amp[], int max_samples);
int dtmf_tx_put(dtmf_tx_state_t *s, const char *digits, int len);
void dtmf_tx_set_level(dtmf_tx_state_t *s, int level, int twist);
void dtmf_tx_set_timing(dtmf_tx_state_t *s, int on_time, int off_time);
dtmf_rx_state_t *oracle_dtmf_rx(void);
int dtmf_rx_free(dtmf_rx_state_t *s);
int dtmf_rx(dtmf_rx_state_t *s, const int16_t amp[], int samples);
size_t dtmf_rx_get(dtmf_rx_state_t *s, char *digits, int max);
adsi_tx_state_t *oracle_clip_tx(int v23);
int adsi_tx(adsi_tx_state_t *s, int16_t amp[], int max_len);
int adsi_tx_put_message(adsi_tx_state_t *s, const uint8_t *msg, int len);
int adsi_tx_free(adsi_tx_state_t *s);
uint8_t oracle_linear_to_alaw(int linear);
int16_t oracle_alaw_to_linear(uint8_t code);
uint8_t oracle_linear_to_ulaw(int linear);
int16_t oracle_ulaw_to_linear(uint8_t code);
"""

SOURCE = """
#define SPANDSP_EXPOSE_INTERNAL_STRUCTURES
#include <stdint.h>
#include <spandsp.h>
static dtmf_rx_state_t *oracle_dtmf_rx(void) { return dtmf_rx_init(NULL, NULL, NULL); }
static adsi_tx_state_t *oracle_clip_tx(int v23)
{
    return adsi_tx_init(NULL, v23 ? ADSI_STANDARD_CLIP : ADSI_STANDARD_CLASS);
}
static uint8_t oracle_linear_to_alaw(int linear) { return linear_to_alaw(linear); }
static int16_t oracle_alaw_to_linear(uint8_t code) { return alaw_to_linear(code); }
static uint8_t oracle_linear_to_ulaw(int linear) { return linear_to_ulaw(linear); }
static int16_t oracle_ulaw_to_linear(uint8_t code) { return ulaw_to_linear(code); }
"""


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    return module


@cache
def _build() -> ModuleType | str:
    """The compiled binding, or why there is none."""
    target = BUILD / f"{MODULE}{sysconfig.get_config_var('EXT_SUFFIX')}"
    try:
        if not target.exists() or target.stat().st_mtime < Path(__file__).stat().st_mtime:
            ffi = FFI()
            ffi.cdef(CDEF)
            ffi.set_source(MODULE, SOURCE, libraries=["spandsp"])
            ffi.compile(tmpdir=str(BUILD), target=str(target))
        return _import(target)
    except (VerificationError, ImportError, OSError) as error:
        return f"libspandsp-dev with a C compiler is not installed: {error}"


def load() -> Any:
    """(ffi, lib) of the oracle; skips the running test where it cannot be built."""
    module = _build()
    if isinstance(module, str):
        pytest.skip(module)
    return module.ffi, module.lib


def dtmf_signal(
    oracle: Any, digits: str, level_dbm0: int, twist_db: int, on_ms: int, off_ms: int
) -> NDArray[np.int16]:
    """What libspandsp sends for `digits`; level of the low tone, twist high over low."""
    ffi, lib = oracle
    tx = ffi.gc(lib.dtmf_tx_init(ffi.NULL), lib.dtmf_tx_free)
    lib.dtmf_tx_set_level(tx, level_dbm0, twist_db)
    lib.dtmf_tx_set_timing(tx, on_ms, off_ms)
    text = digits.encode()
    assert lib.dtmf_tx_put(tx, text, len(text)) == 0
    out = np.zeros(len(digits) * (on_ms + off_ms) * 8 + 8000, np.int16)
    made = lib.dtmf_tx(tx, ffi.cast("int16_t *", out.ctypes.data), len(out))
    return out[:made]


def dtmf_heard(oracle: Any, signal: NDArray[np.int16]) -> str:
    """The digits that libspandsp's receiver finds."""
    ffi, lib = oracle
    rx = ffi.gc(lib.oracle_dtmf_rx(), lib.dtmf_rx_free)
    heard, buffer = "", ffi.new("char[]", RX_DIGITS + 1)
    for start in range(0, len(signal), 160):
        frame = np.ascontiguousarray(signal[start : start + 160])
        lib.dtmf_rx(rx, ffi.cast("int16_t *", frame.ctypes.data), len(frame))
        count = lib.dtmf_rx_get(rx, buffer, RX_DIGITS)
        heard += ffi.buffer(buffer, count)[:].decode()
    return heard


def caller_id_signal(oracle: Any, message: bytes, v23: bool) -> NDArray[np.int16]:
    """One message, type and length first and without its checksum, as libspandsp sends it."""
    ffi, lib = oracle
    tx = ffi.gc(lib.oracle_clip_tx(int(v23)), lib.adsi_tx_free)
    assert lib.adsi_tx_put_message(tx, message, len(message)) > 0
    out = np.zeros(16000, np.int16)
    made, frame = 0, ffi.new("int16_t[160]")
    while made + 160 <= len(out):
        count = lib.adsi_tx(tx, frame, 160)
        out[made : made + count] = np.frombuffer(ffi.buffer(frame, 2 * count), np.int16)
        made += count
        if count < 160:
            break
    return out[:made]
