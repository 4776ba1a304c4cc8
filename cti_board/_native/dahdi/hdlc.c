/* hdlc.c - frames of a D channel: the kernel stuffs bits and checks, ITU-T Q.921 clause 2.
 *
 * The kernel counts the two octets of the check sequence in both directions: it wants room for
 * them behind what is sent, and leaves them behind what came. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "dahdi.h"

#define CHECK 2                    /* octets of the frame check sequence, Q.921 clause 2.7 */

static ctb_dahdi_channel_t *data_link(ctb_board_t *b, uint32_t channel)
{
    ctb_dahdi_channel_t *c = channel < b->channels ? &b->channel[channel] : NULL;
    return c && c->type == CTB_LINE_E1_HDLC ? c : NULL;
}

int ctb_dahdi_frame_send(ctb_board_t *b, uint32_t channel, const uint8_t *frame, size_t size)
{
    uint8_t whole[HDLC_BYTES] = {0};
    ctb_dahdi_channel_t *c = data_link(b, channel);
    if (!c)
        return channel < b->channels ? -ENOSYS : -EINVAL;
    if (!size || size > sizeof whole - CHECK)
        return -EMSGSIZE;
    memcpy(whole, frame, size);
    for (int i = 0; i < 8; i++) {
        if (write(c->fd, whole, size + CHECK) > 0)
            return 0;
        if (errno != DAHDI_ELAST)
            return -errno;
        ctb_dahdi_events_take(b, c);
    }
    return -EAGAIN;
}

/* The frame's length, 0 = none waits.  A frame that was broken on the line never arrives here. */
int ctb_dahdi_frame_recv(ctb_board_t *b, uint32_t channel, uint8_t *frame, size_t size)
{
    uint8_t whole[HDLC_BYTES];
    ctb_dahdi_channel_t *c = data_link(b, channel);
    if (!c)
        return channel < b->channels ? -ENOSYS : -EINVAL;
    for (int i = 0; i < 64; i++) {
        ssize_t n = read(c->fd, whole, sizeof whole);
        if (n > CHECK) {
            n -= CHECK;
            if ((size_t)n > size)
                return -EMSGSIZE;
            memcpy(frame, whole, (size_t)n);
            return (int)n;
        }
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0 && errno != DAHDI_ELAST)
            return -errno;
        if (n < 0)
            ctb_dahdi_events_take(b, c);
    }
    return 0;
}
