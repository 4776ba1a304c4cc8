/* ctb_engine.h - the engine: one time base, the frame loop, media of every channel.
 *
 * Virtual time: ctb_engine_run runs frames in the caller's thread.  Wall clock: one C
 * thread runs a frame every 20 ms (timerfd) and writes an eventfd.  Commands go down one
 * ring and take effect at the next frame boundary; events come up another.  One Python
 * thread at a time may call; the frame thread never waits for it. */
#ifndef CTB_ENGINE_H
#define CTB_ENGINE_H
#include "ctb_dsp.h"

typedef struct ctb_engine ctb_engine_t;
typedef struct ctb_player ctb_player_t;
typedef struct ctb_recorder ctb_recorder_t;

/* operations of the engine itself, by the same command ring */
enum ctb_engine_op {
    CTB_EOP_PLAY = 1024,       /* data = ctb_player_t; a = 1: a digit stops it */
    CTB_EOP_PLAY_STOP = 1025,  /* cookie; a = reason; b = digit */
    CTB_EOP_PLAY_PAUSE = 1026, /* cookie; a = 1 pause, 0 resume */
    CTB_EOP_RECORD = 1027,     /* data = ctb_recorder_t */
    CTB_EOP_RECORD_STOP = 1028,/* cookie */
    CTB_EOP_TONE = 1029,       /* data = ctb_tone_t (copied when posted), cookie */
    CTB_EOP_TONE_STOP = 1030,
    CTB_EOP_DIAL = 1031,       /* text, a=on ms, b=off ms, c=level, d=twist, cookie */
    CTB_EOP_ARM = 1032,        /* a = CTB_ARM_ mask */
    CTB_EOP_LISTEN = 1033,     /* a = source board, b = source channel; a = -1: nothing */
    CTB_EOP_CONF_JOIN = 1034,  /* a = conference 0.., b = 1 talks and hears, 2 hears only */
    CTB_EOP_CONF_LEAVE = 1035, /* a = conference, -1 = whichever */
    CTB_EOP_LINE_PARAM = 1036, /* a = enum ctb_line_param, b = ms */
    CTB_EOP_TONE_PLAN = 1037,  /* channel ignored; the board's plan (copied when posted) */
    CTB_EOP_DTMF_PARAMS = 1038,/* data = ctb_dtmf_params_t (copied when posted) for this channel */
    CTB_EOP_RECORD_MASK = 1039,/* cookie; a = 1: record silence, 0: sound again */
    CTB_EOP_MF_PARAMS = 1040,  /* data = ctb_mf_params_t (copied when posted): what MF listens for
                                  when it is armed next */
    CTB_EOP_FAX_TONE = 1041,   /* a = enum ctb_fax_tone, b = level 0.01 dBm0, c = ms, cookie; TONE_DONE */
    CTB_EOP_CLEAN = 1042       /* line cleaning: a = echo tail ms (0 = off), b = 1 nonlinear processor,
                                  c = 1 tone disabler, d = 1 automatic level, e = its target 0.01 dBm0,
                                  f = most gain 0.01 dB */
};
enum ctb_line_param {
    CTB_LP_FLASH_MIN = 1, CTB_LP_FLASH_MAX = 2, CTB_LP_ON_HOOK = 3, CTB_LP_RING_TIMEOUT = 4,
    CTB_LP_BREAK_MIN = 5, CTB_LP_BREAK_MAX = 6, CTB_LP_CAS = 7, CTB_LP_OFF_HOOK = 8
};
#define CTB_MAX_BOARDS 8u
#define CTB_MAX_CONFERENCES 64u

typedef struct ctb_engine_stats {
    uint64_t frames;           /* engine frames so far */
    uint64_t jumped;           /* of them skipped by idle_hint */
    uint64_t events, events_lost, commands;
    uint64_t overruns, underruns;     /* frames later than the lead; player rings empty */
    uint64_t slips_rx, slips_tx;
    uint64_t leg_frames;       /* channel-frames with live sound either way */
    uint64_t armed_dtmf_frames, armed_tone_frames, armed_talk_frames;
    uint64_t recorded_bytes;
    uint64_t late_max_ns;      /* wall: worst lateness of a frame's start */
    uint64_t busy_ns;          /* wall: CPU time of the frame thread */
    uint64_t driver_ns;        /* wall: of it inside exchange and next_event */
    uint64_t media_hash;       /* of everything sent and received, when asked for */
    uint32_t players, recorders;      /* now open */
} ctb_engine_stats_t;

int  ctb_engine_new(ctb_engine_t **out, int wall, int lead_frames);
void ctb_engine_free(ctb_engine_t *engine);
/* library: path of the driver's shared library.  err: a message for a person. */
int  ctb_engine_board_open(ctb_engine_t *engine, const char *library, const char *spec,
                           uint32_t *board, char *err, size_t err_size);
int  ctb_engine_board_close(ctb_engine_t *engine, uint32_t board);
int  ctb_engine_board_info(ctb_engine_t *engine, uint32_t board, ctb_board_info_t *out);
int  ctb_engine_span_info(ctb_engine_t *engine, uint32_t board, uint32_t span, ctb_span_info_t *out);
int  ctb_engine_channel_info(ctb_engine_t *engine, uint32_t board, uint32_t channel, ctb_channel_info_t *out);
int  ctb_engine_alarms(ctb_engine_t *engine, uint32_t board, uint32_t span, uint32_t *out);
const char *ctb_engine_driver_name(ctb_engine_t *engine, uint32_t board);

/* virtual: run to max_frames or to the end of the first frame that posted an event */
int64_t ctb_engine_run(ctb_engine_t *engine, int64_t max_frames, int jump);
/* virtual: 1 = nothing armed or playing and no driver will ever report by itself */
int  ctb_engine_quiet(ctb_engine_t *engine);

int  ctb_engine_start(ctb_engine_t *engine);            /* wall: the frame thread */
int  ctb_engine_stop(ctb_engine_t *engine);
int  ctb_engine_eventfd(ctb_engine_t *engine);
void ctb_engine_set_deadline(ctb_engine_t *engine, uint64_t frame);  /* wake the loop then */
uint64_t ctb_engine_frames(ctb_engine_t *engine);
uint32_t ctb_engine_poll(ctb_engine_t *engine, ctb_event_t *out, uint32_t max);
int  ctb_engine_post(ctb_engine_t *engine, uint32_t board, uint32_t channel, uint32_t op,
                     const ctb_args_t *args);           /* -EAGAIN: ring full */
void ctb_engine_stats(ctb_engine_t *engine, ctb_engine_stats_t *out);
void ctb_engine_hash_media(ctb_engine_t *engine, int on);
void ctb_engine_stall_io(ctb_engine_t *engine, int frames);          /* fault: the disk stands still */
void ctb_engine_fail_alloc(int64_t nth);                /* tests: the nth allocation from now fails; -1 off */

/* ---- players: segments -> ring -> channel ------------------------------------- */
enum ctb_encoding { CTB_ENC_ALAW = 0, CTB_ENC_ULAW = 1, CTB_ENC_PCM16 = 2 };
int  ctb_player_new(ctb_player_t **out, ctb_engine_t *engine, uint64_t cookie);
int  ctb_player_add_memory(ctb_player_t *p, const uint8_t *data, uint64_t bytes, int encoding);
int  ctb_player_add_file(ctb_player_t *p, int fd, uint64_t offset, uint64_t bytes, int encoding);
void ctb_player_set(ctb_player_t *p, uint64_t skip_samples, int loops, int gain_cdb); /* loops 0 = for ever */
void ctb_player_free(ctb_player_t *p);                  /* after PLAY_DONE, or never posted */

/* ---- recorders: channel -> ring -> file or stream -------------------------------- */
int  ctb_recorder_new(ctb_recorder_t **out, ctb_engine_t *engine, uint64_t cookie, int sides,
                      uint32_t ring_ms);
int  ctb_recorder_file(ctb_recorder_t *r, int fd);      /* A-law WAV; header kept valid */
void ctb_recorder_limits(ctb_recorder_t *r, uint64_t max_samples, uint32_t silence_ms);
/* a stream recorder (no file): take up to size bytes; RECORD_DATA tells when */
uint64_t ctb_recorder_read(ctb_recorder_t *r, uint8_t *out, uint64_t size);
void ctb_recorder_free(ctb_recorder_t *r);              /* after RECORD_DONE */
#endif
