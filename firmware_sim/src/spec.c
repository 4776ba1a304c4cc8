/* spec.c - the text after "sim:". */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_PORTS  512u
#define MAX_E1     16u
#define MAX_PHONES 4000u                     /* numbers 88000000..88003999 */
#define MAX_LATENCY 16u

typedef struct word { const char *key, *value; size_t key_size, size; } word_t;

static bool is(const word_t *w, const char *key)
{
    return strlen(key) == w->key_size && !memcmp(key, w->key, w->key_size);
}

static bool says(const word_t *w, const char *value)
{
    return strlen(value) == w->size && !memcmp(value, w->value, w->size);
}

static int wrong(const word_t *w, const char *right, char *err, size_t err_size)
{
    snprintf(err, err_size, "%.*s=%.*s: must be %s", (int)w->key_size, w->key, (int)w->size,
             w->value, right);
    return -EINVAL;
}

static bool number(const word_t *w, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (!w->size || w->size > 19) return false;
    for (size_t i = 0; i < w->size; i++) {
        if (w->value[i] < '0' || w->value[i] > '9') return false;
        value = value * 10 + (uint64_t)(w->value[i] - '0');
    }
    *out = value;
    return value <= max;
}

static int count(const word_t *w, uint32_t max, uint32_t *out, char *err, size_t err_size)
{
    char right[40];
    uint64_t value;
    snprintf(right, sizeof right, "a number from 0 to %u", max);
    if (!number(w, max, &value)) return wrong(w, right, err, err_size);
    *out = (uint32_t)value;
    return 0;
}

static int parse_ppm(sim_spec_t *out, const word_t *w, char *err, size_t err_size)
{
    char text[24], *end = text;
    if (w->size && w->size < sizeof text) {
        memcpy(text, w->value, w->size);
        text[w->size] = 0;
        out->ppm = strtod(text, &end);
    }
    if (end == text || *end || !(out->ppm >= -1000 && out->ppm <= 1000))
        return wrong(w, "the clock's error, -1000 to 1000 parts per million", err, err_size);
    return 0;
}

static int parse_word(sim_spec_t *out, const word_t *w, char *err, size_t err_size)
{
    if (is(w, "fxo")) return count(w, MAX_PORTS, &out->fxo, err, err_size);
    if (is(w, "fxs")) return count(w, MAX_PORTS, &out->fxs, err, err_size);
    if (is(w, "e1")) return count(w, MAX_E1, &out->e1, err, err_size);
    if (is(w, "phones")) return count(w, MAX_PHONES, &out->phones, err, err_size);
    if (is(w, "latency")) return count(w, MAX_LATENCY, &out->latency, err, err_size);
    if (is(w, "ppm")) return parse_ppm(out, w, err, err_size);
    if (is(w, "seed"))
        return number(w, UINT64_MAX, &out->seed) ? 0 : wrong(w, "a whole number", err, err_size);
    if (is(w, "media")) {
        out->board_media = says(w, "board");
        return out->board_media || says(w, "host") ? 0 : wrong(w, "host or board", err, err_size);
    }
    if (is(w, "law")) {
        out->ulaw = says(w, "ulaw");
        return out->ulaw || says(w, "alaw") ? 0 : wrong(w, "alaw or ulaw", err, err_size);
    }
    if (is(w, "country")) {
        const sim_country_t *country = sim_country_find(w->value, w->size);
        if (!country) return wrong(w, sim_country_names, err, err_size);
        out->country = country;
        return 0;
    }
    snprintf(err, err_size, "%.*s: no such key; fxo, fxs, e1, phones, media, seed, country, ppm, "
             "law and latency are known", (int)w->key_size, w->key);
    return -EINVAL;
}

static int check_total(const sim_spec_t *s, char *err, size_t err_size)
{
    uint32_t channels = s->fxo + s->fxs + 30 * s->e1;
    if (channels >= 1 && channels <= CTB_MAX_CHANNELS) return 0;
    snprintf(err, err_size, "fxo=%u, fxs=%u, e1=%u make %u channels: must be 1 to %u", s->fxo,
             s->fxs, s->e1, channels, CTB_MAX_CHANNELS);
    return -EINVAL;
}

int sim_spec_parse(sim_spec_t *out, const char *text, char *err, size_t err_size)
{
    bool lines = false;
    *out = (sim_spec_t){ .phones = 60, .seed = 1, .country = sim_country_find("cn", 2) };
    while (*text) {
        size_t size = strcspn(text, ",");
        const char *equals = memchr(text, '=', size);
        word_t w = { text, equals ? equals + 1 : text + size,
                     equals ? (size_t)(equals - text) : size,
                     equals ? size - (size_t)(equals - text) - 1 : 0 };
        if (!size) {
            snprintf(err, err_size, "an empty word between commas: must be key=value");
            return -EINVAL;
        }
        int result = parse_word(out, &w, err, err_size);
        if (result) return result;
        lines = lines || is(&w, "fxo") || is(&w, "fxs") || is(&w, "e1");
        text += size;
        if (*text == ',' && !*++text) {
            snprintf(err, err_size, "nothing after the last comma: must be key=value");
            return -EINVAL;
        }
    }
    if (!lines) {                            /* says nothing of lines: the small centre */
        out->fxo = 8;
        out->fxs = 10;
    }
    return check_total(out, err, err_size);
}
