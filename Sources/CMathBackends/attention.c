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

// A head's q, k, v or output gradient lies in rows of the whole width: the library's faster kernels want it dense.
static const void *gather(const mb_attention *x, const void *rows, size_t row_stride, void *dense) {
    const size_t line = x->depth * bytes(x);
    for (size_t t = 0; t < x->tokens; t++)
        memcpy((char *)dense + t * line, (const char *)rows + t * row_stride * bytes(x), line);
    return dense;
}

// c (m, n) = a b, one head, in the attention's type.
static int multiply(struct attention_arguments *s, int thread, size_t m, size_t n, size_t k, const void *a,
                    int a_transposed, const void *b, int b_transposed, void *c, size_t c_row, int c_half) {
    const mb_product product = {.m = m, .n = n, .k = k, .type = s->x->type, .a = a, .a_row = a_transposed ? 1 : k,
                                .a_column = a_transposed ? m : 1, .b = b, .b_row = b_transposed ? 1 : n,
                                .b_column = b_transposed ? k : 1, .c = c, .c_row = c_row, .c_half = c_half};
    return mb_multiply_here(s->backend, thread, &product);
}

// Scratch of one thread: scores in fp32, a matrix of the same shape in the attention's type, and four dense heads.
struct head_scratch {
    float *scores;
    void *other, *dense[4];
};
static int head_scratch(struct attention_arguments *s, int thread, struct head_scratch *h) {
    const mb_attention *x = s->x;
    const size_t matrix = (x->tokens * x->tokens + 15) / 16 * 16, head = (x->tokens * x->depth + 31) / 32 * 32;
    char *memory = ck_team_scratch(s->backend->team, thread, matrix * 4 + matrix * bytes(x) + 4 * head * bytes(x));
    if (!memory) return -5;
    h->scores = (float *)memory;
    h->other = memory + matrix * 4;
    for (size_t i = 0; i < 4; i++) h->dense[i] = memory + matrix * 4 + (matrix + i * head) * bytes(x);
    return 0;
}

static void forward_task(void *context, int thread, int threads) {
    struct attention_arguments *s = context;
    const mb_attention *x = s->x;
    const int half = x->type == MB_BF16;
    const size_t t = x->tokens, d = x->depth, width = x->heads * d;
    struct head_scratch h;
    int status = head_scratch(s, thread, &h);
    size_t first, last;
    ck_share(x->batch * x->heads, 1, thread, threads, &first, &last);
    for (size_t i = first; status == 0 && i < last; i++) {
        const size_t sample = i / x->heads, head = i % x->heads, row = sample * t * 3 * width + head * d;
        const void *q = gather(x, at(x, x->qkv, row), 3 * width, h.dense[0]);
        const void *k = gather(x, at(x, x->qkv, row + width), 3 * width, h.dense[1]);
        const void *v = gather(x, at(x, x->qkv, row + 2 * width), 3 * width, h.dense[2]);
        char *p = (char *)x->p + i * t * t * bytes(x);
        char *o = (char *)x->o + (sample * t * width + head * d) * bytes(x);
        status = multiply(s, thread, t, t, d, q, 0, k, 1, h.scores, t, 0);
        if (status != 0) break;
        ck_softmax_rows(s->backend->team, h.scores, 1 / sqrtf((float)d), p, half, t, t);
        status = multiply(s, thread, t, d, t, p, 0, v, 0, o, width, half);
    }
    if (status != 0) atomic_store(&s->status, status);
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
    const size_t t = x->tokens, d = x->depth, width = x->heads * d;
    struct head_scratch h;
    int status = head_scratch(s, thread, &h);
    size_t first, last;
    ck_share(x->batch * x->heads, 1, thread, threads, &first, &last);
    for (size_t i = first; status == 0 && i < last; i++) {
        const size_t sample = i / x->heads, head = i % x->heads, row = sample * t * 3 * width + head * d;
        const void *q = gather(x, at(x, x->qkv, row), 3 * width, h.dense[0]);
        const void *k = gather(x, at(x, x->qkv, row + width), 3 * width, h.dense[1]);
        const void *v = gather(x, at(x, x->qkv, row + 2 * width), 3 * width, h.dense[2]);
        const void *d_o = gather(x, at(x, s->d_o, sample * t * width + head * d), width, h.dense[3]);
        char *dq = (char *)s->dqkv + row * bytes(x), *dk = dq + width * bytes(x), *dv = dk + width * bytes(x);
        const char *p = at(x, x->p, i * t * t);
        float *dp = s->dp ? s->dp + i * t * t : h.scores;
        status = multiply(s, thread, t, t, d, d_o, 0, v, 1, dp, t, 0);
        if (status == 0) status = multiply(s, thread, t, d, t, p, 1, d_o, 0, dv, 3 * width, half);
        if (status != 0) break;
        ck_softmax_rows_backward(s->backend->team, p, dp, 1 / sqrtf((float)d), h.other, half, t, t);
        status = multiply(s, thread, t, d, t, h.other, 0, k, 0, dq, 3 * width, half);
        if (status == 0) status = multiply(s, thread, t, d, t, h.other, 1, q, 0, dk, 3 * width, half);
    }
    if (status != 0) atomic_store(&s->status, status);
}
int mb_attend_backward(mb_backend *backend, const mb_attention *attention, const void *d_o, void *dqkv, float *dp) {
    struct attention_arguments s = {.backend = backend, .x = attention, .d_o = d_o, .dqkv = dqkv, .dp = dp};
    ck_team_run(backend->team, backward_task, &s);
    return atomic_load(&s.status);
}
