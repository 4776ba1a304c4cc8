/* oracle.c - libspandsp for the judges: loops over its receivers in C, so that its speed is its own.
 *
 * Compiled by tests/judge/oracle.py; never part of the product.  A receiver is fed in chunks and
 * each of its reports is written down with the number of samples it had been given by then. */
#define SPANDSP_EXPOSE_INTERNAL_STRUCTURES
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <spandsp.h>

enum { RX_DTMF, RX_TONES, RX_MODEM, RX_R2, RX_ADSI };
enum { FRAME = 160, LANES = 16, ADSI_ROOM = 65536 };

typedef struct oracle_event {
    int64_t at;                    /* samples fed when it was reported, to one chunk */
    int32_t code, level, delay;
} oracle_event_t;

typedef struct oracle_rx {
    int kind;
    void *state;
    int64_t now;
    oracle_event_t *out;
    int count, max, used;
    uint8_t bytes[ADSI_ROOM];      /* messages one after another; event: code = size, level = start */
} oracle_rx_t;

/* ---- its prints: Debian's 0.0.6 has an echo canceller that prints two lines a sample.  The
 * library's entries for printf lead to a function that does nothing, so that its speed is that of
 * its sums and our table stays readable. ---- */

static int no_print(int flag, const char *format, ...)
{
    (void) flag;
    (void) format;
    return 0;
}

static void set_entry(void **entry, void *value)
{
    uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE), start = (uintptr_t) entry & ~(page - 1);
    if (mprotect((void *) start, page, PROT_READ | PROT_WRITE) == 0)
        *entry = value;
}

static int quiet_object(struct dl_phdr_info *info, size_t size, void *count)
{
    const ElfW(Dyn) *dynamic = NULL;
    const ElfW(Rela) *calls = NULL;
    const ElfW(Sym) *symbols = NULL;
    const char *names = NULL;
    size_t bytes = 0;
    (void) size;
    if (!strstr(info->dlpi_name, "libspandsp"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            dynamic = (const void *) (info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++)
        switch (dynamic->d_tag) {
        case DT_JMPREL: calls = (const void *) dynamic->d_un.d_ptr; break;
        case DT_PLTRELSZ: bytes = dynamic->d_un.d_val; break;
        case DT_SYMTAB: symbols = (const void *) dynamic->d_un.d_ptr; break;
        case DT_STRTAB: names = (const void *) dynamic->d_un.d_ptr;
        }
    for (size_t i = 0; calls && symbols && names && i < bytes / sizeof *calls; i++)
        if (strcmp(names + symbols[ELF64_R_SYM(calls[i].r_info)].st_name, "__printf_chk") == 0) {
            set_entry((void **) (info->dlpi_addr + calls[i].r_offset), (void *) no_print);
            ++*(int *) count;
        }
    return 0;
}

static int oracle_quiet(void)   /* how many entries were found */
{
    int count = 0;
    dl_iterate_phdr(quiet_object, &count);
    return count;
}

/* ---- receivers ---- */

static void report(void *user, int code, int level, int delay)
{
    oracle_rx_t *rx = user;
    if (rx->count < rx->max)
        rx->out[rx->count++] = (oracle_event_t) { rx->now, code, level, delay };
}

static void put_message(void *user, const uint8_t *message, int size)
{
    oracle_rx_t *rx = user;
    if (size < 0 || rx->used + size > ADSI_ROOM)
        return;
    memcpy(rx->bytes + rx->used, message, (size_t) size);
    report(rx, size, rx->used, 0);
    rx->used += size;
}

static void oracle_rx_free(oracle_rx_t *rx)
{
    if (rx && rx->state)
        switch (rx->kind) {
        case RX_DTMF: dtmf_rx_free(rx->state); break;
        case RX_TONES: super_tone_rx_free(rx->state); break;
        case RX_MODEM: modem_connect_tones_rx_free(rx->state); break;
        case RX_R2: r2_mf_rx_free(rx->state); break;
        default: adsi_rx_free(rx->state);
        }
    free(rx);
}

static void *start(oracle_rx_t *rx, const int *args, void *descriptor)
{
    dtmf_rx_state_t *dtmf;
    switch (rx->kind) {
    case RX_DTMF:                  /* filter_dialtone, twist, reverse twist, threshold: ints in 0.0.6 */
        if ((dtmf = dtmf_rx_init(NULL, NULL, NULL)) != NULL) {
            dtmf_rx_set_realtime_callback(dtmf, report, rx);
            dtmf_rx_parms(dtmf, args[0], args[1], args[2], args[3]);
        }
        return dtmf;
    case RX_TONES: return super_tone_rx_init(NULL, descriptor, report, rx);
    case RX_MODEM: return modem_connect_tones_rx_init(NULL, args[0], report, rx);
    case RX_R2: return r2_mf_rx_init(NULL, args[0], report, rx);
    default: return adsi_rx_init(NULL, args[0], put_message, rx);
    }
}

static oracle_rx_t *oracle_rx_new(int kind, const int *args, void *descriptor)
{
    oracle_rx_t *rx = calloc(1, sizeof *rx);
    if (!rx)
        return NULL;
    rx->kind = kind;
    rx->state = start(rx, args, descriptor);
    if (!rx->state) {
        free(rx);
        return NULL;
    }
    return rx;
}

static void take(oracle_rx_t *rx, const int16_t *amp, int n)
{
    switch (rx->kind) {
    case RX_DTMF: dtmf_rx(rx->state, amp, n); break;
    case RX_TONES: super_tone_rx(rx->state, amp, n); break;
    case RX_MODEM: modem_connect_tones_rx(rx->state, amp, n); break;
    case RX_R2: r2_mf_rx(rx->state, amp, n); break;
    default: adsi_rx(rx->state, amp, n);
    }
}

/* returns the number of events written, at most max */
static int oracle_rx_feed(oracle_rx_t *rx, const int16_t *amp, int64_t n, int chunk,
                          oracle_event_t *out, int max)
{
    rx->out = out;
    rx->max = max;
    rx->count = 0;
    for (int64_t i = 0; i < n; i += chunk) {
        int size = n - i < chunk ? (int) (n - i) : chunk;
        rx->now += size;
        take(rx, amp + i, size);
    }
    return rx->count;
}

/* ---- senders: 0 = a tone of `code` for as long as asked; all return the samples made ---- */

static int oracle_modem_tx(int16_t *out, int n, int tone)
{
    modem_connect_tones_tx_state_t *tx = modem_connect_tones_tx_init(NULL, tone);
    int made = tx ? modem_connect_tones_tx(tx, out, n) : 0;
    if (tx)
        modem_connect_tones_tx_free(tx);
    return made;
}

static int oracle_r2_tx(int16_t *out, int n, int forward, char signal)
{
    r2_mf_tx_state_t *tx = r2_mf_tx_init(NULL, forward);
    int made = 0;
    if (tx && r2_mf_tx_put(tx, signal) == 0)
        made = r2_mf_tx(tx, out, n);
    if (tx)
        r2_mf_tx_free(tx);
    return made;
}

static int oracle_dtmf_tx(int16_t *out, int n, const char *digits, int level, int twist, int on_ms,
                          int off_ms)
{
    dtmf_tx_state_t *tx = dtmf_tx_init(NULL);
    int made = 0;
    if (!tx)
        return 0;
    dtmf_tx_set_level(tx, level, twist);
    dtmf_tx_set_timing(tx, on_ms, off_ms);
    if (dtmf_tx_put(tx, digits, (int) strlen(digits)) == 0)
        made = dtmf_tx(tx, out, n);
    dtmf_tx_free(tx);
    return made;
}

/* message: type, length, parameters, without its checksum */
static int oracle_adsi_tx(int16_t *out, int n, int standard, const uint8_t *message, int size)
{
    adsi_tx_state_t *tx = adsi_tx_init(NULL, standard);
    int made = 0, got = 0;
    if (!tx)
        return 0;
    if (adsi_tx_put_message(tx, message, size) > 0)
        while (made < n && (got = adsi_tx(tx, out + made, n - made)) > 0)
            made += got;
    adsi_tx_free(tx);
    return made;
}

/* ---- echo, G.711: blocks ---- */

static void oracle_echo(echo_can_state_t *ec, int16_t *out, const int16_t *tx, const int16_t *rx,
                        int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = echo_can_update(ec, tx[i], rx[i]);
}

static void oracle_g711_decode(int16_t *out, const uint8_t *in, int64_t n, int mulaw)
{
    if (mulaw)
        for (int64_t i = 0; i < n; i++)
            out[i] = ulaw_to_linear(in[i]);
    else
        for (int64_t i = 0; i < n; i++)
            out[i] = alaw_to_linear(in[i]);
}

static void oracle_g711_encode(uint8_t *out, const int16_t *in, int64_t n, int mulaw)
{
    if (mulaw)
        for (int64_t i = 0; i < n; i++)
            out[i] = linear_to_ulaw(in[i]);
    else
        for (int64_t i = 0; i < n; i++)
            out[i] = linear_to_alaw(in[i]);
}

/* the same by the library's own functions for blocks */
static void oracle_g711_block_decode(int16_t *out, const uint8_t *in, int n, int mulaw)
{
    g711_state_t state;
    g711_init(&state, mulaw ? G711_ULAW : G711_ALAW);
    g711_decode(&state, out, in, n);
}

static void oracle_g711_block_encode(uint8_t *out, const int16_t *in, int n, int mulaw)
{
    g711_state_t state;
    g711_init(&state, mulaw ? G711_ULAW : G711_ALAW);
    g711_encode(&state, out, in, n);
}

/* ---- speed: seconds of this thread for one pass.  codes: A-law of LANES lines, `frames` frames each, line after
 * line; with more than LANES channels they are used again. ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);   /* others' turns do not count */
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static const uint8_t *codes_of(const uint8_t *codes, int line, int frames, int frame)
{
    return codes + ((int64_t) (line % LANES) * frames + frame) * FRAME;
}

/* `each` receivers of the rival for every channel, one after another, on one decoded frame */
static double oracle_time_rx(oracle_rx_t **rx, int channels, int each, const uint8_t *codes,
                             int frames)
{
    int16_t linear[FRAME];
    for (int i = 0; i < channels * each; i++)
        rx[i]->count = rx[i]->max = rx[i]->used = 0;
    double begin = now();
    for (int frame = 0; frame < frames; frame++)
        for (int line = 0; line < channels; line++) {
            oracle_g711_decode(linear, codes_of(codes, line, frames, frame), FRAME, 0);
            for (int i = 0; i < each; i++)
                take(rx[line * each + i], linear, FRAME);
        }
    return now() - begin;
}

static double oracle_time_echo(echo_can_state_t **ec, int channels, const int16_t *tx,
                               const int16_t *rx, int16_t *out, int frames)
{
    double begin = now();
    for (int frame = 0; frame < frames; frame++)
        for (int line = 0; line < channels; line++) {
            int64_t at = ((int64_t) (line % LANES) * frames + frame) * FRAME;
            oracle_echo(ec[line], out, tx + at, rx + at, FRAME);
        }
    return now() - begin;
}

/* Banks of the media plane, looped here so that neither side pays for Python:
 * to_lanes(lanes, sources), run(bank, lanes, mask, hits, max).  hits: room for `max` of any kind. */
static double oracle_time_banks(void *to_lanes, void *run, void **banks, int count,
                                const uint8_t *codes, int frames, void *hits, int max,
                                int64_t *found)
{
    void (*load)(float (*)[LANES], const uint8_t *const *) =
        (void (*)(float (*)[LANES], const uint8_t *const *)) to_lanes;
    int (*hear)(void *, float (*)[LANES], uint32_t, void *, int) =
        (int (*)(void *, float (*)[LANES], uint32_t, void *, int)) run;
    static float lanes[FRAME][LANES] __attribute__((aligned(64)));
    const uint8_t *sources[LANES];
    double begin = now();
    for (int frame = 0; frame < frames; frame++)
        for (int bank = 0; bank < count; bank++) {
            for (int line = 0; line < LANES; line++)
                sources[line] = codes_of(codes, line, frames, frame);
            load(lanes, sources);
            *found += hear(banks[bank], lanes, 0xFFFF, hits, max);
        }
    return now() - begin;
}

/* echo banks: run(bank, rx, tx, mask); lanes given frame after frame, rx is copied first */
static double oracle_time_echo_banks(void *run, void **banks, int count, const float *rx,
                                     const float *tx, int frames)
{
    void (*cancel)(void *, float (*)[LANES], const float (*)[LANES], uint32_t) =
        (void (*)(void *, float (*)[LANES], const float (*)[LANES], uint32_t)) run;
    static float work[FRAME][LANES] __attribute__((aligned(64)));
    static float said[FRAME][LANES] __attribute__((aligned(64)));
    double begin = now();
    for (int frame = 0; frame < frames; frame++)
        for (int bank = 0; bank < count; bank++) {
            memcpy(work, rx + (int64_t) frame * FRAME * LANES, sizeof work);
            memcpy(said, tx + (int64_t) frame * FRAME * LANES, sizeof said);
            cancel(banks[bank], work, (const float (*)[LANES]) said, 0xFFFF);
        }
    return now() - begin;
}

/* convert(out, in, n) as in ctb_dsp.h; NULL: the rival's A-law, one code at a time as its header
 * has it, or by its functions for blocks.  A frame at a time, over n samples that all differ. */
static double oracle_time_g711(void *convert, int encode, int block, void *out, const void *in,
                               int n, int times)
{
    void (*ours)(void *, const void *, size_t) = (void (*)(void *, const void *, size_t)) convert;
    size_t from = encode ? sizeof(int16_t) : 1, to = encode ? 1 : sizeof(int16_t);
    double begin = now();
    for (int i = 0; i < times; i++)
        for (size_t at = 0; at + FRAME <= (size_t) n; at += FRAME) {
            void *o = (char *) out + at * to;
            const void *data = (const char *) in + at * from;
            if (ours)
                ours(o, data, FRAME);
            else if (block && encode)
                oracle_g711_block_encode(o, data, FRAME, 0);
            else if (block)
                oracle_g711_block_decode(o, data, FRAME, 0);
            else if (encode)
                oracle_g711_encode(o, data, FRAME, 0);
            else
                oracle_g711_decode(o, data, FRAME, 0);
            __asm__ volatile("" : : "r"(o) : "memory");   /* each frame is done */
        }
    return now() - begin;
}

/* receivers of one line: run(rx, samples, n, out) after A-law decode by decode(out, in, n) */
static double oracle_time_lines(void *decode, void *run, void **rx, int channels,
                                const uint8_t *codes, int frames, void *out)
{
    void (*linear_of)(int16_t *, const uint8_t *, size_t) =
        (void (*)(int16_t *, const uint8_t *, size_t)) decode;
    int (*hear)(void *, const int16_t *, size_t, void *) =
        (int (*)(void *, const int16_t *, size_t, void *)) run;
    int16_t linear[FRAME];
    double begin = now();
    for (int frame = 0; frame < frames; frame++)
        for (int line = 0; line < channels; line++) {
            linear_of(linear, codes_of(codes, line, frames, frame), FRAME);
            hear(rx[line], linear, FRAME, out);
        }
    return now() - begin;
}
