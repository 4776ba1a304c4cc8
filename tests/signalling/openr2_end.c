/* openr2_end.c - one end of an R2 line by libopenr2, step by step through two pipes, for tests.
 * Arguments: variant, most digits of the caller's number, of the called number.  Each line of
 * input is one step of 20 ms: "bits signal command ..." with the bits and the register signal (0
 * is silence, else 1 to 15) that arrive; each line of output "bits signal events ...".
 * The library wants a DAHDI device: its system calls come here instead (ld --wrap), and so does
 * its clock, which only the steps move. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>

#include <openr2.h>

#define DEVICE 9999
#define STEP_US 20000
#define SIG_CAS 0x8000 /* of the DAHDI interface, as the numbers of ioctls below */

static long long now_us;
static int rx_bits = 9, tx_bits = 9, may_read, rx_signal, tx_signal;
static char told[4096];
static const char codes[] = "\0" "1234567890BCDEF";

int __wrap_gettimeofday(struct timeval *tv, void *zone)
{
    (void)zone;
    tv->tv_sec = now_us / 1000000, tv->tv_usec = now_us % 1000000;
    return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    int *arg = va_arg(ap, int *);
    va_end(ap);
    (void)fd;
    switch (request & 0xff) {
    case 0x05: /* GET_PARAMS: 136 bytes, one word of which is the kind of signalling */
        for (int i = 0; i < 34; i++)
            arg[i] = SIG_CAS;
        return 0;
    case 0x08: /* GETEVENT */
        *arg = 0;
        return 0;
    case 0x09: /* IOMUX: reading is possible once in a step */
        *arg &= may_read;
        return 0;
    case 0x22: /* CHANNO */
        *arg = 1;
        return 0;
    case 0x2b: /* SETTXBITS is written, GETRXBITS is read */
        if (request & 0x80000000ul)
            *arg = rx_bits;
        else
            tx_bits = *arg;
        if ((tx_bits & 12) == 8) /* idle: its registers are off, and then it generates nothing */
            tx_signal = 0;
        return 0;
    default: /* gains, law, buffers, echo canceller, flush */
        return 0;
    }
}

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size)
{
    if (fd != DEVICE)
        return __real_read(fd, buf, size);
    may_read = 0;
    memset(buf, 0xd5, size);
    return (ssize_t)size;
}

static void tell(const char *format, ...)
{
    size_t used = strlen(told);
    va_list ap;
    va_start(ap, format);
    vsnprintf(told + used, sizeof told - used, format, ap);
    va_end(ap);
}

static void *mf_init(void *handle, int forward)
{
    (void)forward;
    return handle;
}
static int mf_detect(void *handle, const int16_t buffer[], int samples)
{
    (void)handle, (void)buffer, (void)samples;
    return codes[rx_signal];
}
static int mf_generate(void *handle, int16_t buffer[], int samples)
{
    (void)handle, (void)buffer;
    return samples;
}
static int mf_select(void *handle, char signal)
{
    (void)handle;
    tx_signal = signal ? (int)(strchr(codes + 1, signal) - codes) : 0;
    return 0;
}
static int mf_want(void *handle, int signal)
{
    (void)handle, (void)signal;
    return 0;
}
static int16_t to_linear(uint8_t alaw)
{
    return alaw;
}
static uint8_t to_alaw(int linear)
{
    return (uint8_t)linear;
}

static void new_call(openr2_chan_t *c) { (void)c; }
static void offered(openr2_chan_t *c, const char *ani, const char *dnis, openr2_calling_party_category_t cat)
{
    (void)c;
    tell(" offered:%s:%s:%d", ani ? ani : "withheld", dnis, cat);
}
static void accepted(openr2_chan_t *c, openr2_call_mode_t mode) { (void)c, tell(" accepted:%d", mode); }
static void answered(openr2_chan_t *c) { (void)c, tell(" answered"); }
static void disconnect(openr2_chan_t *c, openr2_call_disconnect_cause_t cause)
{
    tell(" disconnect:%d", cause);
    openr2_chan_disconnect_call(c, OR2_CAUSE_NORMAL_CLEARING);
}
static void ended(openr2_chan_t *c) { (void)c, tell(" end"); }
static void heard(openr2_chan_t *c, const unsigned char *buf, int len) { (void)c, (void)buf, (void)len; }
static void alarmed(openr2_chan_t *c, int alarm) { (void)c, tell(" alarm:%d", alarm); }
static void os_error(openr2_chan_t *c, int error) { (void)c, tell(" os_error:%d", error); }
static void protocol_error(openr2_chan_t *c, openr2_protocol_error_t error)
{
    tell(" protocol_error:%d", error);
    openr2_chan_set_idle(c);
}
static void blocked(openr2_chan_t *c) { (void)c, tell(" blocked"); }
static void idle(openr2_chan_t *c) { (void)c, tell(" idle"); }
static void logging(openr2_context_t *c, openr2_log_level_t level, const char *format, va_list ap)
{
    (void)c, (void)level, (void)format, (void)ap;
}
static int dnis_digit(openr2_chan_t *c, char digit) { (void)c, (void)digit; return 1; }
static void ani_digit(openr2_chan_t *c, char digit) { (void)c, (void)digit; }
static void billing(openr2_chan_t *c) { (void)c; }

static openr2_mflib_interface_t mflib = {
    .mf_read_init = mf_init, .mf_write_init = mf_init, .mf_detect_tone = mf_detect,
    .mf_generate_tone = mf_generate, .mf_select_tone = mf_select, .mf_want_generate = mf_want};
static openr2_transcoder_interface_t transcoder = {to_linear, to_alaw};
static openr2_event_interface_t events = {
    .on_call_init = new_call, .on_call_offered = offered, .on_call_accepted = accepted,
    .on_call_answered = answered, .on_call_disconnect = disconnect, .on_call_end = ended,
    .on_call_read = heard, .on_hardware_alarm = alarmed, .on_os_error = os_error,
    .on_protocol_error = protocol_error, .on_line_blocked = blocked, .on_line_idle = idle,
    .on_context_log = logging, .on_dnis_digit_received = dnis_digit,
    .on_ani_digit_received = ani_digit, .on_billing_pulse_received = billing};

static void obey(openr2_chan_t *chan, char *line)
{
    char ani[96] = "", dnis[96] = "";
    int number = 0;
    if (sscanf(line, "call %95s %95s %d", ani, dnis, &number) == 3)
        tell(" called:%d", openr2_chan_make_call(chan, strcmp(ani, "-") ? ani : "", dnis, number));
    else if (!strncmp(line, "accept", 6))
        openr2_chan_accept_call(chan, OR2_CALL_WITH_CHARGE);
    else if (!strncmp(line, "answer", 6))
        openr2_chan_answer_call(chan);
    else if (sscanf(line, "end %d", &number) == 1)
        openr2_chan_disconnect_call(chan, number);
}

int main(int argc, char **argv)
{
    static char handle[8], line[512];
    if (argc < 4)
        return 2;
    openr2_context_t *context = openr2_context_new(&mflib, &events, &transcoder,
                                                   openr2_proto_get_variant(argv[1]), atoi(argv[2]), atoi(argv[3]));
    if (!context)
        return 3;
    openr2_context_set_log_level(context, OR2_LOG_NOTHING);
    openr2_chan_t *chan = openr2_chan_new_from_fd(context, DEVICE, handle, handle);
    if (!chan)
        return 4;
    openr2_chan_set_idle(chan);
    openr2_chan_handle_cas(chan); /* it takes the first bits that it sees for news */
    while (fgets(line, sizeof line, stdin)) {
        int bits = 0, used = 0;
        told[0] = 0;
        if (sscanf(line, "%d %d %n", &bits, &rx_signal, &used) < 2)
            return 5;
        now_us += STEP_US, may_read = 1;
        if (bits != rx_bits) {
            rx_bits = bits;
            openr2_chan_handle_cas(chan);
        }
        obey(chan, line + used);
        openr2_chan_process_event(chan);
        printf("%d %d%s\n", tx_bits, tx_signal, told);
        fflush(stdout);
    }
    return 0;
}
