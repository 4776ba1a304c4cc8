/* hear.c - the street's own ears: which tone of a plan is heard, and is there other sound.
 *
 * Every 10 ms the last 20 ms are named: one frequency or pair of the plan, other sound, or
 * silence.  Runs of names make segments; the last segments are compared with the cadences.
 * Limits: lengths within 15 % + 30 ms; a continuous tone is told once it outlasts every
 * cadence of its frequencies; single-frequency voices within 25 Hz of a plan's tone count as
 * that tone; keys count as other sound unless digits are watched as well. */
#include "sim.h"

#define QUIET       1.0e-5f  /* mean square, about -43.9 dBm0 (chosen): below is silence */
#define PURITY      0.7f     /* chosen: as digit_rx.c */
#define BALANCE     0.1f     /* two tones of a pair within 10 dB (chosen) */
#define SETTLE      2u       /* steps that a new name must hold */
#define SPEECH_ON   6u       /* steps of sound: 60 ms (chosen) */
#define SPEECH_HANG 50u      /* steps of quiet that end speech: 500 ms (chosen) */

enum { SILENT = -1, OTHER = -2 };

/* ---- a plan made ready -------------------------------------------------------------------- */

static int find_hz(double *hz, uint32_t *count, float wanted)
{
    for (uint32_t i = 0; i < *count; i++)
        if (hz[i] > wanted - 1 && hz[i] < wanted + 1) return (int)i;
    if (*count == SIM_BANK) return -ENOSPC;
    hz[*count] = wanted;
    return (int)(*count)++;
}

static int find_signature(sim_plan_t *plan, double *hz, uint32_t *count, const float wanted[2])
{
    int first = find_hz(hz, count, wanted[0]);
    int second = wanted[1] > 0 ? find_hz(hz, count, wanted[1]) : -1;
    if (first < 0 || second < -1) return -ENOSPC;
    for (uint32_t i = 0; i < plan->signatures; i++)
        if (plan->sig[i][0] == first && plan->sig[i][1] == second) return (int)i;
    if (plan->signatures == SIM_BANK) return -ENOSPC;
    plan->sig[plan->signatures][0] = (int8_t)first;
    plan->sig[plan->signatures][1] = (int8_t)second;
    return (int)plan->signatures++;
}

static void add_segment(struct sim_plan_tone *t, int sig, uint32_t ms)
{
    uint16_t steps = (uint16_t)(ms / 10 < 60000 ? ms / 10 : 60000);
    if (t->segments && t->sig[t->segments - 1] == sig) {
        t->len[t->segments - 1] = (uint16_t)(t->len[t->segments - 1] + steps);
        return;
    }
    t->sig[t->segments] = (int8_t)sig;
    t->len[t->segments++] = steps;
}

static int plan_tone(sim_plan_t *plan, const ctb_tone_t *tone, double *hz, uint32_t *count)
{
    struct sim_plan_tone *t = &plan->tone[plan->count];
    if (sim_tone_check(tone)) return -EINVAL;
    t->id = tone->id;
    t->segments = 0;
    t->longest_on = t->longest_off = 0;
    for (uint32_t i = 0; i < tone->steps; i++) {
        const ctb_tone_step_t *s = &tone->step[i];
        int sig = s->hz[0] > 0 ? find_signature(plan, hz, count, s->hz) : SILENT;
        if (sig < SILENT) return sig;
        if (s->on_ms || !s->off_ms) add_segment(t, sig, s->on_ms);
        if (s->off_ms) add_segment(t, SILENT, s->off_ms);
    }
    if (t->segments == 1) t->len[0] = 0;     /* one name for ever: continuous */
    t->need = (uint16_t)tone->min_cycles;    /* cycles, until plan_needs has made segments of it */
    for (uint32_t i = 0; i < t->segments; i++) {
        uint16_t *longest = t->sig[i] >= 0 ? &t->longest_on : &t->longest_off;
        if (t->len[i] > *longest) *longest = t->len[i];
    }
    plan->count++;
    return 0;
}

/* how much must be heard before it is told */
static void plan_needs(sim_plan_t *plan, struct sim_plan_tone *t)
{
    uint32_t cycle = 0, asked = t->need * t->segments;
    for (uint32_t i = 0; i < t->segments; i++) cycle += t->len[i];
    t->need = t->segments == 1 ? 0 : t->segments == 2 ? (cycle >= 200 ? 1 : 3)
              : (uint16_t)(t->segments - 1 < 5 ? t->segments - 1 : 5);
    if (t->segments == 2 && asked > t->need + 1u)      /* the last segment is the run itself */
        t->need = (uint16_t)(asked <= SIM_HISTORY ? asked - 1 : SIM_HISTORY);
    t->confirm = t->segments == 1 ? 30 : 0;  /* chosen: 300 ms of a continuous tone */
    for (uint32_t i = 0; t->segments == 1 && i < plan->count; i++)
        for (uint32_t k = 0; k < plan->tone[i].segments; k++) {
            const struct sim_plan_tone *other = &plan->tone[i];
            uint32_t rival = other->len[k] + 8u;
            if (other->sig[k] == t->sig[0] && rival > t->confirm) t->confirm = (uint16_t)rival;
        }
}

int sim_plan_make(sim_plan_t *plan, const ctb_tone_t *tones, uint32_t count)
{
    double hz[SIM_BANK];
    uint32_t hz_count = 0;
    memset(plan, 0, sizeof *plan);
    if (count > SIM_BANK) return -ENOSPC;
    for (uint32_t i = 0; i < count; i++) {
        int err = plan_tone(plan, &tones[i], hz, &hz_count);
        if (err) {
            memset(plan, 0, sizeof *plan);
            return err;
        }
    }
    for (uint32_t i = 0; i < plan->count; i++) plan_needs(plan, &plan->tone[i]);
    sim_bank_init(&plan->bank, hz, hz_count);
    return 0;
}

/* ---- the ear ---------------------------------------------------------------------------------- */

void sim_ear_reset(sim_ear_t *ear)
{
    memset(ear, 0, sizeof *ear);
    ear->run_sig = ear->next_sig = SILENT;
}

bool sim_ear_rests(const sim_ear_t *ear)
{
    return ear->w.energy == 0 && !ear->tone && !ear->speech && !ear->speech_score &&
           !ear->segments && ear->run_sig == SILENT && !ear->next;
}

static int name_window(const sim_window_t *w, const sim_plan_t *plan)
{
    int best = OTHER;
    float best_power = 0;
    if (w->total < QUIET) return SILENT;
    for (uint32_t i = 0; i < plan->signatures; i++) {
        int a = plan->sig[i][0], c = plan->sig[i][1];
        float power = w->power[a], weaker = power, stronger = power;
        if (c >= 0) {
            power += w->power[c];
            if (w->power[c] < weaker) weaker = w->power[c];
            else stronger = w->power[c];
        }
        if (power < PURITY * w->total || weaker < BALANCE * stronger || power <= best_power)
            continue;
        best = (int)i;
        best_power = power;
    }
    return best;
}

static void push_segment(sim_ear_t *ear)
{
    memmove(ear->sig, ear->sig + 1, sizeof ear->sig - sizeof ear->sig[0]);
    memmove(ear->len, ear->len + 1, sizeof ear->len - sizeof ear->len[0]);
    ear->sig[SIM_HISTORY - 1] = ear->run_sig;
    ear->len[SIM_HISTORY - 1] = (uint16_t)(ear->run < 60000 ? ear->run : 60000);
    if (ear->segments < SIM_HISTORY) ear->segments++;
}

/* names of windows to runs: a new one counts, from its first step, once it has held */
static bool follow(sim_ear_t *ear, int name)
{
    if (name == ear->run_sig) {
        ear->run += ear->next + 1;
        ear->next = 0;
        return false;
    }
    if (name != ear->next_sig || !ear->next) {
        ear->run += ear->next;
        ear->next = 0;
        ear->next_sig = (int8_t)name;
    }
    if (++ear->next < SETTLE) return false;
    if (ear->segments || ear->run_sig != SILENT) push_segment(ear);
    ear->run_sig = ear->next_sig;
    ear->run = ear->next;
    ear->next = 0;
    return true;
}

static bool near(uint32_t heard, uint32_t wanted, uint32_t *error)
{
    uint32_t off = heard > wanted ? heard - wanted : wanted - heard;
    *error += off;
    return off * 100 <= wanted * 15 + 300;   /* 15 % + 3 steps */
}

/* do the last `need` segments and the run agree with the cadence, if the run is segment k? */
static bool agrees(const sim_ear_t *ear, const struct sim_plan_tone *t, uint32_t k, uint32_t *error)
{
    uint32_t ignored = 0;
    if (ear->segments < t->need || t->sig[k] != ear->run_sig) return false;
    if (ear->run > t->len[k] && !near(ear->run, t->len[k], &ignored)) return false;
    if (t->need == 1 && (ear->run_sig != SILENT || ear->run < 60)) return false;
    for (uint32_t i = 1; i <= t->need; i++) {
        uint32_t j = (k + t->segments * 8 - i) % t->segments;
        if (ear->sig[SIM_HISTORY - i] != t->sig[j]) return false;
        if (!near(ear->len[SIM_HISTORY - i], t->len[j], error)) return false;
    }
    return true;
}

static const struct sim_plan_tone *find_tone(const sim_ear_t *ear, const sim_plan_t *plan)
{
    const struct sim_plan_tone *best = NULL;
    uint32_t best_error = UINT32_MAX;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct sim_plan_tone *t = &plan->tone[i];
        if (t->segments == 1 && ear->run_sig == t->sig[0] && ear->run >= t->confirm) return t;
        for (uint32_t k = 0; t->segments > 1 && k < t->segments; k++) {
            uint32_t error = 0;
            if (!agrees(ear, t, k, &error) || error / t->need >= best_error) continue;
            best = t;
            best_error = error / t->need;
        }
    }
    return best;
}

static const struct sim_plan_tone *tone_by_id(const sim_plan_t *plan, uint32_t id)
{
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->tone[i].id == id) return &plan->tone[i];
    return NULL;
}

/* the tone that was told goes on as long as no run outlasts what it may be */
static bool goes_on(const sim_ear_t *ear, const sim_plan_t *plan)
{
    const struct sim_plan_tone *t = tone_by_id(plan, ear->tone);
    uint32_t longest = 0;
    bool known = ear->run_sig == SILENT;
    if (!t) return false;
    for (uint32_t i = 0; i < t->segments; i++) {
        if (t->sig[i] != ear->run_sig) continue;
        known = true;
        if (t->len[i] > longest) longest = t->len[i];
        if (t->segments == 1) return true;
    }
    if (!known) return ear->run < 10;        /* chosen: 100 ms of something else */
    return ear->run <= longest + longest * 15 / 100 + 10;
}

static void tone_step(sim_ear_t *ear, const sim_plan_t *plan, uint64_t end, sim_heard_t *out)
{
    const struct sim_plan_tone *t = find_tone(ear, plan);
    uint32_t now = t ? t->id : ear->tone && goes_on(ear, plan) ? ear->tone : 0;
    if (now != ear->tone) {
        const struct sim_plan_tone *old = tone_by_id(plan, ear->tone);
        if (old && old->segments == 1) ear->segments = 0;      /* its run is no cadence's burst */
        ear->tone = now;
        out->tone = true;
        out->tone_id = now;
        ear->tone_begun = end - (uint64_t)ear->run * SIM_SUB;
    }
    /* nothing to wait for any more: forget, so that silence costs nothing */
    if (!ear->tone && ear->run_sig == SILENT && ear->run > 600) ear->segments = 0;
}

static void speech_step(sim_ear_t *ear, bool sound, uint64_t end, sim_heard_t *out)
{
    if (sound) {
        if (!ear->speech_score) ear->speech_begun = end - SIM_SUB;
        if (ear->speech_score < SPEECH_ON) ear->speech_score++;
        ear->speech_last = end;
        ear->speech_hang = 0;
        ear->speech_level = ear->w.total;
    } else if (!ear->speech && ear->speech_score) {
        ear->speech_score--;
    } else if (ear->speech && ++ear->speech_hang >= SPEECH_HANG) {
        ear->speech = false;
        ear->speech_score = 0;
        out->speech_end = true;
    }
    if (ear->speech || ear->speech_score < SPEECH_ON) return;
    ear->speech = true;
    ear->speech_hang = 0;
    out->speech_begin = true;
}

void sim_ear_run(sim_ear_t *ear, const sim_plan_t *plan, const float *x, uint64_t end, bool digit,
                 sim_heard_t *out)
{
    memset(out, 0, sizeof *out);
    sim_window_run(&ear->w, &plan->bank, x);
    int name = name_window(&ear->w, plan);
    if (follow(ear, name) && ear->run_sig >= 0) ear->tone_level = 0;
    /* the loudest window of the burst: those at its edges hold silence, too */
    if (name >= 0 && ear->w.total > ear->tone_level) ear->tone_level = ear->w.total;
    tone_step(ear, plan, end, out);
    speech_step(ear, name == OTHER && !digit, end, out);
}
