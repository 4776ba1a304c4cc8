/* player.c - sound from memory and files into a ring of A-law; the frame takes it from there.
 *
 * What: lists of segments (A-law, mu-law, PCM16 at 8 kHz), an offset, repeats.  How: the I/O
 * side (a thread on a wall clock, between frames in virtual time) keeps the ring at 2 s; the
 * frame path reads the ring only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine.h"

#define PLAYER_RING 32768          /* 4 s: chosen, so that 3.5 s are always there (see io.c) */
#define CHUNK CTB_IO_CHUNK

int ctb_player_new(ctb_player_t **out, ctb_engine_t *engine, uint64_t cookie)
{
    ctb_player_t *p = ctb_zalloc(sizeof *p);
    if (!p)
        return -ENOMEM;
    if (ctb_ring_alloc(&p->ring, PLAYER_RING) < 0) {
        free(p);
        return -ENOMEM;
    }
    p->engine = engine;
    p->cookie = cookie;
    p->loops = 1;
    p->gain_q12 = 4096;
    atomic_fetch_add(&engine->players, 1);
    *out = p;
    return 0;
}

static int add_segment(ctb_player_t *p, ctb_segment_t segment)
{
    if (segment.encoding < CTB_ENC_ALAW || segment.encoding > CTB_ENC_PCM16)
        return -EINVAL;
    if (p->segments == p->capacity) {
        uint32_t room = p->capacity ? p->capacity * 2 : 8;
        ctb_segment_t *grown = ctb_zalloc(room * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        if (p->segments)
            memcpy(grown, p->segment, p->segments * sizeof *grown);
        free(p->segment);
        p->segment = grown;
        p->capacity = room;
    }
    if (segment.encoding == CTB_ENC_PCM16)
        segment.bytes &= ~1ull;
    p->segment[p->segments++] = segment;
    return 0;
}

int ctb_player_add_memory(ctb_player_t *p, const uint8_t *data, uint64_t bytes, int encoding)
{
    return add_segment(p, (ctb_segment_t){.data = data, .fd = -1, .bytes = bytes, .encoding = encoding});
}

int ctb_player_add_file(ctb_player_t *p, int fd, uint64_t offset, uint64_t bytes, int encoding)
{
    p->has_file = true;
    return add_segment(p, (ctb_segment_t){.fd = fd, .offset = offset, .bytes = bytes, .encoding = encoding});
}

void ctb_player_set(ctb_player_t *p, uint64_t skip_samples, int loops, int gain_cdb)
{
    p->skip = skip_samples;
    p->loops = loops;
    p->endless = loops == 0;
    p->gain_cdb = gain_cdb;
    double factor = 1.0, step = gain_cdb < 0 ? 0.99884937 : 1.00115195;   /* 0.01 dB */
    for (int i = gain_cdb < 0 ? -gain_cdb : gain_cdb; i > 0; i--)
        factor *= step;
    p->gain_q12 = (int)(factor * 4096 + 0.5);
}

void ctb_player_free(ctb_player_t *p)
{
    if (!p)
        return;
    ctb_io_remove_player(p->engine, p);
    atomic_fetch_sub(&p->engine->players, 1);
    free(p->ring.data);
    free(p->segment);
    free(p);
}

static uint64_t sample_bytes(int encoding) { return encoding == CTB_ENC_PCM16 ? 2 : 1; }

/* The offset: whole segments are stepped over, the last one is entered. */
static void skip_ahead(ctb_player_t *p)
{
    while (p->skip && p->at_segment < p->segments) {
        ctb_segment_t *s = &p->segment[p->at_segment];
        uint64_t width = sample_bytes(s->encoding), left = (s->bytes - p->at_byte) / width;
        uint64_t take = p->skip < left ? p->skip : left;
        p->at_byte += take * width;
        p->skip -= take;
        if (p->at_byte >= s->bytes)
            p->at_segment++, p->at_byte = 0;
    }
    p->skip = 0;
}

/* Up to CHUNK raw bytes of the segment; -errno, 0 = the file is shorter than it said */
static int64_t fetch(ctb_player_t *p, const ctb_segment_t *s, uint64_t want, uint8_t *scratch,
                     const uint8_t **data)
{
    if (s->data) {
        *data = s->data + p->at_byte;
        return (int64_t)want;
    }
    ssize_t got = pread(s->fd, scratch, want, (off_t)(s->offset + p->at_byte));
    *data = scratch;
    return got < 0 ? -errno : got;
}

static uint64_t to_alaw(const uint8_t *in, uint64_t bytes, int encoding, uint8_t *out)
{
    if (encoding == CTB_ENC_PCM16) {
        int16_t linear[CHUNK / 2];
        memcpy(linear, in, bytes & ~1ull);       /* WAV is little-endian, and so are we */
        ctb_alaw_encode(out, linear, bytes / 2);
        return bytes / 2;
    }
    if (encoding == CTB_ENC_ULAW)
        ctb_ulaw_to_alaw(out, in, bytes);
    else
        memcpy(out, in, bytes);
    return bytes;
}

/* One pass more over the list?  An empty list that repeats for ever ends at once. */
static bool rewind_player(ctb_player_t *p)
{
    bool something = false;
    for (uint32_t i = 0; i < p->segments; i++)
        something |= p->segment[i].bytes > 0;
    if (!something || (!p->endless && ++p->loops_done >= p->loops))
        return false;
    p->at_segment = 0;
    p->at_byte = 0;
    return true;
}

static void end_of_sound(ctb_player_t *p, int error)
{
    if (error)
        atomic_store(&p->io_error, error);
    __atomic_store_n(&p->ring.closed, 1, __ATOMIC_RELEASE);
}

uint64_t ctb_player_fill(ctb_player_t *p, uint64_t budget)
{
    uint8_t raw[CHUNK], coded[CHUNK];
    uint64_t added = 0, room = p->ring.size - ctb_ring_used(&p->ring);
    if (budget > room)
        budget = room;             /* as it was at entry: the reader makes room meanwhile */
    skip_ahead(p);
    while (!__atomic_load_n(&p->ring.closed, __ATOMIC_ACQUIRE)) {
        if (p->at_segment >= p->segments) {
            if (rewind_player(p))
                continue;
            end_of_sound(p, 0);
            break;
        }
        const ctb_segment_t *s = &p->segment[p->at_segment];
        uint64_t width = sample_bytes(s->encoding), want = s->bytes - p->at_byte;
        if (want && added == budget)
            break;                 /* the rest next time */
        if (want > CHUNK)
            want = CHUNK;
        if (want > (budget - added) * width)
            want = (budget - added) * width;
        const uint8_t *data = NULL;
        int64_t got = want ? fetch(p, s, want, raw, &data) : 0;
        if (got < 0 || (want && got < (int64_t)width)) {
            end_of_sound(p, got < 0 ? (int)got : -EIO);
            break;
        }
        got -= got % (int64_t)width;
        if (got)
            added += ctb_ring_write(&p->ring, coded, to_alaw(data, (uint64_t)got, s->encoding, coded));
        p->at_byte += (uint64_t)got;
        if (p->at_byte >= s->bytes)
            p->at_segment++, p->at_byte = 0;
    }
    return added;
}
