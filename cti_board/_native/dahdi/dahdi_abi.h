/* dahdi_abi.h - the part of the kernel's DAHDI interface that this driver uses.
 *
 * Facts of the interface of DAHDI 2.11 (its public header <dahdi/user.h>): request numbers and
 * the layout of what they carry.  Written anew, so that building needs no kernel headers. */
#ifndef CTB_DAHDI_ABI_H
#define CTB_DAHDI_ABI_H
#include <stdint.h>
#include <sys/ioctl.h>

#define DAHDI_ELAST 500            /* errno of read and write while an event waits */
#define DAHDI_MAX_SPANS 128
#define DAHDI_MAX_CHANNELS 1024
#define DAHDI_MAX_DIAL 256

/* signalling of a channel; the far side's name: "FXS" signalling is spoken by our FXO port */
#define DAHDI_SIG_FXO (1u << 12)
#define DAHDI_SIG_FXS (1u << 13)
#define DAHDI_SIG_FXSLS (DAHDI_SIG_FXS | 1u)
#define DAHDI_SIG_FXSKS (DAHDI_SIG_FXS | 4u)
#define DAHDI_SIG_FXOLS (DAHDI_SIG_FXO | 8u)
#define DAHDI_SIG_FXOKS (DAHDI_SIG_FXO | 32u)
#define DAHDI_SIG_EM (1u << 6)
#define DAHDI_SIG_CLEAR (1u << 7)
#define DAHDI_SIG_HDLCFCS (DAHDI_SIG_CLEAR | 1u << 8 | 1u << 9)
#define DAHDI_SIG_SLAVE (1u << 11)
#define DAHDI_SIG_CAS (1u << 15)
#define DAHDI_SIG_HARDHDLC (DAHDI_SIG_CLEAR | 1u << 19)

#define DAHDI_LAW_MULAW 1
#define DAHDI_LAW_ALAW 2
#define DAHDI_CONFIG_CRC4 (1 << 10)

enum dahdi_hook { DAHDI_ONHOOK = 0, DAHDI_OFFHOOK = 1, DAHDI_FLASH = 3, DAHDI_RING = 5, DAHDI_RINGOFF = 6 };
enum dahdi_rxsig { DAHDI_RX_ONHOOK = 0, DAHDI_RX_OFFHOOK = 1, DAHDI_RX_START = 2, DAHDI_RX_RING = 3 };
enum dahdi_flush { DAHDI_FLUSH_READ = 1, DAHDI_FLUSH_WRITE = 2 };
enum dahdi_dial { DAHDI_DIAL_REPLACE = 2, DAHDI_DIAL_CANCEL = 3 };

enum dahdi_alarm {
    DAHDI_ALARM_YELLOW = 1 << 2, DAHDI_ALARM_RED = 1 << 3, DAHDI_ALARM_BLUE = 1 << 4,
    DAHDI_ALARM_LOS = 1 << 8, DAHDI_ALARM_LFA = 1 << 9, DAHDI_ALARM_LMFA = 1 << 10
};

enum dahdi_event {
    DAHDI_EV_NONE = 0, DAHDI_EV_ONHOOK = 1, DAHDI_EV_RINGOFFHOOK = 2, DAHDI_EV_WINKFLASH = 3,
    DAHDI_EV_ALARM = 4, DAHDI_EV_NOALARM = 5, DAHDI_EV_DIALCOMPLETE = 9, DAHDI_EV_BITSCHANGED = 13,
    DAHDI_EV_POLARITY = 17, DAHDI_EV_RINGBEGIN = 18, DAHDI_EV_REMOVED = 20,
    DAHDI_EV_READ_OVERRUN = 29, DAHDI_EV_WRITE_UNDERRUN = 30,
    DAHDI_EV_PULSEDIGIT = 1 << 16          /* or'd with the ASCII digit */
};

struct dahdi_params {
    int channo, spanno, chanpos, sigtype, sigcap, rxisoffhook, rxbits, txbits, txhooksig, rxhooksig;
    int curlaw, idlebits;
    char name[40];
    int prewinktime, preflashtime, winktime, flashtime, starttime, rxwinktime, rxflashtime;
    int debouncetime, pulsebreaktime, pulsemaketime, pulseaftertime;
    uint32_t chan_alarms;
};

struct dahdi_spaninfo {
    int spanno;
    char name[20], desc[40];
    int alarms, txlevel, rxlevel, bpvcount, crc4count, ebitcount, fascount;
    uint32_t fecount, cvcount, becount, prbs, errsec;
    int irqmisses, syncsrc, numchans, totalchans, totalspans, lbo, lineconfig;
    char lboname[40], location[40], manufacturer[40], devicetype[40];
    int irq;
    int linecompat;                        /* 0: an analog span */
    char spantype[6];
} __attribute__((packed));

struct dahdi_bufferinfo { int txbufpolicy, rxbufpolicy, numbufs, bufsize, readbufs, writebufs; };
struct dahdi_gains { int chan; uint8_t rxgain[256], txgain[256]; };
struct dahdi_dialoperation { int op; char dialstr[DAHDI_MAX_DIAL]; };
struct dahdi_ring_cadence { int ms[16]; };  /* on, off, on ... until 0 */

#define DAHDI_FLUSH _IOW(0xDA, 3, int)
#define DAHDI_GET_PARAMS _IOWR(0xDA, 5, struct dahdi_params)
#define DAHDI_SET_PARAMS _IOW(0xDA, 5, struct dahdi_params)
#define DAHDI_HOOK _IOW(0xDA, 7, int)
#define DAHDI_GETEVENT _IOR(0xDA, 8, int)
#define DAHDI_SPANSTAT _IOWR(0xDA, 10, struct dahdi_spaninfo)
#define DAHDI_SETGAINS _IOW(0xDA, 16, struct dahdi_gains)
#define DAHDI_SET_BUFINFO _IOW(0xDA, 27, struct dahdi_bufferinfo)
#define DAHDI_DIAL _IOW(0xDA, 31, struct dahdi_dialoperation)
#define DAHDI_AUDIOMODE _IOW(0xDA, 32, int)
#define DAHDI_SPECIFY _IOW(0xDA, 38, int)
#define DAHDI_SETLAW _IOW(0xDA, 39, int)
#define DAHDI_SETCADENCE _IOW(0xDA, 42, struct dahdi_ring_cadence)
#define DAHDI_GETRXBITS _IOR(0xDA, 43, int)
#define DAHDI_SETTXBITS _IOW(0xDA, 43, int)
#define DAHDI_SETPOLARITY _IOW(0xDA, 92, int)
#define DAHDI_BUFFER_EVENTS _IOW(0xDA, 105, int)

#endif
