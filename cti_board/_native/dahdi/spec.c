/* spec.c - what a board URL asks for: "spans=1,2,channels=1-15,17-31,prefill=2,device=/dev/dahdi".
 *
 * Words with '=' begin an option; numbers and ranges after it belong to it.  All may be absent:
 * every span, every channel that is set up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dahdi.h"

#define PREFILL 2                  /* chosen: 40 ms; the program may be late by two frames */
#define MAX_PREFILL 24             /* chosen: leaves 8 of the kernel's 32 blocks */

static int refuse(char *err, size_t size, const char *word, const char *right)
{
    snprintf(err, size, "dahdi: %.60s in the board's address: %s, as in dahdi:spans=1,2,prefill=2", word, right);
    return -EINVAL;
}

/* "3" or "3-7" into flags; false: not that */
static bool mark(bool *flag, int most, const char *word)
{
    char *end;
    long from = strtol(word, &end, 10), to = from;
    if (end == word)
        return false;
    if (*end == '-') {
        const char *second = end + 1;
        to = strtol(second, &end, 10);
        if (end == second)
            return false;
    }
    if (*end || from < 1 || to < from || to > most)
        return false;
    for (long i = from; i <= to; i++)
        flag[i] = true;
    return true;
}

static int option(ctb_dahdi_spec_t *s, const char *key, const char *value, char *err, size_t size)
{
    if (!strcmp(key, "spans")) {
        s->any_span = false;
        return mark(s->span, DAHDI_MAX_SPANS, value) ? 0 : refuse(err, size, value, "spans are numbers 1 to 128 or ranges");
    }
    if (!strcmp(key, "channels")) {
        s->any_channel = false;
        return mark(s->channel, DAHDI_MAX_CHANNELS, value)
            ? 0 : refuse(err, size, value, "channels are numbers 1 to 1024 or ranges");
    }
    if (!strcmp(key, "prefill")) {
        char *end;
        s->prefill = (int)strtol(value, &end, 10);
        return !*end && end != value && s->prefill >= 1 && s->prefill <= MAX_PREFILL
            ? 0 : refuse(err, size, value, "prefill is 1 to 24 frames of 20 ms");
    }
    if (!strcmp(key, "device")) {
        if (!*value || strlen(value) >= sizeof s->device)
            return refuse(err, size, value, "device is the folder of DAHDI's device files");
        strcpy(s->device, value);
        return 0;
    }
    return refuse(err, size, key, "the options are spans, channels, prefill and device");
}

int ctb_dahdi_spec_parse(ctb_dahdi_spec_t *out, const char *text, char *err, size_t size)
{
    char copy[512], key[16] = "", *rest = copy, *word;
    *out = (ctb_dahdi_spec_t){.device = "/dev/dahdi", .prefill = PREFILL, .any_span = true, .any_channel = true};
    if (strlen(text) >= sizeof copy)
        return refuse(err, size, text, "it is longer than 511 characters");
    strcpy(copy, text);
    while (*text && (word = strsep(&rest, ","))) {
        char *value = strchr(word, '=');
        if (value) {
            *value++ = 0;
            snprintf(key, sizeof key, "%s", word);
        } else {
            value = word;
            if (strcmp(key, "spans") && strcmp(key, "channels"))
                return refuse(err, size, *word ? word : "an empty word", "an option is NAME=VALUE");
        }
        int rc = option(out, key, value, err, size);
        if (rc < 0)
            return rc;
    }
    return 0;
}
