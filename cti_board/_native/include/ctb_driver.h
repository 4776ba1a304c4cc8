/* ctb_driver.h - the one door between the media plane and a card.
 *
 * A driver is a shared library that exports
 *
 *     const ctb_driver_t *ctb_driver_get(uint32_t abi_version);
 *
 * and returns NULL for a version it does not speak.  The engine calls every
 * function of one board from one thread at a time, never two at once.  No
 * function may block longer than a frame (20 ms), call back, or keep a pointer
 * past its return unless the operation below says so.
 *
 * Results: 0 (or a count) on success, -errno on failure.  Operations that a
 * driver does not have answer -ENOSYS, and the capability bit says so before.
 *
 * Time: sample numbers of the board's own counter, 8000 a second, 0 at open.
 * One exchange is one frame of CTB_FRAME_SAMPLES samples of every channel.
 */
#ifndef CTB_DRIVER_H
#define CTB_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#define CTB_ABI_VERSION   1u
#define CTB_RATE          8000u
#define CTB_FRAME_SAMPLES 160u      /* 20 ms at 8000 Hz */
#define CTB_IDLE_ALAW     0xD5u     /* ITU-T G.711: A-law code of zero, bits toggled */
#define CTB_MAX_CHANNELS  1024u
#define CTB_NO_CHANNEL    0xFFFFFFFFu
#define CTB_NO_SPAN       0xFFFFu

typedef struct ctb_board ctb_board_t;        /* the driver's own, opaque */

/* ---- what a board is ---------------------------------------------------- */

enum ctb_line_type {
    CTB_LINE_FXO = 1,      /* faces an exchange line: detects ring, takes the loop */
    CTB_LINE_FXS = 2,      /* faces a telephone: feeds battery, rings */
    CTB_LINE_E1_CAS = 3,   /* E1 timeslot with ABCD bits in timeslot 16 */
    CTB_LINE_E1_CLEAR = 4, /* E1 timeslot, bearer only (PRI) */
    CTB_LINE_E1_HDLC = 5   /* the D channel */
};

enum ctb_span_kind { CTB_SPAN_ANALOG = 1, CTB_SPAN_E1 = 2 };
enum ctb_law { CTB_LAW_ALAW = 0, CTB_LAW_ULAW = 1 };

/* capabilities of a board (board_info) or of one channel (channel_info) */
#define CTB_CAP_RING         (1ull << 0)   /* RING: can ring a telephone */
#define CTB_CAP_FLASH        (1ull << 1)   /* FLASH: can send a hook flash */
#define CTB_CAP_WINK         (1ull << 2)
#define CTB_CAP_PULSE_DIAL   (1ull << 3)
#define CTB_CAP_POLARITY     (1ull << 4)   /* FXS: can reverse; FXO: reports reversal */
#define CTB_CAP_LOOP_BREAK   (1ull << 5)   /* FXS: can break; FXO: reports loss of current */
#define CTB_CAP_CAS          (1ull << 6)
#define CTB_CAP_GAIN         (1ull << 7)
#define CTB_CAP_HDLC         (1ull << 8)
#define CTB_CAP_ALARMS       (1ull << 9)
#define CTB_CAP_SKIP         (1ull << 10)  /* idle_hint skips frames */
#define CTB_CAP_STREET       (1ull << 11)  /* far ends can be commanded (CTB_OP_STREET) */
#define CTB_CAP_PACED        (1ull << 12)  /* exchange blocks until the card's next frame */
/* on-board media: the card itself does the work */
#define CTB_CAP_BOARD_PLAY   (1ull << 16)
#define CTB_CAP_BOARD_RECORD (1ull << 17)
#define CTB_CAP_BOARD_TONE   (1ull << 18)
#define CTB_CAP_BOARD_DIAL   (1ull << 19)
#define CTB_CAP_BOARD_DTMF   (1ull << 20)  /* DETECT_ARM understands CTB_ARM_DTMF */
#define CTB_CAP_BOARD_TONES  (1ull << 21)  /* ... CTB_ARM_TONES */
#define CTB_CAP_BOARD_TALK   (1ull << 22)  /* ... CTB_ARM_TALK */
#define CTB_CAP_BOARD_LISTEN (1ull << 23)  /* cross-connects channels of the same board */
#define CTB_CAP_BOARD_CALLER_ID (1ull << 24) /* RING sends the caller's number itself; a card
                                              without it passes our sound to an on-hook line */

typedef struct ctb_board_info {
    char     model[48];
    char     serial[32];
    char     firmware[32];
    uint32_t spans;
    uint32_t channels;
    uint64_t capabilities;
    uint32_t law;                /* enum ctb_law of every sample exchanged */
    uint32_t latency_rx;         /* samples from the line to the frame that carries them */
    uint32_t latency_tx;         /* samples from the frame to the line */
    uint32_t time_uncertainty;   /* events' `at` is right to within this many samples */
    int32_t  rate_ppb;           /* the card's clock against nominal, parts per 10^9; 0 unknown */
} ctb_board_info_t;

typedef struct ctb_span_info {
    uint32_t kind;               /* enum ctb_span_kind */
    uint32_t first_channel;
    uint32_t channels;
    uint32_t crc4;               /* E1: CRC-4 multiframe on */
    char     name[32];
} ctb_span_info_t;

typedef struct ctb_channel_info {
    uint32_t span;
    uint32_t timeslot;           /* E1: 1..31; analog: port number from 0 */
    uint32_t type;               /* enum ctb_line_type */
    uint32_t reserved;
    uint64_t capabilities;
} ctb_channel_info_t;

/* ---- events: up -------------------------------------------------------------
 * A driver reports the bare line; the media plane debounces it.  A card whose
 * own processor recognises flashes, digits or tones reports those directly.   */

enum ctb_event_kind {
    /* raw line levels (driver -> media plane); `a` is the level */
    CTB_EV_RAW_HOOK = 1,       /* FXS: a=1 loop closed (off-hook), 0 open */
    CTB_EV_RAW_RING = 2,       /* FXO: a=1 ringing voltage present, 0 gone */
    CTB_EV_RAW_BATTERY = 3,    /* FXO: a=1 feed present, 0 lost */
    CTB_EV_RAW_POLARITY = 4,   /* FXO: a=0 normal, 1 reversed */
    CTB_EV_RAW_CAS = 5,        /* a = received bits, A=8 B=4 C=2 D=1 */
    CTB_EV_LINE_STATE = 6,     /* answer to CTB_OP_RESYNC: a=hook b=ring c=battery|polarity<<1 d=cas */

    /* line events (media plane -> Python), debounced */
    CTB_EV_RING_BEGIN = 16,    /* FXO: one ringing burst begins */
    CTB_EV_RING_END = 17,      /* FXO: the burst ends; a = its length, ms */
    CTB_EV_RING_STOPPED = 18,  /* FXO: no burst for ring_timeout: the caller gave up */
    CTB_EV_OFF_HOOK = 19,
    CTB_EV_ON_HOOK = 20,
    CTB_EV_HOOK_FLASH = 21,    /* a = length, ms */
    CTB_EV_WINK = 22,          /* FXO: polarity was reversed for 100..350 ms; a = length, ms;
                                  after the two POLARITY events */
    CTB_EV_POLARITY = 23,      /* a = 0 normal, 1 reversed */
    CTB_EV_LOOP_BREAK = 24,    /* FXO: current came back after a = ms (CPC) */
    CTB_EV_CAS = 25,           /* a = debounced bits, b = bits before */
    CTB_EV_PULSE_DIGIT = 26,   /* a = ASCII digit */
    CTB_EV_BATTERY = 27,       /* a=1 present, 0 lost for longer than a loop break */

    CTB_EV_DTMF_BEGIN = 32,    /* a = ASCII digit, b = level 0.01 dBm0, c = twist 0.01 dB,
                                  d = samples from the tone's first sample to `at` */
    CTB_EV_DTMF_END = 33,      /* a = ASCII digit, b = length in samples,
                                  d = samples from the tone's last sample to `at` */
    CTB_EV_TONE_ON = 34,       /* a = tone id of the plan, b = level 0.01 dBm0, d as above */
    CTB_EV_TONE_OFF = 35,      /* a = tone id, d = samples from its last burst to `at` */
    CTB_EV_TALK_BEGIN = 36,    /* a = level 0.01 dBm0; b = 0 received, 1 sent */
    CTB_EV_TALK_END = 37,      /* a = length, ms; b = 0 received, 1 sent */
    CTB_EV_CALLER_ID = 38,     /* text = number TAB date (MMDDhhmm) TAB name, cut to fit; any may
                                  be empty; a = 1 FSK, 2 DTMF; b = 1 checksum right; c = why there
                                  is no number: 'O' out of area, 'P' private, 0; d = samples from
                                  its end to `at` */
    CTB_EV_MF_BEGIN = 39,      /* a = R2 signal 1..15, b = level 0.01 dBm0 of the stronger tone,
                                  c = higher over lower tone 0.01 dB, d as DTMF_BEGIN */
    CTB_EV_MF_END = 40,        /* a = R2 signal, b = length in samples, d as DTMF_END */
    CTB_EV_FAX_ON = 41,        /* a = enum ctb_fax_tone (ctb_fax.h), b = level, d = samples since it began */
    CTB_EV_FAX_OFF = 42,       /* a = enum ctb_fax_tone, b = length in samples, d as DTMF_END */
    CTB_EV_BEEP_ON = 43,       /* a steady tone: a = 0.1 Hz, 0 two frequencies, b = level 0.01 dBm0,
                                  d = samples since it began */
    CTB_EV_BEEP_OFF = 44,      /* a = 0.1 Hz, b = length in samples, d as DTMF_END */

    CTB_EV_PLAY_DONE = 48,     /* cookie; a = enum ctb_done_reason, b = samples played,
                                  c = digit or -errno */
    CTB_EV_RECORD_DONE = 49,   /* cookie; a = reason, b = samples a side, c = -errno,
                                  d = samples lost; to Python: board_at = engine sample
                                  of the first one recorded */
    CTB_EV_TONE_DONE = 50,     /* cookie; a tone or a dialled string ended; a = reason */
    CTB_EV_RECORD_DATA = 51,   /* cookie; a stream recorder holds a = bytes to read */
    CTB_EV_MEDIA_OVERRUN = 52, /* cookie; a recorder's ring was full: a = samples lost so far */
    CTB_EV_MEDIA_UNDERRUN = 53,/* cookie; a player's ring was empty: a = samples of silence */
    CTB_EV_RECORD_ERROR = 54,  /* cookie; a = -errno; the recorder goes on without its file */

    CTB_EV_ALARM_RAISED = 64,  /* span; a = enum ctb_alarm bit */
    CTB_EV_ALARM_CLEARED = 65,
    CTB_EV_COMMAND_FAILED = 66,/* cookie; a = -errno, b = op */
    CTB_EV_BOARD_LOST = 67,    /* no frame for 200 ms, or exchange failed: a = -errno */
    CTB_EV_BOARD_BACK = 68,
    CTB_EV_OVERRUN = 69,       /* the event ring was full: a = events lost */
    CTB_EV_SLIP = 70,          /* a board's elastic buffer: a = +1 repeated, -1 dropped a frame */
    CTB_EV_LATE = 71,          /* wall clock: a = frames that came too late */

    CTB_EV_STREET = 128        /* a far end reports; channel = far end, a = enum
                                  ctb_street_event, b, c, d, text as that says */
};

enum ctb_done_reason {
    CTB_DONE_END = 0,          /* all of it was played / limit reached */
    CTB_DONE_STOPPED = 1,      /* by command */
    CTB_DONE_DIGIT = 2,        /* a digit stopped it */
    CTB_DONE_ERROR = 3,
    CTB_DONE_SILENCE = 4,      /* recorder: final silence */
    CTB_DONE_CLOSED = 5        /* the channel or board was closed */
};

enum ctb_alarm {               /* ITU-T G.775, G.732; bits */
    CTB_ALARM_LOS = 1, CTB_ALARM_LFA = 2, CTB_ALARM_LMFA = 4,
    CTB_ALARM_AIS = 8, CTB_ALARM_RAI = 16
};

typedef struct ctb_event {
    uint64_t at;               /* from a driver: board sample; to Python: engine sample */
    uint64_t board_at;         /* to Python: the board's own sample */
    uint64_t seq;              /* to Python: counts every event; gaps are losses */
    uint64_t cookie;
    uint32_t board;            /* filled by the engine */
    uint32_t channel;          /* board's channel number, or CTB_NO_CHANNEL */
    uint16_t kind;             /* enum ctb_event_kind */
    uint16_t span;             /* or CTB_NO_SPAN */
    int32_t  a, b, c, d;
    char     text[60];         /* NUL-terminated */
} ctb_event_t;

/* ---- commands: down ----------------------------------------------------- */

enum ctb_op {
    CTB_OP_HOOK = 1,           /* FXO: a=1 take the loop, 0 leave it */
    CTB_OP_RING = 2,           /* FXS: a=on ms, b=off ms (repeats), 0 = stop; text = caller
                                  number, c = 0 none, 1 FSK after ring 1, 2 DTMF before it
                                  (CTB_CAP_BOARD_CALLER_ID; else not looked at) */
    CTB_OP_FLASH = 3,          /* FXO: a = ms */
    CTB_OP_WINK = 4,           /* a = ms */
    CTB_OP_PULSE_DIAL = 5,     /* text = digits, a = pulses/s x 10, b = break %; TONE_DONE */
    CTB_OP_CAS = 6,            /* a = bits to send */
    CTB_OP_POLARITY = 7,       /* FXS: a = 0 normal, 1 reversed */
    CTB_OP_LOOP_BREAK = 8,     /* FXS: a = ms without feed */
    CTB_OP_GAIN = 9,           /* a = rx, b = tx, 0.01 dB */
    CTB_OP_ALARM = 10,         /* span in channel: a = enum ctb_alarm bits to send */
    CTB_OP_RESYNC = 11,        /* post CTB_EV_LINE_STATE for this channel */

    /* on-board media */
    CTB_OP_PLAY_START = 32,    /* data = ctb_ring_t of A-law, cookie; ends when the ring is
                                  closed and empty: PLAY_DONE.  The ring lives until then. */
    CTB_OP_PLAY_STOP = 33,     /* cookie, a = reason, b = the digit that is the reason, or 0 */
    CTB_OP_PLAY_PAUSE = 34,    /* cookie, a = 1 pause, 0 resume */
    CTB_OP_RECORD_START = 35,  /* data = ctb_ring_t, cookie; a = sides: 1 rx, 2 rx+tx
                                  interleaved; the ring lives until RECORD_DONE */
    CTB_OP_RECORD_STOP = 36,   /* cookie, a = reason */
    CTB_OP_TONE = 37,          /* data = ctb_tone_t, cookie (copied); TONE_DONE */
    CTB_OP_TONE_STOP = 38,
    CTB_OP_DIAL = 39,          /* text = DTMF digits, a=on ms, b=off ms, c=level 0.01 dBm0,
                                  d = twist 0.01 dB (high over low); TONE_DONE */
    CTB_OP_DETECT_ARM = 40,    /* a = CTB_ARM_ mask now wanted */
    CTB_OP_LISTEN = 41,        /* a = source channel of this board, -1 = nothing */
    CTB_OP_RECORD_MASK = 43,   /* cookie, a = 1: silence is recorded until 0; goes with
                                  CTB_CAP_BOARD_RECORD.  A card that refuses has its recording
                                  ended: a secret is never recorded */
    CTB_OP_TONE_PLAN = 42,     /* data = ctb_tone_t[], size = bytes: what ARM_TONES looks for */

    CTB_OP_STREET = 128        /* a = enum ctb_street_op (ctb_street.h); channel = far end */
};

#define CTB_ARM_DTMF  1u
#define CTB_ARM_TONES 2u
#define CTB_ARM_TALK  4u
#define CTB_ARM_FSK   8u
#define CTB_ARM_MF    16u      /* R2 signals */
#define CTB_ARM_FAX   32u      /* calling and answer tones of fax and data */
#define CTB_ARM_TALK_TX 64u    /* talk in what we send: TALK_* with b = 1 */
#define CTB_ARM_BEEP  128u     /* steady tones of any frequency */

typedef struct ctb_args {
    int32_t     a, b, c, d, e, f;
    uint64_t    cookie;
    const void *data;          /* stays valid as long as the op says; else copied */
    uint64_t    size;
    char        text[64];
} ctb_args_t;

/* a tone and its cadence; frequencies 0 = absent; on/off 0,0 = continuous */
#define CTB_TONE_STEPS 8
typedef struct ctb_tone_step {
    float    hz[2];
    float    dbm0[2];
    uint32_t on_ms, off_ms;    /* off_ms follows on_ms */
} ctb_tone_step_t;

typedef struct ctb_tone {
    uint32_t        id;        /* of the plan */
    uint32_t        steps;     /* 1..CTB_TONE_STEPS */
    uint32_t        cycles;    /* 0 = for ever */
    uint32_t        min_cycles;/* detector: cycles to hear before TONE_ON */
    ctb_tone_step_t step[CTB_TONE_STEPS];
} ctb_tone_t;

/* one writer, one reader, bytes; size is a power of two */
typedef struct ctb_ring {
    uint8_t *data;
    uint64_t size;
    uint64_t head;             /* written so far; store-release by the writer */
    uint64_t tail;             /* read so far; store-release by the reader */
    uint32_t closed;           /* writer: no more will come */
    uint32_t lost;             /* writer: bytes that found no room */
} ctb_ring_t;

/* ---- the driver --------------------------------------------------------- */

typedef struct ctb_driver {
    uint32_t    abi_version;   /* CTB_ABI_VERSION it was built with */
    uint32_t    struct_size;   /* sizeof(ctb_driver_t) it was built with */
    const char *name;
    const char *version;

    /* spec: the text after "scheme:"; err: a message for a person, NUL-terminated */
    int  (*open)(ctb_board_t **out, const char *spec, char *err, size_t err_size);
    void (*close)(ctb_board_t *board);
    int  (*describe)(ctb_board_t *board, ctb_board_info_t *out);
    int  (*describe_span)(ctb_board_t *board, uint32_t span, ctb_span_info_t *out);
    int  (*describe_channel)(ctb_board_t *board, uint32_t channel, ctb_channel_info_t *out);
    int  (*channel_open)(ctb_board_t *board, uint32_t channel);
    int  (*channel_close)(ctb_board_t *board, uint32_t channel);

    /* Swap one frame.  tx and rx: channels x CTB_FRAME_SAMPLES bytes, channel-major.
     * tx_live: bit c (word c/64) set = tx holds sound for channel c; clear = idle,
     * its bytes are not to be read.  The driver sets rx_live likewise; an rx frame
     * whose bit is clear is silence and its bytes need not be written.
     * 1 = a frame went by, 0 = the card had none (stopped clock), -errno. */
    int  (*exchange)(ctb_board_t *board, const uint8_t *tx, const uint64_t *tx_live,
                     uint8_t *rx, uint64_t *rx_live);

    int  (*next_event)(ctb_board_t *board, ctb_event_t *out);     /* 1 = one, 0 = none */
    int  (*get_alarms)(ctb_board_t *board, uint32_t span, uint32_t *out);

    /* With CTB_CAP_SKIP: let up to max_frames go by in which the line would be silent,
     * tx idle and no event posted.  Returns how many went by (their exchange is not
     * called).  *never = 1: without a command nothing will ever happen here. */
    int64_t (*idle_hint)(ctb_board_t *board, int64_t max_frames, int *never);

    int  (*command)(ctb_board_t *board, uint32_t channel, uint32_t op, const ctb_args_t *args);

    int  (*frame_send)(ctb_board_t *board, uint32_t channel, const uint8_t *frame, size_t size);
    int  (*frame_recv)(ctb_board_t *board, uint32_t channel, uint8_t *frame, size_t size);
} ctb_driver_t;

typedef const ctb_driver_t *(*ctb_driver_get_fn)(uint32_t abi_version);

#endif
