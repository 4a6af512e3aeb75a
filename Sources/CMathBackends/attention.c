// Softmax attention, a head at a time: its scores stay in the second cache between the products and the softmax.
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"

struct attention_arguments {
    mb_backend *backend;
    const mb_attention *x;
    const void *d_o;
    void *dqkv;
    float *dp;
    _Atomic int status;
};

static size_t bytes(const mb_attention *x) { return x->type == MB_BF16 ? 2 : 4; }
static const char *at(const mb_attention *x, const void *base, size_t element) {
    return (const char *)base + element * bytes(x);
}

// rows x columns of `a` (tokens x depth, in qkv or o) by `b`, one head.
static int multiply(struct attention_arguments *s, int thread, size_t m, size_t n, size_t k, const void *a,
                    size_t a_row, size_t a_column, const void *b, size_t b_row, size_t b_column, void *c, size_t c_row,
                    int c_half) {
    const mb_product product = {.m = m, .n = n, .k = k, .type = s->x->type, .a = a, .a_row = a_row,
                                .a_column = a_column, .b = b, .b_row = b_row, .b_column = b_column, .c = c,
                                .c_row = c_row, .c_half = c_half};
    return mb_multiply_here(s->backend, thread, &product);
}

static void forward_task(void *context, int thread, int threads) {
    struct attention_arguments *s = context;
    const mb_attention *x = s->x;
    const int half = x->type == MB_BF16;
    const size_t t = x->tokens, d = x->depth, width = x->heads * d, head_size = t * t;
    const float scale = 1 / sqrtf((float)d);
    float *scores = ck_team_scratch(s->backend->team, thread, head_size * 4 + head_size * bytes(x));
    if (!scores) {
        atomic_store(&s->status, -5);
        return;
    }
    size_t first, last;
    ck_share(x->batch * x->heads, 1, thread, threads, &first, &last);
    for (size_t i = first; i < last; i++) {
        const size_t sample = i / x->heads, head = i % x->heads, row = sample * t * 3 * width + head * d;
        const char *q = at(x, x->qkv, row), *k = at(x, x->qkv, row + width), *v = at(x, x->qkv, row + 2 * width);
        char *p = x->p ? (char *)x->p + i * head_size * bytes(x) : (char *)(scores + head_size);
        char *o = (char *)x->o + (sample * t * width + head * d) * bytes(x);
        int status = multiply(s, thread, t, t, d, q, 3 * width, 1, k, 1, 3 * width, scores, t, 0);
        if (status == 0) {
            ck_softmax_rows(scores, scale, p, half, t, t);
            status = multiply(s, thread, t, d, t, p, t, 1, v, 3 * width, 1, o, width, half);
        }
        if (status != 0) atomic_store(&s->status, status);
    }
}
int mb_attend(mb_backend *backend, const mb_attention *attention) {
    struct attention_arguments s = {.backend = backend, .x = attention};
    ck_team_run(backend->team, forward_task, &s);
    return atomic_load(&s.status);
}

static void backward_task(void *context, int thread, int threads) {
    struct attention_arguments *s = context;
    const mb_attention *x = s->x;
    const int half = x->type == MB_BF16;
    const size_t t = x->tokens, d = x->depth, width = x->heads * d, head_size = t * t;
    const float scale = 1 / sqrtf((float)d);
    float *scratch = ck_team_scratch(s->backend->team, thread, head_size * 4 + head_size * bytes(x));
    if (!scratch) {
        atomic_store(&s->status, -5);
        return;
    }
    size_t first, last;
    ck_share(x->batch * x->heads, 1, thread, threads, &first, &last);
    for (size_t i = first; i < last; i++) {
        const size_t sample = i / x->heads, head = i % x->heads, row = sample * t * 3 * width + head * d;
        const char *q = at(x, x->qkv, row), *k = at(x, x->qkv, row + width), *v = at(x, x->qkv, row + 2 * width);
        char *dq = (char *)s->dqkv + row * bytes(x), *dk = dq + width * bytes(x), *dv = dk + width * bytes(x);
        const char *p = at(x, x->p, i * head_size), *d_o = at(x, s->d_o, sample * t * width + head * d);
        float *dp = s->dp ? s->dp + i * head_size : scratch;
        void *ds = scratch + head_size;
        int status = multiply(s, thread, t, t, d, d_o, width, 1, v, 1, 3 * width, dp, t, 0);
        if (status == 0) status = multiply(s, thread, t, d, t, p, 1, t, d_o, width, 1, dv, 3 * width, half);
        if (status == 0) {
            ck_softmax_rows_backward(p, dp, scale, ds, half, t, t);
            status = multiply(s, thread, t, d, t, ds, t, 1, k, 3 * width, 1, dq, 3 * width, half);
        }
        if (status == 0) status = multiply(s, thread, t, d, t, ds, 1, t, q, 3 * width, 1, dk, 3 * width, half);
        if (status != 0) atomic_store(&s->status, status);
    }
}
int mb_attend_backward(mb_backend *backend, const mb_attention *attention, const void *d_o, void *dqkv, float *dp) {
    struct attention_arguments s = {.backend = backend, .x = attention, .d_o = d_o, .dqkv = dqkv, .dp = dp};
    ck_team_run(backend->team, backward_task, &s);
    return atomic_load(&s.status);
}
