/* dahdi.h - inside of the DAHDI driver; shared by its own source files only. */
#ifndef CTB_DAHDI_H
#define CTB_DAHDI_H
#include <stdbool.h>
#include "ctb_driver.h"
#include "dahdi_abi.h"

#define FRAME ((int)CTB_FRAME_SAMPLES)
#define BUFFERS 32                 /* the kernel's most: 640 ms may pass before sound is lost */
#define HDLC_BYTES 1024            /* chosen: 32 of them are the kernel's limit of 32768 bytes */
#define EVENTS 4096
#define WATCH_FRAMES 150           /* chosen: 3 s; the kernel tells no ring for 2 s after a call */
#define OPENING_MS 210             /* chosen: just over the kernel's longest dial pulse, 200 ms */

typedef struct ctb_dahdi_spec {
    char device[128];              /* folder of the device files */
    int prefill;                   /* frames that wait in the kernel before a sound */
    bool any_span, any_channel;
    bool span[DAHDI_MAX_SPANS + 1], channel[DAHDI_MAX_CHANNELS + 1];
} ctb_dahdi_spec_t;

typedef struct ctb_dahdi_span {
    int number;
    bool analog;
    uint32_t first, channels;      /* of the board's channels */
    uint32_t alarms;               /* enum ctb_alarm, as told */
    bool stale;                    /* an alarm event came: read them again */
    struct dahdi_spaninfo info;
} ctb_dahdi_span_t;

typedef struct ctb_dahdi_channel {
    int fd, number, timeslot, law;
    uint32_t index, span, type;
    unsigned sig;
    uint64_t capabilities;
    bool open, live, gone;
    bool starved;                  /* the stock of blocks to send ran out */
    int owed;                      /* blocks that came too late and wait in the kernel */
    bool dialling;
    uint64_t cookie;
    int watch;                     /* frames in which the line's level is to be sampled */
    int hook, ring, battery, polarity, cas;    /* as told */
} ctb_dahdi_channel_t;

struct ctb_board {
    ctb_dahdi_spec_t spec;
    int control;
    ctb_dahdi_span_t *span;
    ctb_dahdi_channel_t *channel;
    uint32_t spans, channels, law;
    uint64_t frames;
    uint32_t master;               /* the channel whose blocks are the time base */
    int stopped;                   /* frames in a row that the master did not bring */
    bool running, realign, behind, waited, removed;
    bool slipped_rx, slipped_tx;
    ctb_event_t event[EVENTS];
    uint32_t event_head, event_count;
};

/* spec.c */
int ctb_dahdi_spec_parse(ctb_dahdi_spec_t *out, const char *text, char *err, size_t size);
/* spans.c */
int ctb_dahdi_control_open(ctb_board_t *b, char *err, size_t size);
int ctb_dahdi_spans_read(ctb_board_t *b, char *err, size_t size);
int ctb_dahdi_alarms_read(ctb_board_t *b, uint32_t span, uint32_t *out);
uint32_t ctb_dahdi_alarm_bits(int kernel);
const char *ctb_dahdi_group(const char *path);
/* channel.c */
uint32_t ctb_dahdi_line_type(unsigned sig);
const char *ctb_dahdi_sig_name(unsigned sig);
int ctb_dahdi_channel_start(ctb_board_t *b, ctb_dahdi_channel_t *c, char *err, size_t size);
void ctb_dahdi_channel_stop(ctb_dahdi_channel_t *c);
/* events.c */
void ctb_dahdi_post(ctb_board_t *b, const ctb_event_t *event);
void ctb_dahdi_post_line(ctb_board_t *b, const ctb_dahdi_channel_t *c, int kind, int a, int ms_ago);
void ctb_dahdi_event(ctb_board_t *b, ctb_dahdi_channel_t *c, int event);
int ctb_dahdi_events_take(ctb_board_t *b, ctb_dahdi_channel_t *c);
void ctb_dahdi_levels_sample(ctb_board_t *b, ctb_dahdi_channel_t *c);
void ctb_dahdi_alarms_report(ctb_board_t *b);
/* frame.c */
int ctb_dahdi_exchange(ctb_board_t *b, const uint8_t *tx, const uint64_t *tx_live, uint8_t *rx, uint64_t *rx_live);
/* hdlc.c */
int ctb_dahdi_frame_send(ctb_board_t *b, uint32_t channel, const uint8_t *frame, size_t size);
int ctb_dahdi_frame_recv(ctb_board_t *b, uint32_t channel, uint8_t *frame, size_t size);
/* command.c */
int ctb_dahdi_command(ctb_board_t *b, uint32_t channel, uint32_t op, const ctb_args_t *a);
/* gain.c */
int ctb_dahdi_gain_table(uint8_t table[256], uint32_t law, int centibel);

#endif
