/* ctb_street.h - commands to and reports from the far ends of a board that has a
 * street (CTB_CAP_STREET): telephones, the exchange and the lines between.
 * A real card has none of this.  Carried by command(board, end, CTB_OP_STREET, args)
 * with args->a = enum ctb_street_op, and by events of kind CTB_EV_STREET.
 *
 * Far ends are numbered from 0.  End i < fxs is the telephone plugged into FXS port
 * i; the others are outside subscribers of the exchange, each with a number. */
#ifndef CTB_STREET_H
#define CTB_STREET_H
#include "ctb_driver.h"

enum ctb_street_op {
    CTB_ST_OFF_HOOK = 1,
    CTB_ST_ON_HOOK = 2,
    CTB_ST_FLASH = 3,         /* b = ms */
    CTB_ST_DIAL = 4,          /* text = digits (',' = 500 ms pause); b=on ms, c=off ms,
                                 d=level 0.01 dBm0 of the low tone, e=twist 0.01 dB (high
                                 over low), f = 1: pulses at 10/s; cookie -> DIAL_DONE */
    CTB_ST_PLAY = 5,          /* data = A-law, kept until PLAY_DONE; size = samples; b = times
                                 (0 = for ever), cookie; replaces what is playing */
    CTB_ST_PLAY_STOP = 6,
    CTB_ST_HEAR_START = 7,    /* data = A-law buffer, size = its length; what the ear hears
                                 is written until full; kept until HEAR_DONE; cookie */
    CTB_ST_HEAR_STOP = 8,
    CTB_ST_WATCH = 9,         /* b = mask: 1 tones, 2 speech, 4 digits.  Reports below. */
    CTB_ST_IMPAIR = 10,       /* the line of this end, both ways: b = loss 0.01 dB, c = white noise
                                 0.01 dBm0 (0 = none), d = echo return loss 0.01 dB (0 = no echo),
                                 e = echo delay in samples, f = twist 0.01 dB (slope) */
    CTB_ST_FAULT = 11,        /* b = enum ctb_street_fault, c = which port/span/board, d = value */
    CTB_ST_OPTION = 12,       /* b = enum ctb_street_option, c = FXO port or -1 all, d = value */
    CTB_ST_QUERY = 13         /* posts CTB_SE_INFO: b = 1 off-hook, c = 1 in a call, text = number */
};

enum ctb_street_fault {
    CTB_SF_LINE_CUT = 1,      /* c = channel, d = 1 cut, 0 mended */
    CTB_SF_STUCK_KEY = 2,     /* channel field = end, text = digit, d = 1 begins, 0 ends */
    CTB_SF_ALARM = 3,         /* c = span, d = enum ctb_alarm bits now on */
    CTB_SF_MISSED_RING = 4,   /* c = FXO channel, d = how many bursts are not reported */
    CTB_SF_STOP_CLOCK = 5,    /* d = frames without a frame; -1 = until told 0 */
    CTB_SF_NO_DIAL_TONE = 6,  /* c = FXO channel, d = 1/0: the exchange gives none */
    CTB_SF_CONGESTION = 7,    /* d = 1/0: the exchange answers every call with congestion */
    CTB_SF_NO_SEIZE_ACK = 8   /* c = span, d = 1/0: E1 seizures are not acknowledged */
};

enum ctb_street_option {
    CTB_SO_CLEAR = 1,         /* how the exchange tells an FXO line that the far end left:
                                 d = bits 1 busy tone, 2 polarity reversal back, 4 loop break */
    CTB_SO_ANSWER_REVERSAL = 2, /* d = 1: polarity reverses when a call out is answered */
    CTB_SO_CALLER_ID = 3,     /* d = 0 none, 1 FSK between rings 1 and 2, 2 DTMF before ring 1,
                                 3 FSK after a reversal of polarity before ring 1 */
    CTB_SO_RING_MS = 4        /* d = on ms << 16 | off ms */
};

/* reports: event.a; channel = end */
enum ctb_street_event {
    CTB_SE_RING_BEGIN = 1,
    CTB_SE_RING_END = 2,
    CTB_SE_RING_STOPPED = 3,
    CTB_SE_TONE = 4,          /* b = enum ctb_street_tone now heard */
    CTB_SE_SPEECH_BEGIN = 5,
    CTB_SE_SPEECH_END = 6,    /* b = length, ms */
    CTB_SE_DIGIT = 7,         /* b = ASCII */
    CTB_SE_DIAL_DONE = 8,     /* cookie */
    CTB_SE_PLAY_DONE = 9,     /* cookie; b = 1 cut short */
    CTB_SE_HEAR_DONE = 10,    /* cookie; b = samples written */
    CTB_SE_CALLER_ID = 11,    /* text */
    CTB_SE_ANSWERED = 12,     /* the exchange: the call this end dialled was answered */
    CTB_SE_CLEARED = 13,      /* the exchange: the other party left */
    CTB_SE_INFO = 14
};

enum ctb_street_tone {        /* names of a country's tone plan; also its ids */
    CTB_TONE_NONE = 0, CTB_TONE_DIAL = 1, CTB_TONE_RINGBACK = 2, CTB_TONE_BUSY = 3,
    CTB_TONE_CONGESTION = 4, CTB_TONE_VACANT = 5, CTB_TONE_HOWLER = 6,
    CTB_TONE_CALL_WAITING = 7, CTB_TONE_SIT = 8
};
#endif
