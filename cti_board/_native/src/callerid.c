/* callerid.c - what a message of caller identification says.
 *
 * What: the single (04H) and multiple (80H) data message of a call set-up: Telcordia GR-30 and
 * GR-31/GR-1188, ETSI EN 300 659-3.  Other parameters are passed over.
 * Limits: the checksum is the receiver's business; bytes of a name are copied as they are. */
#include <errno.h>
#include <string.h>

#include "ctb_callerid.h"

#define DATE_SIZE 8              /* MMDDhhmm */
enum parameter {                 /* ETSI EN 300 659-3, 5.3; Telcordia GR-1188 */
    PARAM_DATE = 0x01,
    PARAM_NUMBER = 0x02,
    PARAM_NO_NUMBER = 0x04,
    PARAM_NAME = 0x07,
    PARAM_NO_NAME = 0x08
};

/* what a number is made of; all else is a stranger's text and has no place in it */
static int dials(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'D') || c == '*' || c == '#' || c == '+';
}

static void copy_digits(char *out, size_t room, const uint8_t *from, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size && n + 1 < room; i++)
        if (dials(from[i]))
            out[n++] = (char)from[i];
    out[n] = '\0';
}

static void copy_date(ctb_caller_id_t *out, const uint8_t *from)
{
    for (int i = 0; i < DATE_SIZE; i++)
        if (from[i] < '0' || from[i] > '9')
            return;
    memcpy(out->date, from, DATE_SIZE);
}

static void copy_name(ctb_caller_id_t *out, const uint8_t *from, size_t size)
{
    size_t n = size < sizeof out->name - 1 ? size : sizeof out->name - 1;
    memcpy(out->name, from, n);
    out->name[n] = '\0';
}

static char absence(uint8_t letter)
{
    return letter == 'P' || letter == 'O' ? (char)letter : 0;
}

static void take_number(ctb_caller_id_t *out, const uint8_t *from, size_t size)
{
    if (size == 1 && absence(from[0]))       /* the single message has its reason here */
        out->number_absence = absence(from[0]);
    else
        copy_digits(out->number, sizeof out->number, from, size);
}

static void take_parameter(ctb_caller_id_t *out, uint8_t type, const uint8_t *from, size_t size)
{
    switch (type) {
    case PARAM_DATE:
        if (size == DATE_SIZE)
            copy_date(out, from);
        break;
    case PARAM_NUMBER:
        take_number(out, from, size);
        break;
    case PARAM_NO_NUMBER:
        out->number_absence = size ? absence(from[0]) : 0;
        break;
    case PARAM_NAME:
        copy_name(out, from, size);
        break;
    case PARAM_NO_NAME:
        out->name_absence = size ? absence(from[0]) : 0;
        break;
    default:
        break;
    }
}

int ctb_caller_id_parse(ctb_caller_id_t *out, const uint8_t *message, size_t size)
{
    memset(out, 0, sizeof *out);
    if (size < 2 || (size_t)message[1] + 2 > size)
        return -EBADMSG;
    const uint8_t *body = message + 2;
    size_t length = message[1];
    if (message[0] == CTB_FSK_SDMF) {
        if (length < DATE_SIZE)
            return -EBADMSG;
        copy_date(out, body);
        take_number(out, body + DATE_SIZE, length - DATE_SIZE);
        return 0;
    }
    if (message[0] != CTB_FSK_MDMF)
        return -EPROTO;
    for (size_t at = 0; at < length; at += 2 + (size_t)body[at + 1]) {
        if (at + 2 > length || at + 2 + body[at + 1] > length)
            return -EBADMSG;
        take_parameter(out, body[at], body + at + 2, body[at + 1]);
    }
    return 0;
}

void ctb_caller_id_text(char *out, size_t room, const ctb_caller_id_t *id)
{
    const char *const part[] = {id->number, "\t", id->date, "\t", id->name};
    size_t n = 0;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        for (const char *c = part[i]; *c && n + 1 < room; c++)
            out[n++] = *c;
    if (room)
        out[n] = '\0';
}
