// Convolutions of cubes, channels last, as products: a thread gathers what a block of rows sees into a matrix that stays
// in its caches and multiplies it with the weights. Work is shared out by blocks, each written by one thread.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"

// Bytes of gathered rows at a time.
enum { BLOCK_BYTES = 1 << 20, MOST_ROWS = 1024, LEAST_ROWS = 32 };

static size_t result_size(const mb_convolution *c) { return (c->size - 1) / c->stride + 1; }
static size_t cube(size_t n) { return n * n * n; }
static size_t block_rows(size_t width) {
    const size_t rows = BLOCK_BYTES / (width * sizeof(float)) / LEAST_ROWS * LEAST_ROWS;
    return rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
}

// The taps of one axis that meet values `step` apart, read one after the other from place * step + first.
struct taps {
    long first;
    size_t count, step;
};
// Copies the neighbourhood of a place, (z.count, y.count, x.count, channels), zeros beyond the cube's faces.
static void gather(const float *cube_values, size_t size, size_t channels, const struct taps *t, const size_t *place,
                   float *out) {
    long from[3];
    for (int axis = 0; axis < 3; axis++) from[axis] = (long)(place[axis] * t[axis].step) + t[axis].first;
    const size_t line = t[2].count * channels;
    long x0 = from[2] < 0 ? -from[2] : 0, x1 = (long)size - from[2];
    if (x1 > (long)t[2].count) x1 = (long)t[2].count;
    if (x1 < x0) x1 = x0;
    for (size_t a = 0; a < t[0].count; a++)
        for (size_t b = 0; b < t[1].count; b++, out += line) {
            const long z = from[0] + (long)a, y = from[1] + (long)b;
            if (z < 0 || y < 0 || z >= (long)size || y >= (long)size || x1 == x0) {
                memset(out, 0, line * sizeof(float));
                continue;
            }
            if (x0 > 0) memset(out, 0, (size_t)x0 * channels * sizeof(float));
            const size_t at = (((size_t)z * size + (size_t)y) * size + (size_t)(from[2] + x0)) * channels;
            memcpy(out + (size_t)x0 * channels, cube_values + at, (size_t)(x1 - x0) * channels * sizeof(float));
            if ((size_t)x1 < t[2].count)
                memset(out + (size_t)x1 * channels, 0, (t[2].count - (size_t)x1) * channels * sizeof(float));
        }
}
// Rows first ..< last of (sample, z, y, x), `n` places along each axis.
static void gather_rows(const float *values, size_t size, size_t channels, const struct taps *t, const size_t *n,
                        size_t first, size_t last, float *out) {
    const size_t width = t[0].count * t[1].count * t[2].count * channels, places = n[0] * n[1] * n[2];
    for (size_t row = first; row < last; row++, out += width) {
        const size_t place[3] = {row / (n[1] * n[2]) % n[0], row / n[2] % n[1], row % n[2]};
        gather(values + row / places * cube(size) * channels, size, channels, t, place, out);
    }
}

struct arguments {
    mb_backend *backend;
    const mb_convolution *c;
    const float *x, *w, *dy;
    float *y, *dx, *dw, **partial;
    int accumulate;
    // Of the gradient of x: places whose coordinates leave these rests.
    struct taps taps[3];
    size_t rest[3], places[3];
    _Atomic int status;
};

static void note(struct arguments *s, int status) {
    if (status != 0) atomic_store(&s->status, status);
}

// A thread's rows of places of y, of which the values of x that their taps meet are gathered block by block.
struct pass {
    size_t n, k, step, first, last;
    struct taps taps[3];
    float *seen;
};
static int begin_pass(struct arguments *s, int thread, int threads, struct pass *p) {
    const mb_convolution *c = s->c;
    p->n = result_size(c);
    p->k = cube(c->kernel) * c->in;
    p->step = block_rows(p->k);
    for (int axis = 0; axis < 3; axis++) p->taps[axis] = (struct taps){-(long)(c->kernel / 2), c->kernel, c->stride};
    p->seen = ck_team_scratch(s->backend->team, thread, p->step * p->k * sizeof(float));
    if (!p->seen) {
        note(s, -5);
        return 0;
    }
    ck_share(c->batch * cube(p->n), p->step, thread, threads, &p->first, &p->last);
    return 1;
}
static size_t gather_block(const struct arguments *s, const struct pass *p, size_t row) {
    const size_t m = p->last - row < p->step ? p->last - row : p->step, places[3] = {p->n, p->n, p->n};
    gather_rows(s->x, s->c->size, s->c->in, p->taps, places, row, row + m, p->seen);
    return m;
}

static void forward_task(void *context, int thread, int threads) {
    struct arguments *s = context;
    const mb_convolution *c = s->c;
    struct pass p;
    if (!begin_pass(s, thread, threads, &p)) return;
    for (size_t row = p.first; row < p.last; row += p.step) {
        const size_t m = gather_block(s, &p, row);
        const mb_product product = {.m = m, .n = c->out, .k = p.k, .type = MB_F32, .a = p.seen, .a_row = p.k,
                                    .a_column = 1, .b = s->w, .b_row = 1, .b_column = p.k, .c = s->y + row * c->out,
                                    .c_row = c->out};
        note(s, mb_multiply_here(s->backend, thread, &product));
    }
}
int mb_convolve(mb_backend *backend, const mb_convolution *c, const float *x, const float *w, float *y) {
    struct arguments s = {.backend = backend, .c = c, .x = x, .w = w, .y = y};
    ck_team_run(backend->team, forward_task, &s);
    return atomic_load(&s.status);
}

// A place of x is met by the taps t for which place + padding - t is a multiple of the stride. Places of equal rests have
// the same taps; read from the last tap to the first, they meet neighbours of y one after the other.
static void data_taps(const mb_convolution *c, size_t rest, struct taps *t, size_t *places, size_t *last_tap) {
    const long padding = (long)(c->kernel / 2), stride = (long)c->stride;
    *t = (struct taps){0, 0, 1};
    *places = c->size > rest ? (c->size - rest - 1) / c->stride + 1 : 0;
    for (long tap = (long)c->kernel - 1; tap >= 0; tap--) {
        const long meets = (long)rest + padding - tap;
        if (((meets % stride) + stride) % stride != 0) continue;
        if (t->count == 0) {
            t->first = meets / stride;
            *last_tap = (size_t)tap;
        }
        t->count++;
    }
}

static void data_task(void *context, int thread, int threads) {
    struct arguments *s = context;
    const mb_convolution *c = s->c;
    const size_t taps = s->taps[0].count * s->taps[1].count * s->taps[2].count, k = taps * c->out;
    const size_t rows = c->batch * s->places[0] * s->places[1] * s->places[2], step = block_rows(k ? k : 1);
    const size_t seen_values = step * k;
    float *seen = ck_team_scratch(s->backend->team, thread, (seen_values + step * c->in) * sizeof(float));
    if (!seen) {
        note(s, -5);
        return;
    }
    float *made = seen + seen_values;
    size_t first, last;
    ck_share(rows, step, thread, threads, &first, &last);
    for (size_t row = first; row < last; row += step) {
        const size_t m = last - row < step ? last - row : step;
        float *result = c->stride == 1 ? s->dx + row * c->in : made;
        if (taps == 0) {
            memset(result, 0, m * c->in * sizeof(float));
        } else {
            gather_rows(s->dy, result_size(c), c->out, s->taps, s->places, row, row + m, seen);
            const mb_product product = {.m = m, .n = c->in, .k = k, .type = MB_F32, .a = seen, .a_row = k, .a_column = 1,
                                        .b = s->w, .b_row = c->in, .b_column = 1, .c = result, .c_row = c->in};
            note(s, mb_multiply_here(s->backend, thread, &product));
        }
        if (c->stride == 1) continue;
        for (size_t i = 0; i < m; i++) {
            const size_t n1 = s->places[1], n2 = s->places[2], r = row + i, sample = r / (s->places[0] * n1 * n2);
            const size_t z = r / (n1 * n2) % s->places[0] * c->stride + s->rest[0];
            const size_t y = r / n2 % n1 * c->stride + s->rest[1], x = r % n2 * c->stride + s->rest[2];
            memcpy(s->dx + (((sample * c->size + z) * c->size + y) * c->size + x) * c->in, made + i * c->in,
                   c->in * sizeof(float));
        }
    }
}
int mb_convolve_data(mb_backend *backend, const mb_convolution *c, const float *dy, const float *w, float *dx) {
    struct arguments s = {.backend = backend, .c = c, .dy = dy, .dx = dx};
    const size_t k = c->kernel, block = c->in;
    float *packed = malloc(cube(k) * c->out * c->in * sizeof(float));
    if (!packed) return -5;
    for (size_t a = 0; a < c->stride; a++)
        for (size_t b = 0; b < c->stride; b++)
            for (size_t d = 0; d < c->stride; d++) {
                size_t last[3] = {0, 0, 0};
                const size_t rest[3] = {a, b, d};
                for (int axis = 0; axis < 3; axis++) {
                    s.rest[axis] = rest[axis];
                    data_taps(c, rest[axis], &s.taps[axis], &s.places[axis], &last[axis]);
                }
                // Weights of these taps, (tap, out, in).
                float *to = packed;
                for (size_t i = 0; i < s.taps[0].count; i++)
                    for (size_t j = 0; j < s.taps[1].count; j++)
                        for (size_t l = 0; l < s.taps[2].count; l++) {
                            const size_t z = last[0] - i * c->stride, y = last[1] - j * c->stride,
                                         x = last[2] - l * c->stride, tap = (z * k + y) * k + x;
                            for (size_t o = 0; o < c->out; o++, to += block)
                                memcpy(to, w + (o * cube(k) + tap) * block, block * sizeof(float));
                        }
                s.w = packed;
                ck_team_run(backend->team, data_task, &s);
            }
    free(packed);
    return atomic_load(&s.status);
}

static void weights_task(void *context, int thread, int threads) {
    struct arguments *s = context;
    const mb_convolution *c = s->c;
    float *own = s->partial[thread];
    struct pass p;
    if (!begin_pass(s, thread, threads, &p)) return;
    int adds = thread == 0 && s->accumulate;
    for (size_t row = p.first; row < p.last; row += p.step, adds = 1) {
        const size_t m = gather_block(s, &p, row);
        const mb_product product = {.m = c->out, .n = p.k, .k = m, .type = MB_F32, .a = s->dy + row * c->out, .a_row = 1,
                                    .a_column = c->out, .b = p.seen, .b_row = p.k, .b_column = 1, .c = own,
                                    .c_row = p.k, .accumulate = adds};
        note(s, mb_multiply_here(s->backend, thread, &product));
    }
    if (!adds) memset(own, 0, c->out * p.k * sizeof(float));
}
int mb_convolve_weights(mb_backend *backend, const mb_convolution *c, const float *x, const float *dy, float *dw,
                        int accumulate) {
    const int threads = backend->threads;
    const size_t values = c->out * cube(c->kernel) * c->in;
    float *partial[threads];
    partial[0] = dw;
    float *others = threads > 1 ? malloc((size_t)(threads - 1) * values * sizeof(float)) : NULL;
    if (threads > 1 && !others) return -5;
    for (int t = 1; t < threads; t++) partial[t] = others + (size_t)(t - 1) * values;
    struct arguments s = {.backend = backend, .c = c, .x = x, .dy = dy, .partial = partial, .accumulate = accumulate};
    ck_team_run(backend->team, weights_task, &s);
    // In the order of the threads.
    for (int t = 1; t < threads; t++) ck_axpy(backend->team, 1, partial[t], dw, values);
    free(others);
    return atomic_load(&s.status);
}
