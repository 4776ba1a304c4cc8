/* mutant.c - a driver that stands before a good one and spoils one thing.
 *
 * spec: "WHAT N N N\nLIBRARY\nSPEC"; WHAT is one of the words in `faults`, N are its numbers (see
 * there).  Everything else is passed on, so that what a check finds is this fault. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctb_driver.h"

#define N CTB_FRAME_SAMPLES
#define ANY (-1)
#define HELD 256
#define EVERY_FRAMES 250u                /* 5 s: spurious events */

enum fault {
    NOTHING,
    LOSE,         /* event kind; its `a` or -1; every n-th of them (0: each) */
    REPEAT,       /* event kind: comes twice */
    LATE,         /* event kind; samples: its time is later by so many */
    INVERT,       /* event kind; mask: `a` ^= mask */
    REVERSE,      /* event kind: the four bits of `a` in the other order */
    SPILL,        /* event kind: also on the next channel */
    SPURIOUS,     /* event kind; channel: every 5 s, `a` 1 and 0 in turn */
    STALE,        /* event kind; channel: on the second opening and later, `a` = 1 at once */
    IGNORE,       /* operation; its `a` or -1: answered with 0, not done */
    REFUSE,       /* operation: -EIO */
    CHANGE,       /* operation; amount: `a` += amount */
    SHORTEN,      /* operation: the text loses its last character */
    TONE_HZ,      /* percent: frequencies of tones */
    TONE_ON,      /* ms: every burst of tones is longer */
    TX_DROP, RX_DROP,   /* every n-th frame with sound is silent */
    TX_FLIP, RX_FLIP,   /* one bit of one sample is wrong in every n-th frame with sound */
    TX_LATE, RX_LATE,   /* a frame late */
    TX_SWAP, RX_SWAP,   /* channels 2k and 2k+1 changed over */
    TX_HUM, RX_HUM,     /* silence is a faint noise */
    ECHO,         /* what we send comes back when the line is silent */
    LEAK,         /* what a channel receives is heard on the next, 20 dB weaker */
    STUTTER,      /* every n-th frame does not come */
    DIE,          /* once a frame did not come, none comes any more */
    HIDE, BOAST,  /* capability bits: not declared though there; declared though not there */
    LATENCY,      /* rx, tx: added to what is declared */
    SPAN,         /* channels say that they are in the next span */
    RENAME,       /* each description is another one */
    ANYONE,       /* channels and spans that are not there are described and obey */
    OPEN_ONCE,    /* a second opening fails, without a word */
    ALARMS        /* mask: get_alarms ^= mask */
};

static const struct { const char *name; enum fault fault; } faults[] = {
    {"nothing", NOTHING}, {"lose", LOSE}, {"repeat", REPEAT}, {"late", LATE}, {"invert", INVERT},
    {"reverse", REVERSE}, {"spill", SPILL}, {"spurious", SPURIOUS}, {"stale", STALE},
    {"ignore", IGNORE}, {"refuse", REFUSE}, {"change", CHANGE}, {"shorten", SHORTEN},
    {"tone_hz", TONE_HZ}, {"tone_on", TONE_ON}, {"tx_drop", TX_DROP}, {"rx_drop", RX_DROP},
    {"tx_flip", TX_FLIP}, {"rx_flip", RX_FLIP}, {"tx_late", TX_LATE}, {"rx_late", RX_LATE},
    {"tx_swap", TX_SWAP}, {"rx_swap", RX_SWAP}, {"tx_hum", TX_HUM}, {"rx_hum", RX_HUM},
    {"echo", ECHO}, {"leak", LEAK}, {"stutter", STUTTER}, {"die", DIE}, {"hide", HIDE},
    {"boast", BOAST}, {"latency", LATENCY}, {"span", SPAN}, {"rename", RENAME},
    {"anyone", ANYONE}, {"open_once", OPEN_ONCE}, {"alarms", ALARMS}};

struct ctb_board {
    void *library;
    const ctb_driver_t *inner;
    ctb_board_t *board;
    enum fault fault;
    long long n[3];
    uint32_t channels, words, count, calls, frames, described;
    bool dead;
    uint8_t *tx, *before;
    uint64_t *tx_live, *before_live;
    ctb_event_t extra[HELD];
    uint32_t extras;
};

static uint32_t openings;

/* ---- opening ------------------------------------------------------------------------- */

static int parse(ctb_board_t *m, char *text, char *err, size_t size)
{
    char word[32] = "";
    sscanf(text, "%31s %lli %lli %lli", word, &m->n[0], &m->n[1], &m->n[2]);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (!strcmp(word, faults[i].name)) {
            m->fault = faults[i].fault;
            return 0;
        }
    snprintf(err, size, "mutant: no fault is called '%s'", word);
    return -EINVAL;
}

static void mutant_close(ctb_board_t *m)
{
    if (m->board) m->inner->close(m->board);
    if (m->library) dlclose(m->library);
    free(m->tx);
    free(m->tx_live);
    free(m->before);
    free(m->before_live);
    free(m);
}

static int load(ctb_board_t *m, const char *library, const char *spec, char *err, size_t size)
{
    ctb_driver_get_fn get = NULL;
    ctb_board_info_t info;
    m->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (m->library) *(void **)&get = dlsym(m->library, "ctb_driver_get");
    m->inner = get ? get(CTB_ABI_VERSION) : NULL;
    if (!m->inner) {
        snprintf(err, size, "mutant: %s is no driver", library);
        return -ENOEXEC;
    }
    int rc = m->inner->open(&m->board, spec, err, size);
    if (rc < 0) {
        m->board = NULL;
        return rc;
    }
    if ((rc = m->inner->describe(m->board, &info)) < 0) return rc;
    m->channels = info.channels;
    m->words = (info.channels + 63) / 64;
    m->tx = calloc(m->channels, N);
    m->before = calloc(m->channels, N);
    m->tx_live = calloc(m->words, sizeof(uint64_t));
    m->before_live = calloc(m->words, sizeof(uint64_t));
    return m->tx && m->before && m->tx_live && m->before_live ? 0 : -ENOMEM;
}

static void add_event(ctb_board_t *m, const ctb_event_t *ev)
{
    if (m->extras < HELD) m->extra[m->extras++] = *ev;
}

static int mutant_open(ctb_board_t **out, const char *spec, char *err, size_t size)
{
    char copy[1024] = "";
    ctb_board_t *m = calloc(1, sizeof *m);
    if (!m) return -ENOMEM;
    strncpy(copy, spec, sizeof copy - 1);
    char *library = strchr(copy, '\n'), *rest = library ? strchr(library + 1, '\n') : NULL;
    int rc = -EINVAL;
    if (rest) {
        *library++ = 0;
        *rest++ = 0;
        rc = parse(m, copy, err, size);
        if (rc == 0 && m->fault == OPEN_ONCE && openings) rc = -EBUSY;
        if (rc == 0) rc = load(m, library, rest, err, size);
    }
    if (rc < 0) {
        mutant_close(m);
        return rc;
    }
    if (m->fault == STALE && openings) {
        ctb_event_t ev = {.channel = (uint32_t)m->n[1], .kind = (uint16_t)m->n[0], .a = 1,
                          .span = CTB_NO_SPAN};
        add_event(m, &ev);
    }
    openings++;
    *out = m;
    return 0;
}

/* ---- descriptions -------------------------------------------------------------------- */

static uint64_t capabilities(const ctb_board_t *m, uint64_t have)
{
    if (m->fault == HIDE) return have & ~(uint64_t)m->n[0];
    return m->fault == BOAST ? have | (uint64_t)m->n[0] : have;
}

static int mutant_describe(ctb_board_t *m, ctb_board_info_t *out)
{
    int rc = m->inner->describe(m->board, out);
    out->capabilities = capabilities(m, out->capabilities);
    if (m->fault == LATENCY) {
        out->latency_rx += (uint32_t)m->n[0];
        out->latency_tx += (uint32_t)m->n[1];
    }
    if (m->fault == RENAME) snprintf(out->serial, sizeof out->serial, "%u", openings + m->described++);
    return rc;
}

static int mutant_span(ctb_board_t *m, uint32_t span, ctb_span_info_t *out)
{
    return m->inner->describe_span(m->board, m->fault == ANYONE ? 0 : span, out);
}

static int mutant_channel(ctb_board_t *m, uint32_t channel, ctb_channel_info_t *out)
{
    int rc = m->inner->describe_channel(m->board, m->fault == ANYONE ? 0 : channel, out);
    out->capabilities = capabilities(m, out->capabilities);
    if (m->fault == SPAN && channel + 1 == m->channels && out->span) out->span--;
    return rc;
}

static int mutant_channel_open(ctb_board_t *m, uint32_t channel)
{
    return m->inner->channel_open ? m->inner->channel_open(m->board, channel) : 0;
}

static int mutant_channel_close(ctb_board_t *m, uint32_t channel)
{
    return m->inner->channel_close ? m->inner->channel_close(m->board, channel) : 0;
}

static int mutant_alarms(ctb_board_t *m, uint32_t span, uint32_t *out)
{
    int rc = m->inner->get_alarms ? m->inner->get_alarms(m->board, span, out) : -ENOSYS;
    if (m->fault == ALARMS && rc == 0) *out ^= (uint32_t)m->n[0];
    return rc;
}

/* ---- sound --------------------------------------------------------------------------- */

static bool lives(const uint64_t *live, uint32_t c) { return live[c >> 6] >> (c & 63) & 1; }

static int linear(uint8_t code)          /* ITU-T G.711 table 1, 13 bits */
{
    int bits = code ^ 0x55, exponent = bits >> 4 & 7, mantissa = bits & 15;
    int size = exponent ? (2 * mantissa + 33) << (exponent - 1) : 2 * mantissa + 1;
    return bits & 0x80 ? size : -size;
}

static uint8_t alaw(int value)
{
    uint8_t best = 0;
    int least = 1 << 20;
    for (int code = 0; code < 256; code++)
        if (abs(linear((uint8_t)code) - value) < least) {
            least = abs(linear((uint8_t)code) - value);
            best = (uint8_t)code;
        }
    return best;
}

/* one frame of one direction: every n-th silent or with a wrong bit, hum in silence */
static void spoil(ctb_board_t *m, uint8_t *sound, uint64_t *live, enum fault drop, enum fault flip,
                  enum fault hum)
{
    for (uint32_t c = 0; c < m->channels; c++) {
        uint64_t bit = 1ull << (c & 63);
        uint8_t *frame = sound + (size_t)c * N;
        if (m->fault == hum && !lives(live, c)) {
            for (uint32_t i = 0; i < N; i++) frame[i] = (i / 8) & 1 ? 0xF5 : 0x75;
            live[c >> 6] |= bit;
        }
        if ((m->fault != drop && m->fault != flip) || !lives(live, c)) continue;
        if (++m->count % (uint32_t)m->n[0]) continue;
        if (m->fault == drop) memset(frame, CTB_IDLE_ALAW, N);
        else frame[N / 2] ^= 0x10;
    }
}

static void exchange_pairs(ctb_board_t *m, uint8_t *sound, uint64_t *live)
{
    uint8_t frame[N];
    for (uint32_t c = 0; c + 1 < m->channels; c += 2) {
        bool a = lives(live, c), b = lives(live, c + 1);
        memcpy(frame, sound + (size_t)c * N, N);
        memcpy(sound + (size_t)c * N, sound + (size_t)(c + 1) * N, N);
        memcpy(sound + (size_t)(c + 1) * N, frame, N);
        if (a == b) continue;
        live[c >> 6] ^= 1ull << (c & 63);
        live[(c + 1) >> 6] ^= 1ull << ((c + 1) & 63);
    }
}

static void put_off(ctb_board_t *m, uint8_t *sound, uint64_t *live)
{
    for (size_t i = 0; i < (size_t)m->channels * N; i++) {
        uint8_t now = sound[i];
        sound[i] = m->before[i];
        m->before[i] = now;
    }
    for (uint32_t w = 0; w < m->words; w++) {
        uint64_t now = live[w];
        live[w] = m->before_live[w];
        m->before_live[w] = now;
    }
}

static void leak(ctb_board_t *m, uint8_t *rx, uint64_t *rx_live)
{
    for (uint32_t c = m->channels - 1; c > 0; c--) {
        uint8_t *to = rx + (size_t)c * N, *from = to - N;
        if (!lives(rx_live, c - 1)) continue;
        if (!lives(rx_live, c)) memset(to, CTB_IDLE_ALAW, N);
        for (uint32_t i = 0; i < N; i++) to[i] = alaw(linear(to[i]) + linear(from[i]) / 10);
        rx_live[c >> 6] |= 1ull << (c & 63);
    }
}

static void echo(ctb_board_t *m, uint8_t *rx, uint64_t *rx_live)
{
    for (uint32_t c = 0; c < m->channels; c++)
        if (lives(m->tx_live, c) && !lives(rx_live, c)) {
            memcpy(rx + (size_t)c * N, m->tx + (size_t)c * N, N);
            rx_live[c >> 6] |= 1ull << (c & 63);
        }
}

static void spurious(ctb_board_t *m)
{
    ctb_event_t ev = {.at = (uint64_t)m->frames * N, .channel = (uint32_t)m->n[1],
                      .kind = (uint16_t)m->n[0], .a = (int32_t)(m->frames / EVERY_FRAMES & 1),
                      .span = CTB_NO_SPAN};
    if (m->fault == SPURIOUS && m->frames && m->frames % EVERY_FRAMES == 0) add_event(m, &ev);
}

static int mutant_exchange(ctb_board_t *m, const uint8_t *tx, const uint64_t *tx_live, uint8_t *rx,
                           uint64_t *rx_live)
{
    if (m->dead || (m->fault == STUTTER && ++m->calls % (uint32_t)m->n[0] == 0)) return 0;
    memcpy(m->tx, tx, (size_t)m->channels * N);
    memcpy(m->tx_live, tx_live, m->words * sizeof(uint64_t));
    spoil(m, m->tx, m->tx_live, TX_DROP, TX_FLIP, TX_HUM);
    if (m->fault == TX_SWAP) exchange_pairs(m, m->tx, m->tx_live);
    if (m->fault == TX_LATE) put_off(m, m->tx, m->tx_live);
    int rc = m->inner->exchange(m->board, m->tx, m->tx_live, rx, rx_live);
    if (rc != 1) {
        m->dead = m->fault == DIE;
        return rc;
    }
    m->frames++;
    spurious(m);
    spoil(m, rx, rx_live, RX_DROP, RX_FLIP, RX_HUM);
    if (m->fault == RX_SWAP) exchange_pairs(m, rx, rx_live);
    if (m->fault == RX_LATE) put_off(m, rx, rx_live);
    if (m->fault == ECHO) echo(m, rx, rx_live);
    if (m->fault == LEAK) leak(m, rx, rx_live);
    return rc;
}

/* ---- events --------------------------------------------------------------------------- */

static bool is_lost(ctb_board_t *m, const ctb_event_t *ev)
{
    if (m->fault != LOSE || ev->kind != m->n[0] || (m->n[1] != ANY && ev->a != m->n[1])) return false;
    return m->n[2] < 2 || ++m->count % (uint32_t)m->n[2] == 0;
}

static int reversed(int bits)
{
    return (bits & 1) << 3 | (bits & 2) << 1 | (bits & 4) >> 1 | (bits & 8) >> 3;
}

static void spoil_event(ctb_board_t *m, ctb_event_t *ev)
{
    ctb_event_t other = *ev;
    if (ev->kind != m->n[0]) return;
    if (m->fault == LATE) ev->at += (uint64_t)m->n[1];
    if (m->fault == INVERT) ev->a ^= (int32_t)m->n[1];
    if (m->fault == REVERSE) ev->a = reversed(ev->a);
    if (m->fault == SPILL && other.channel + 1 < m->channels) {
        other.channel++;
        add_event(m, &other);
    }
    if (m->fault == REPEAT) {
        other.at += 2400;                /* 300 ms after the first */
        add_event(m, &other);
    }
}

static int mutant_event(ctb_board_t *m, ctb_event_t *out)
{
    if (m->extras) {
        *out = m->extra[--m->extras];
        return 1;
    }
    for (int rc; (rc = m->inner->next_event(m->board, out)) == 1;) {
        if (is_lost(m, out)) continue;
        spoil_event(m, out);
        return 1;
    }
    return 0;
}

/* ---- commands -------------------------------------------------------------------------- */

static int mutant_command(ctb_board_t *m, uint32_t channel, uint32_t op, const ctb_args_t *args)
{
    ctb_args_t a = *args;
    ctb_tone_t tone;
    bool this = op == (uint32_t)m->n[0];
    if (m->fault == IGNORE && this && (m->n[1] == ANY || a.a == m->n[1])) return 0;
    if (m->fault == ANYONE && op == CTB_OP_HOOK && channel >= m->channels) return 0;
    if (m->fault == REFUSE && this) return -EIO;
    if (m->fault == CHANGE && this && a.a) a.a += (int32_t)m->n[1];
    if (m->fault == SHORTEN && this && a.text[0]) a.text[strlen(a.text) - 1] = 0;
    if (op == CTB_OP_TONE && (m->fault == TONE_HZ || m->fault == TONE_ON)) {
        tone = *(const ctb_tone_t *)a.data;
        for (uint32_t i = 0; i < tone.steps; i++) {
            if (m->fault == TONE_ON && tone.step[i].on_ms) tone.step[i].on_ms += (uint32_t)m->n[0];
            for (int k = 0; m->fault == TONE_HZ && k < 2; k++)
                tone.step[i].hz[k] *= 1 + (float)m->n[0] / 100;
        }
        a.data = &tone;
    }
    return m->inner->command(m->board, channel, op, &a);
}

/* no skipping of quiet frames where a fault counts frames or makes noise */
static int64_t mutant_idle(ctb_board_t *m, int64_t most, int *never)
{
    (void)m, (void)most;
    *never = 0;
    return 0;
}

static const ctb_driver_t mutant = {
    .abi_version = CTB_ABI_VERSION, .struct_size = sizeof(ctb_driver_t), .name = "mutant",
    .version = "1", .open = mutant_open, .close = mutant_close, .describe = mutant_describe,
    .describe_span = mutant_span, .describe_channel = mutant_channel,
    .channel_open = mutant_channel_open, .channel_close = mutant_channel_close,
    .exchange = mutant_exchange, .next_event = mutant_event, .get_alarms = mutant_alarms,
    .idle_hint = mutant_idle, .command = mutant_command};

__attribute__((visibility("default"))) const ctb_driver_t *ctb_driver_get(uint32_t abi_version)
{
    return abi_version == CTB_ABI_VERSION ? &mutant : NULL;
}
