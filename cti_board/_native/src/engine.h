/* engine.h - inside of the engine; shared by its own source files only. */
#ifndef CTB_ENGINE_INTERNAL_H
#define CTB_ENGINE_INTERNAL_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "ctb_alloc.h"
#include "ctb_agc.h"
#include "ctb_beep.h"
#include "ctb_callerid.h"
#include "ctb_echo.h"
#include "ctb_engine.h"
#include "ctb_fax.h"
#include "ctb_line.h"
#include "ctb_mf.h"

#define FRAME 160                  /* CTB_FRAME_SAMPLES, as a plain int */
_Static_assert(FRAME == CTB_FRAME_SAMPLES, "frame size");
#define CHAN_PLAYERS 4
#define CHAN_RECORDERS 3
#define EVENT_RING 16384u          /* power of two */
#define COMMAND_RING 8192u
#define SCRATCH 8192u              /* events of one frame before they are sorted */
#define CTB_IO_CHUNK 4096u         /* chosen: half a second of one file, then the next one */
#define LOST_AFTER_FRAMES 10       /* chosen: 200 ms without a frame is a lost board */
#define CONF_MEMBERS 32

/* ---- media objects */
typedef struct ctb_segment {
    const uint8_t *data;           /* memory, or NULL: fd */
    int fd;
    int encoding;
    uint64_t offset, bytes;
} ctb_segment_t;

struct ctb_player {
    ctb_engine_t *engine;
    uint64_t cookie;
    ctb_segment_t *segment;
    uint32_t segments, capacity;
    uint32_t at_segment;           /* the reader's place: I/O side */
    uint64_t at_byte;
    uint64_t skip;
    int loops, loops_done, gain_cdb;
    bool has_file, endless;
    ctb_ring_t ring;
    _Atomic int io_error;          /* -errno of a read */
    bool paused, stop_on_digit, on_board, started, stop_sent;
    int gain_q12;                  /* frame side: gain as a factor x 4096 */
    uint64_t played;
    struct ctb_player *next;       /* I/O list */
    bool listed, busy;             /* busy: the I/O side works on it without the lock */
};

struct ctb_recorder {
    ctb_engine_t *engine;
    uint64_t cookie;
    int sides, fd;                 /* fd -1: stream */
    ctb_ring_t ring;
    uint64_t max_samples, silence_samples, silent;
    bool mask, on_board, notified, stop_sent, limited;   /* limited: reason is ours, not the card's */
    _Atomic bool flushed;          /* I/O: everything is in the file */
    _Atomic int io_error;
    _Atomic uint64_t refused;      /* bytes that the file did not take */
    int error_reported;
    uint32_t board, channel;
    int reason;                    /* once closing */
    bool closing;
    uint64_t samples, lost, lost_reported, began_at;   /* began_at: engine sample of the first */
    uint64_t written;              /* I/O: bytes in the file after the header */
    struct ctb_recorder *next;     /* I/O list */
    bool listed, busy;
    struct ctb_recorder *next_active;
};

/* ---- detectors: one row each in detector.c, by the number of their CTB_ARM_ bit */
enum { CTB_DETECTORS = 8, CTB_DETECTOR_TONES = 1, CTB_DETECTOR_FSK = 3 };

struct ctb_chan;
typedef struct ctb_detector {
    uint64_t card;                 /* capability of a card that does this itself; 0 = none does */
    bool sent;                     /* hears what we send */
    int  (*alloc)(void **out);     /* NULL: not a bank */
    void (*free)(void *bank);
    void (*arm)(void *bank, int lane, const struct ctb_chan *c);
    int  (*run)(void *bank, const float (*in)[CTB_LANES], uint32_t mask, ctb_hit_t *hits, int max);
} ctb_detector_t;
extern const ctb_detector_t ctb_detectors[CTB_DETECTORS];

typedef struct ctb_clean {         /* line cleaning of one channel */
    bool echo, level;
    ctb_echo_params_t echo_params;
    ctb_agc_params_t agc_params;
} ctb_clean_t;

/* ---- one channel */
typedef struct ctb_chan {
    uint32_t board, number;
    uint64_t caps;
    ctb_line_t line;
    ctb_player_t *player[CHAN_PLAYERS];
    ctb_recorder_t *recorder[CHAN_RECORDERS];
    uint32_t players, recorders;
    ctb_tone_gen_t *tone;          /* storage from board open */
    ctb_dial_gen_t *dial;
    ctb_fax_gen_t *fax;
    uint64_t tone_cookie, dial_cookie, fax_cookie;
    bool tone_on, dial_on, fax_on;
    int32_t listen_board, listen_channel;
    int32_t conf;                  /* -1 none */
    int conf_mode;
    uint32_t armed;                /* by the host */
    uint32_t wanted;               /* asked for, host and card together */
    int32_t group, lane;           /* -1: none */
    ctb_dtmf_params_t dtmf;
    ctb_mf_params_t mf;
    ctb_clean_t clean;             /* line cleaning that is wanted */
    int32_t echo_delay;            /* as the canceller was armed, samples; -1 not armed */
    uint32_t silent_frames;        /* no sound either way for so long: cleaning may rest */
    ctb_fsk_rx_t *fsk;
    int32_t tx_place;              /* index in the engine's list of speaking channels, -1 */
    int32_t line_place;            /* index in the list of lines with a timer, -1 */
    /* what Python has been told, so that lost events can be made good */
    ctb_channel_info_t info;
    bool opened;
    int32_t told_hook, told_cas, told_battery, told_polarity, told_ring;
    int32_t told_digit, told_tone, told_mf, told_fax;   /* begun and not ended; 0 none */
    int32_t now_digit, now_tone, now_mf, now_fax;
    int32_t told_beep, told_talk, told_talk_tx, now_beep, now_talk, now_talk_tx;
} ctb_chan_t;

typedef struct ctb_group {         /* 16 lanes of detectors of one board */
    void *bank[CTB_DETECTORS];     /* as detector.c numbers them */
    uint32_t mask[CTB_DETECTORS];  /* lanes that it hears */
    ctb_echo_bank_t *echo;
    ctb_agc_bank_t *agc;
    ctb_chan_t *chan[CTB_LANES];
    uint32_t used, echo_mask, agc_mask;
} ctb_group_t;

typedef struct ctb_slot {          /* one opened board */
    bool open;
    void *library;
    const ctb_driver_t *driver;
    ctb_board_t *board;
    ctb_board_info_t info;
    uint32_t channels, words;
    ctb_chan_t *chan;
    uint8_t *tone_storage;
    uint8_t *rx, *tx;              /* channels x FRAME, A-law always */
    uint64_t *rx_live, *tx_live;
    uint8_t *law_rx, *law_tx;      /* mu-law boards: what goes over the wire */
    /* boards whose clock is not the engine's: elastic buffers of whole frames */
    bool elastic;
    int64_t phase;                 /* parts per 10^9 of a frame owed to the board */
    uint8_t *fifo_rx, *fifo_tx;
    uint64_t *fifo_rx_live, *fifo_tx_live;
    uint32_t rx_fill, tx_fill;
    uint64_t frames;               /* the board's own */
    uint32_t missed;               /* frames in a row that did not come */
    bool lost;
    ctb_group_t *group;
    uint32_t groups;
    ctb_tone_t plan[32];
    uint32_t plan_tones;
    uint64_t alarms_told[64];
    uint32_t alarms_now[64];       /* kept by the frame thread, read by the other */
    ctb_span_info_t span[64];
} ctb_slot_t;

typedef struct ctb_conf {
    ctb_chan_t *member[CONF_MEMBERS];
    uint32_t members;
    int32_t sum[FRAME];
    int16_t own[CONF_MEMBERS][FRAME];
} ctb_conf_t;

typedef struct ctb_cmd {
    uint32_t board, channel, op, owned;    /* owned: args.data was copied, free it later */
    ctb_args_t args;
} ctb_cmd_t;

struct ctb_engine {
    bool wall;
    int lead_frames;
    uint64_t frames;               /* atomic access: read by the other thread */
    ctb_slot_t slot[CTB_MAX_BOARDS];
    ctb_conf_t *conf;
    /* work lists */
    ctb_chan_t *speaking[CTB_MAX_BOARDS * CTB_MAX_CHANNELS];
    uint32_t speakings;
    ctb_chan_t *timing[CTB_MAX_BOARDS * CTB_MAX_CHANNELS];
    uint32_t timings;
    ctb_recorder_t *active_recorders;
    uint32_t armed[CTB_DETECTORS]; /* channels that wait for it, host and card together */
    uint32_t armed_any, cleaning, conferring;
    uint64_t sound_frame;          /* the last frame in which a board with an armed line had sound */
    /* rings */
    ctb_event_t *ring;
    uint64_t ring_head, ring_tail, seq;
    ctb_event_t *scratch;
    uint32_t scratched;
    ctb_event_t *must;             /* completions that found the ring full */
    uint32_t musts, must_room;
    uint64_t lost;                 /* since the last Overrun */
    ctb_cmd_t *cmd;
    uint64_t cmd_head, cmd_tail;
    void **garbage;
    uint64_t garbage_head, garbage_tail;
    /* wall clock */
    pthread_t frame_thread, io_thread, watch_thread;
    bool running, io_running, watching;
    _Atomic uint64_t progress_ns;  /* when the frame thread last began or ended an exchange */
    _Atomic int exchanging;        /* the board inside whose exchange it is, -1 none */
    _Atomic int hung;              /* board + 1 that the watchdog gave up, 0 none */
    int hung_told;                 /* the same, as told to Python */
    _Atomic bool stopping;
    int timer_fd, event_fd, io_fd;
    _Atomic int master;            /* wall: the board whose exchange paces the frames, -1 the timer */
    uint64_t deadline;
    pthread_mutex_t gate;          /* held by the frame thread in a frame; by board open/close */
    _Atomic int gate_wanted;       /* the other thread waits for it: a mutex alone is not fair */
    /* media input and output on files */
    pthread_mutex_t io_lock;       /* the lists; never held while a file is read or written */
    pthread_cond_t io_idle;
    ctb_player_t *io_players;
    ctb_recorder_t *io_recorders;
    _Atomic bool io_wanted;
    _Atomic uint64_t io_stalled_until;     /* frame number */
    _Atomic uint32_t players, recorders;
    bool hashing;
    ctb_engine_stats_t stats;
};

/* events.c */
int  ctb_events_alloc(ctb_engine_t *e);
void ctb_emit(ctb_engine_t *e, const ctb_event_t *ev);      /* into this frame's scratch */
void ctb_emit_simple(ctb_engine_t *e, uint16_t kind, uint32_t board, uint32_t channel,
                     uint64_t at, uint64_t cookie, int a, int b, int c, int d);
uint32_t ctb_events_flush(ctb_engine_t *e);                  /* sort and post; how many */
void ctb_events_recover(ctb_engine_t *e);

/* command.c */
void ctb_commands_run(ctb_engine_t *e);
void ctb_channel_quiet(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c);   /* end all its media */
void ctb_speaking_update(ctb_engine_t *e, ctb_chan_t *c);
void ctb_timing_update(ctb_engine_t *e, ctb_chan_t *c);
void ctb_end_player(ctb_engine_t *e, ctb_chan_t *c, int i, int reason, int detail, uint64_t at);
void ctb_stop_on_digit(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, int digit, uint64_t at);

/* mix.c */
void ctb_mix_frame(ctb_engine_t *e);

/* detect.c */
int  ctb_detect_arm(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, uint32_t mask);
int  ctb_groups_alloc(ctb_slot_t *s);
void ctb_groups_free(ctb_slot_t *s);
int  ctb_groups_plan(ctb_slot_t *s);                         /* -EINVAL: no bank can hear it */
void ctb_detect_frame(ctb_engine_t *e);
void ctb_group_lanes(float (*out)[CTB_LANES], const ctb_slot_t *s, const ctb_group_t *g, bool sent);
bool ctb_lane_hold(ctb_slot_t *s, ctb_chan_t *c);            /* false: no lane is free */
void ctb_lane_release(ctb_slot_t *s, ctb_chan_t *c);         /* when nothing needs it any more */

/* clean.c */
int  ctb_clean_set(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a);
void ctb_clean_frame(ctb_engine_t *e);
bool ctb_host_sends_all(const ctb_chan_t *c);
bool ctb_clean_resting(const ctb_engine_t *e);               /* nothing to clean or to forget */

/* board.c */
void ctb_boards_exchange(ctb_engine_t *e);
void ctb_line_events(ctb_engine_t *e, ctb_slot_t *s, uint32_t board, ctb_chan_t *c, ctb_event_t *out, int n,
                     uint64_t base);
void ctb_board_event(ctb_engine_t *e, ctb_slot_t *s, uint32_t board, const ctb_event_t *raw, uint64_t base);

/* recorder.c, player.c, io.c */
int  ctb_ring_alloc(ctb_ring_t *r, uint64_t bytes);
void ctb_recorders_frame(ctb_engine_t *e);
void ctb_recorder_done(ctb_engine_t *e, ctb_recorder_t *r, int reason, uint64_t at);
void ctb_recorder_drain(ctb_recorder_t *r);                  /* I/O side */
uint64_t ctb_player_fill(ctb_player_t *p, uint64_t budget);   /* I/O side; bytes that it added */
void ctb_io_add_player(ctb_engine_t *e, ctb_player_t *p);
void ctb_io_add_recorder(ctb_engine_t *e, ctb_recorder_t *r);
void ctb_io_remove_player(ctb_engine_t *e, ctb_player_t *p);
void ctb_io_remove_recorder(ctb_engine_t *e, ctb_recorder_t *r);
void ctb_io_service(ctb_engine_t *e);                        /* one pass over both lists */
void ctb_io_want(ctb_engine_t *e);
int  ctb_thread_start(pthread_t *thread, void *(*run)(void *), ctb_engine_t *e);
int  ctb_io_start(ctb_engine_t *e);
void ctb_io_stop(ctb_engine_t *e);

/* engine.c */
void ctb_gate_take(ctb_engine_t *e);                         /* the Python side, seldom */
uint32_t ctb_frame(ctb_engine_t *e);                         /* one frame; events posted */

static inline ctb_slot_t *ctb_slot(ctb_engine_t *e, uint32_t board)
{
    return board < CTB_MAX_BOARDS && e->slot[board].open ? &e->slot[board] : NULL;
}
static inline bool ctb_bit(const uint64_t *words, uint32_t i) { return words[i >> 6] >> (i & 63) & 1; }
static inline void ctb_set_bit(uint64_t *words, uint32_t i) { words[i >> 6] |= 1ull << (i & 63); }
static inline uint64_t ctb_ring_used(const ctb_ring_t *r)
{
    return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
}
uint64_t ctb_ring_write(ctb_ring_t *r, const uint8_t *data, uint64_t n);   /* what fitted */
uint64_t ctb_ring_read(ctb_ring_t *r, uint8_t *out, uint64_t n);
#endif
