// The thread team: workers spin briefly for the next task, then sleep on a futex, so that short kernels follow each other
// without a system call and an idle team costs nothing.
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "table.h"

enum { SPINS = 20000 };

struct worker {
    ck_team *team;
    int index;
    pthread_t thread;
};
struct scratch {
    void *memory;
    size_t bytes;
};
struct ck_team {
    int threads;
    _Atomic uint32_t generation;  // grows by one for each task
    _Atomic uint32_t finished;    // workers done with the current task
    _Atomic int sleepers;         // threads asleep on either word, or about to be
    _Atomic int stopping;
    ck_task task;
    void *context;
    const ck_table *kernels;
    struct worker *workers;
    struct scratch *scratch;
};

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}
static void await_change(ck_team *team, _Atomic uint32_t *word, uint32_t old) {
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != old) return;
        relax();
    }
    // Sequentially consistent: either the sleeper sees the new word, or who changed it sees the sleeper.
    atomic_fetch_add(&team->sleepers, 1);
    while (atomic_load(word) == old) syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
    atomic_fetch_sub(&team->sleepers, 1);
}
static void announce(ck_team *team, _Atomic uint32_t *word) {
    atomic_fetch_add(word, 1);
    if (atomic_load(&team->sleepers) > 0) syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1 << 30, NULL, NULL, 0);
}

static void *work(void *argument) {
    struct worker *self = argument;
    ck_team *team = self->team;
    uint32_t seen = 0;
    for (;;) {
        await_change(team, &team->generation, seen);
        seen++;
        if (atomic_load(&team->stopping)) return NULL;
        team->task(team->context, self->index, team->threads);
        announce(team, &team->finished);
    }
}

ck_team *ck_team_create(int threads, ck_level level) {
    if (threads < 1 || level > ck_best_level()) return NULL;
    ck_team *team = calloc(1, sizeof *team);
    if (!team) return NULL;
    team->workers = calloc((size_t)threads, sizeof *team->workers);
    team->scratch = calloc((size_t)threads, sizeof *team->scratch);
    team->threads = 1;
    team->kernels = ck_table_of(level);
    if (!team->workers || !team->scratch) {
        ck_team_destroy(team);
        return NULL;
    }
    for (int i = 1; i < threads; i++) {
        team->workers[i] = (struct worker){.team = team, .index = i};
        if (pthread_create(&team->workers[i].thread, NULL, work, &team->workers[i]) != 0) {
            ck_team_destroy(team);
            return NULL;
        }
        team->threads = i + 1;
    }
    return team;
}

void ck_team_destroy(ck_team *team) {
    if (!team) return;
    atomic_store(&team->stopping, 1);
    announce(team, &team->generation);
    for (int i = 1; i < team->threads; i++) pthread_join(team->workers[i].thread, NULL);
    for (int i = 0; i < team->threads && team->scratch; i++) free(team->scratch[i].memory);
    free(team->workers);
    free(team->scratch);
    free(team);
}

int ck_team_threads(const ck_team *team) { return team->threads; }
const ck_table *ck_kernels(const ck_team *team) { return team->kernels; }

void ck_team_run(ck_team *team, ck_task task, void *context) {
    if (team->threads == 1) {
        task(context, 0, 1);
        return;
    }
    team->task = task;
    team->context = context;
    atomic_store_explicit(&team->finished, 0, memory_order_relaxed);
    announce(team, &team->generation);
    task(context, 0, team->threads);
    const uint32_t others = (uint32_t)team->threads - 1;
    uint32_t done;
    while ((done = atomic_load_explicit(&team->finished, memory_order_acquire)) != others)
        await_change(team, &team->finished, done);
}

void *ck_team_scratch(ck_team *team, int thread, size_t bytes) {
    struct scratch *own = &team->scratch[thread];
    if (own->bytes < bytes) {
        free(own->memory);
        const size_t rounded = (bytes + 4095) / 4096 * 4096;
        own->memory = aligned_alloc(64, rounded);
        own->bytes = own->memory ? rounded : 0;
    }
    return own->memory;
}

void ck_share(size_t count, size_t grain, int thread, int threads, size_t *first, size_t *last) {
    const size_t grains = (count + grain - 1) / grain;
    const size_t from = grains * (size_t)thread / (size_t)threads * grain;
    const size_t to = grains * ((size_t)thread + 1) / (size_t)threads * grain;
    *first = from < count ? from : count;
    *last = to < count ? to : count;
}
