"""Room: tests of signalling.  Must not be imported by the product.

libpri as the far end of a D channel, bound through cffi in API mode.  It is linked statically, so
that its clock can be ours: nothing in it sees wall time.  `load()` skips the test with the reason
when the library, its header or a compiler are absent.
"""

import asyncio
import importlib.util
import sys
import sysconfig
from collections import deque
from functools import cache
from pathlib import Path

import pytest
from cffi import FFI, VerificationError

MODULE = "_libpri_oracle"
BUILD = Path(__file__).parents[2] / "build" / "oracle"
TICK_S = 0.1  # libpri's own timers are looked at so often
TRANSMITTED = 256  # frames of one call into libpri: far more than its window

CDEF = """
typedef struct oracle oracle;
typedef struct q931_call q931_call;
struct oracle_event {
    int e, channel, cause, complete, flexible;
    q931_call *call;
    char ani[256], dnis[256], name[256];
};
void oracle_clock(int64_t us);
oracle *oracle_new(int network, int overlap);
int oracle_put(oracle *o, const uint8_t *frame, int length);
int oracle_poll(oracle *o, struct oracle_event *out, int frame);
int oracle_get(oracle *o, uint8_t *frame);
int oracle_complaints(void);
q931_call *oracle_setup(oracle *o, char *called, char *caller, char *name, int channel,
                        int exclusive, int complete);
int oracle_need_more(oracle *o, q931_call *call, int channel);
int oracle_digit(oracle *o, q931_call *call, char digit);
int oracle_proceeding(oracle *o, q931_call *call, int channel);
int oracle_progress(oracle *o, q931_call *call, int channel);
int oracle_alerting(oracle *o, q931_call *call, int channel);
int oracle_answer(oracle *o, q931_call *call, int channel);
int oracle_hang_up(oracle *o, q931_call *call, int cause);
int oracle_restart(oracle *o, int channel);
"""

SOURCE = r"""
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <libpri.h>

#define FRAMES 256
typedef struct oracle {
    struct pri *pri;
    uint8_t in[600];
    int in_length;
    uint8_t out[FRAMES][600];
    int out_length[FRAMES], first, count;
} oracle;

struct oracle_event {
    int e, channel, cause, complete, flexible;
    q931_call *call;
    char ani[256], dnis[256], name[256];
};

static int64_t now_us;
static int complaints;

int __wrap_gettimeofday(struct timeval *tv, void *zone);
int __wrap_gettimeofday(struct timeval *tv, void *zone)
{
    (void)zone;
    tv->tv_sec = now_us / 1000000;
    tv->tv_usec = now_us % 1000000;
    return 0;
}

static void quiet(struct pri *pri, char *text) { (void)pri; (void)text; }
static void complain(struct pri *pri, char *text) { (void)pri; (void)text; complaints++; }
static void oracle_clock(int64_t us) { now_us = us; }
static int oracle_complaints(void) { return complaints; }

static int io_read(struct pri *pri, void *buffer, int size)
{
    oracle *o = pri_get_userdata(pri);
    int length = o->in_length;
    o->in_length = 0;
    if (length > size) return 0;
    memcpy(buffer, o->in, length);
    return length;
}

static int io_write(struct pri *pri, void *buffer, int length)
{
    oracle *o = pri_get_userdata(pri);
    if (o->count < FRAMES && length <= 600) {
        int at = (o->first + o->count++) % FRAMES;
        memcpy(o->out[at], buffer, length);
        o->out_length[at] = length;
    }
    return length;
}

static oracle *oracle_new(int network, int overlap)
{
    oracle *o = calloc(1, sizeof *o);
    pri_set_message(quiet);
    pri_set_error(complain);
    o->pri = pri_new_cb(-1, network ? PRI_NETWORK : PRI_CPE, PRI_SWITCH_EUROISDN_E1,
                        io_read, io_write, o);
    pri_set_overlapdial(o->pri, overlap);
    return o;
}

static int oracle_put(oracle *o, const uint8_t *frame, int length)
{
    if (length < 1 || length > 598) return -EINVAL;
    memcpy(o->in, frame, length);
    o->in_length = length + 2; /* the two octets of FCS that a driver leaves */
    return 0;
}

static int oracle_poll(oracle *o, struct oracle_event *out, int frame)
{
    pri_event *e = frame ? pri_check_event(o->pri) : pri_schedule_run(o->pri);
    memset(out, 0, sizeof *out);
    if (!e) return 0;
    out->e = e->e;
    switch (e->e) {
    case PRI_EVENT_RING:
        out->channel = e->ring.channel & 0xff;
        out->call = e->ring.call;
        out->complete = e->ring.complete;
        out->flexible = e->ring.flexible;
        strncpy(out->ani, e->ring.callingnum, 255);
        strncpy(out->dnis, e->ring.callednum, 255);
        strncpy(out->name, e->ring.callingname, 255);
        break;
    case PRI_EVENT_INFO_RECEIVED:
        out->call = e->ring.call;
        out->complete = e->ring.complete;
        strncpy(out->dnis, e->ring.callednum, 255);
        break;
    case PRI_EVENT_HANGUP: case PRI_EVENT_HANGUP_REQ: case PRI_EVENT_HANGUP_ACK:
        out->cause = e->hangup.cause;
        out->call = e->hangup.call;
        out->channel = e->hangup.channel & 0xff;
        break;
    case PRI_EVENT_RINGING:
        out->call = e->ringing.call;
        out->channel = e->ringing.channel & 0xff;
        break;
    case PRI_EVENT_ANSWER:
        out->call = e->answer.call;
        out->channel = e->answer.channel & 0xff;
        break;
    case PRI_EVENT_PROCEEDING: case PRI_EVENT_PROGRESS:
        out->call = e->proceeding.call;
        out->channel = e->proceeding.channel & 0xff;
        break;
    case PRI_EVENT_SETUP_ACK:
        out->call = e->setup_ack.call;
        out->channel = e->setup_ack.channel & 0xff;
        break;
    case PRI_EVENT_CONNECT_ACK:
        out->call = e->connect_ack.call;
        break;
    case PRI_EVENT_RESTART: case PRI_EVENT_RESTART_ACK:
        out->channel = e->restart.channel & 0xff;
        break;
    }
    return 1;
}

static int oracle_get(oracle *o, uint8_t *frame)
{
    int at = o->first, length = o->out_length[at] - 2;
    if (!o->count) return 0;
    memcpy(frame, o->out[at], length);
    o->first = (at + 1) % FRAMES;
    o->count--;
    return length;
}

static q931_call *oracle_setup(oracle *o, char *called, char *caller, char *name, int channel,
                               int exclusive, int complete)
{
    q931_call *call = pri_new_call(o->pri);
    struct pri_sr *sr = pri_sr_new();
    if (!call || !sr) return NULL;
    pri_sr_set_channel(sr, channel, exclusive, 0);
    pri_sr_set_bearer(sr, PRI_TRANS_CAP_SPEECH, PRI_LAYER_1_ALAW);
    pri_sr_set_called(sr, called, PRI_NATIONAL_ISDN, complete);
    pri_sr_set_caller(sr, caller, name, PRI_NATIONAL_ISDN, PRES_ALLOWED_USER_NUMBER_NOT_SCREENED);
    int result = pri_setup(o->pri, call, sr);
    pri_sr_free(sr);
    return result ? NULL : call;
}

static int oracle_need_more(oracle *o, q931_call *c, int n)
{
    return pri_need_more_info(o->pri, c, n, 0);
}
static int oracle_digit(oracle *o, q931_call *c, char d) { return pri_information(o->pri, c, d); }
static int oracle_proceeding(oracle *o, q931_call *c, int n)
{
    return pri_proceeding(o->pri, c, n, 0);
}
static int oracle_progress(oracle *o, q931_call *c, int n) { return pri_progress(o->pri, c, n, 1); }
static int oracle_alerting(oracle *o, q931_call *c, int n)
{
    return pri_acknowledge(o->pri, c, n, 0);
}
static int oracle_answer(oracle *o, q931_call *c, int n) { return pri_answer(o->pri, c, n, 0); }
static int oracle_hang_up(oracle *o, q931_call *c, int cause)
{
    return pri_hangup(o->pri, c, cause);
}
static int oracle_restart(oracle *o, int channel) { return pri_reset(o->pri, channel); }
"""

EVENTS = {
    1: "up", 2: "down", 3: "restart", 5: "ring", 6: "hangup", 7: "ringing", 8: "answer",
    9: "hangup_ack", 10: "restart_ack", 12: "info", 13: "proceeding", 14: "setup_ack",
    15: "hangup_req", 17: "progress", 27: "connect_ack",
}  # fmt: skip


@cache
def _build():
    """The compiled binding, or why there is none."""
    target = BUILD / f"{MODULE}{sysconfig.get_config_var('EXT_SUFFIX')}"
    try:
        if not target.exists() or target.stat().st_mtime < Path(__file__).stat().st_mtime:
            ffi = FFI()
            ffi.cdef(CDEF)
            ffi.set_source(MODULE, SOURCE, extra_link_args=[
                "-Wl,--wrap=gettimeofday", "-l:libpri.a",
            ])  # fmt: skip
            ffi.compile(tmpdir=str(BUILD), target=str(target))
        spec = importlib.util.spec_from_file_location(MODULE, target)
        module = importlib.util.module_from_spec(spec)
        sys.modules[MODULE] = module
        spec.loader.exec_module(module)
    except (VerificationError, ImportError, OSError) as error:
        return f"libpri-dev with a C compiler is not installed: {error}"
    return module


def load():
    """(ffi, lib) of the oracle; skips the running test where it cannot be built."""
    module = _build()
    if isinstance(module, str):
        pytest.skip(module)
    return module.ffi, module.lib


class Exchange:
    """libpri on a D channel: `send_frame` of our wire calls `take`; `to_us(frame)` gets its own.

    ``events`` are dicts in order.  Every hang-up that libpri reports is confirmed at once, as its
    users must.
    """

    def __init__(self, role, to_us, *, overlap=False):
        self.ffi, self.lib = load()
        self.to_us, self.events, self.closed = to_us, deque(), False
        self.set_clock()
        self.oracle = self.lib.oracle_new(role == "network", overlap)
        self.tick()

    def set_clock(self):
        self.lib.oracle_clock(round((1000 + asyncio.get_running_loop().time()) * 1e6))

    def tick(self):
        if not self.closed:
            self.poll(0)
            asyncio.get_running_loop().call_later(TICK_S, self.tick)

    def take(self, frame):
        assert self.lib.oracle_put(self.oracle, frame, len(frame)) == 0
        self.poll(1)

    def poll(self, frame):
        self.set_clock()
        out = self.ffi.new("struct oracle_event *")
        found = self.lib.oracle_poll(self.oracle, out, frame)
        self.flush()
        if found:
            text = {n: self.ffi.string(getattr(out, n)).decode("latin-1")
                    for n in ("ani", "dnis", "name")}  # fmt: skip
            event = {n: getattr(out, n) for n in ("channel", "cause", "complete", "call")} | text
            event["name_of_event"] = EVENTS.get(out.e, str(out.e))
            self.events.append(event)
            if event["name_of_event"] in ("hangup", "hangup_req"):
                self.do("hang_up", event["call"], event["cause"])

    def flush(self):
        buffer = self.ffi.new("uint8_t[600]")
        while length := self.lib.oracle_get(self.oracle, buffer):
            self.to_us(bytes(buffer[0:length]))

    def names(self):
        return [e["name_of_event"] for e in self.events]

    def last(self, name):
        """The newest event of that name."""
        return next(e for e in reversed(self.events) if e["name_of_event"] == name)

    def setup(self, called, caller="", name="", *, channel=1, exclusive=True, complete=True):
        self.set_clock()
        call = self.lib.oracle_setup(
            self.oracle, self.ffi.new("char[]", called.encode()),
            self.ffi.new("char[]", caller.encode()), self.ffi.new("char[]", name.encode()),
            channel, exclusive, complete,
        )  # fmt: skip
        assert call != self.ffi.NULL
        self.flush()
        return call

    def do(self, what, call, *args, gone=False):
        """``gone``: libpri may have forgotten the call already (it looks the pointer up)."""
        self.set_clock()
        done = getattr(self.lib, f"oracle_{what}")(self.oracle, call, *args)
        assert gone or done == 0, what
        self.flush()

    def restart(self, channel):
        self.set_clock()
        assert self.lib.oracle_restart(self.oracle, channel) == 0
        self.flush()
