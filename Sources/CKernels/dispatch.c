// Knows the kernels' instruction sets and splits their work over a team.
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "table.h"

const ck_table *ck_table_of(ck_level level) {
#if defined(__x86_64__)
    if (level == CK_AVX512) return &ck_table_avx512;
    if (level == CK_AVX2) return &ck_table_avx2;
#endif
    (void)level;
    return &ck_table_scalar;
}
ck_level ck_best_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return CK_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CK_AVX2;
#endif
    return CK_SCALAR;
}
int ck_has_bf16_products(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") && ck_best_level() == CK_AVX512;
#else
    return 0;
#endif
}
#if defined(__x86_64__)
// Whether the processor has AMX's tiles and the system keeps their state.
static int has_tiles(void) {
    unsigned a, b, c, d;
    const unsigned xsave = 1u << 27, amx_bf16 = 1u << 22, tile_state = 3u << 17;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & xsave)) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & amx_bf16)) return 0;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (a & tile_state) == tile_state;
}
#endif
int ck_bf16_is_faster(void) {
#if defined(__x86_64__)
    return ck_has_bf16_products() && (has_tiles() || !__builtin_cpu_is("intel"));
#else
    return 0;
#endif
}

// Rows, columns or elements of each thread: `body` sees first, last and the arguments it captured as a struct.
#define ON_TEAM(name, fields, body)                                          \
    struct name##_arguments { const ck_table *k; ck_team *team; fields };    \
    static void name##_task(void *context, int thread, int threads) {        \
        const struct name##_arguments *a = context;                          \
        size_t first, last;                                                  \
        body                                                                 \
    }
// Fixed chunks of long vectors: results never depend on the number of threads.
enum { CHUNK = 1 << 16, LINE = 64, COLUMNS = 32 };

ON_TEAM(layernorm_forward, const float *x; const float *gamma; const float *beta; void *out; int half; float *mean;
        float *rstd; size_t rows; size_t width; float eps;, {
    ck_share(a->rows, 1, thread, threads, &first, &last);
    const size_t at = first * a->width;
    a->k->layernorm_forward(a->x + at, a->gamma, a->beta, (char *)a->out + at * (a->half ? 2 : 4), a->half,
                            a->mean + first, a->rstd + first, last - first, a->width, a->eps);
})
void ck_layernorm_forward(ck_team *team, const float *x, const float *gamma, const float *beta, void *out, int half,
                          float *mean, float *rstd, size_t rows, size_t width, float eps) {
    struct layernorm_forward_arguments a = {ck_kernels(team), team, x, gamma, beta, out, half, mean, rstd, rows, width, eps};
    ck_team_run(team, layernorm_forward_task, &a);
}

// The parameters' gradients are summed over a thread's rows, then over the threads in order.
ON_TEAM(layernorm_backward, const float *x; const float *gamma; const float *dout; const float *mean; const float *rstd;
        const float *residual; float *dx; float **partial; size_t rows; size_t width;, {
    ck_share(a->rows, 1, thread, threads, &first, &last);
    const size_t at = first * a->width;
    float *partial = NULL;
    if (a->partial) {
        partial = a->partial[thread];
        memset(partial, 0, 2 * a->width * sizeof(float));
    }
    a->k->layernorm_backward(a->x + at, a->gamma, a->dout + at, a->mean + first, a->rstd + first,
                             a->residual ? a->residual + at : NULL, a->dx + at, partial,
                             partial ? partial + a->width : NULL, last - first, a->width);
})
void ck_layernorm_backward(ck_team *team, const float *x, const float *gamma, const float *dout, const float *mean,
                           const float *rstd, const float *residual, float *dx, float *dgamma, float *dbeta,
                           int accumulate, size_t rows, size_t width) {
    const int threads = ck_team_threads(team);
    float *partial[threads];
    for (int t = 0; dgamma && t < threads; t++) {
        partial[t] = ck_team_scratch(team, t, 2 * width * sizeof(float));
        if (!partial[t]) abort();
    }
    struct layernorm_backward_arguments a = {ck_kernels(team), team, x, gamma, dout, mean, rstd, residual, dx,
                                             dgamma ? partial : NULL, rows, width};
    ck_team_run(team, layernorm_backward_task, &a);
    if (!dgamma) return;
    if (!accumulate) {
        memset(dgamma, 0, width * sizeof(float));
        memset(dbeta, 0, width * sizeof(float));
    }
    for (int t = 0; t < threads; t++) {
        a.k->axpy(1, partial[t], dgamma, width);
        a.k->axpy(1, partial[t] + width, dbeta, width);
    }
}

ON_TEAM(bias_gelu_forward, const float *in; const float *bias; void *pre; void *act; int half; size_t rows;
        size_t width;, {
    ck_share(a->rows, 1, thread, threads, &first, &last);
    const size_t at = first * a->width;
    const size_t bytes = at * (a->half ? 2 : 4);
    a->k->bias_gelu_forward(a->in + at, a->bias, a->pre ? (char *)a->pre + bytes : NULL, (char *)a->act + bytes,
                            a->half, last - first, a->width);
})
void ck_bias_gelu_forward(ck_team *team, const float *in, const float *bias, void *pre, void *act, int half,
                          size_t rows, size_t width) {
    struct bias_gelu_forward_arguments a = {ck_kernels(team), team, in, bias, pre, act, half, rows, width};
    ck_team_run(team, bias_gelu_forward_task, &a);
}

ON_TEAM(gelu_backward, const float *dact; const void *pre; void *dpre; int half; float *dbias; int accumulate;
        size_t rows; size_t width;, {
    ck_share(a->width, COLUMNS, thread, threads, &first, &last);
    a->k->gelu_backward(a->dact, a->pre, a->dpre, a->half, a->dbias, a->accumulate, a->rows, a->width, first, last);
})
void ck_gelu_backward(ck_team *team, const float *dact, const void *pre, void *dpre, int half, float *dbias,
                      int accumulate, size_t rows, size_t width) {
    struct gelu_backward_arguments a = {ck_kernels(team), team, dact, pre, dpre, half, dbias, accumulate, rows, width};
    ck_team_run(team, gelu_backward_task, &a);
}

ON_TEAM(bias_residual, const float *x; const float *in; const float *bias; float *out; size_t rows; size_t width;, {
    ck_share(a->rows, 1, thread, threads, &first, &last);
    const size_t at = first * a->width;
    a->k->bias_residual(a->x + at, a->in + at, a->bias, a->out + at, last - first, a->width);
})
void ck_bias_residual(ck_team *team, const float *x, const float *in, const float *bias, float *out, size_t rows,
                      size_t width) {
    struct bias_residual_arguments a = {ck_kernels(team), team, x, in, bias, out, rows, width};
    ck_team_run(team, bias_residual_task, &a);
}

ON_TEAM(column_sum_cast, const float *in; void *out; int half; float *dbias; int accumulate; size_t rows;
        size_t width;, {
    ck_share(a->width, COLUMNS, thread, threads, &first, &last);
    a->k->column_sum_cast(a->in, a->out, a->half, a->dbias, a->accumulate, a->rows, a->width, first, last);
})
void ck_column_sum_cast(ck_team *team, const float *in, void *out, int half, float *dbias, int accumulate, size_t rows,
                        size_t width) {
    struct column_sum_cast_arguments a = {ck_kernels(team), team, in, out, half, dbias, accumulate, rows, width};
    ck_team_run(team, column_sum_cast_task, &a);
}

ON_TEAM(to_half, const float *in; uint16_t *out; size_t count;, {
    ck_share(a->count, LINE, thread, threads, &first, &last);
    a->k->to_half(a->in + first, a->out + first, last - first);
})
void ck_to_half(ck_team *team, const float *in, uint16_t *out, size_t count) {
    struct to_half_arguments a = {ck_kernels(team), team, in, out, count};
    ck_team_run(team, to_half_task, &a);
}
ON_TEAM(from_half, const uint16_t *in; float *out; size_t count;, {
    ck_share(a->count, LINE, thread, threads, &first, &last);
    a->k->from_half(a->in + first, a->out + first, last - first);
})
void ck_from_half(ck_team *team, const uint16_t *in, float *out, size_t count) {
    struct from_half_arguments a = {ck_kernels(team), team, in, out, count};
    ck_team_run(team, from_half_task, &a);
}
ON_TEAM(axpy, float factor; const float *x; float *y; size_t count;, {
    ck_share(a->count, LINE, thread, threads, &first, &last);
    a->k->axpy(a->factor, a->x + first, a->y + first, last - first);
})
void ck_axpy(ck_team *team, float factor, const float *x, float *y, size_t count) {
    struct axpy_arguments a = {ck_kernels(team), team, factor, x, y, count};
    ck_team_run(team, axpy_task, &a);
}
ON_TEAM(transpose_bias, const float *in; const float *bias; void *out; int half; size_t rows; size_t a_; size_t b_;, {
    ck_share(a->rows, 1, thread, threads, &first, &last);
    const size_t at = first * a->a_ * a->b_;
    a->k->transpose_bias(a->in + at, a->bias, (char *)a->out + at * (a->half ? 2 : 4), a->half, last - first, a->a_,
                         a->b_);
})
void ck_transpose_bias(ck_team *team, const float *in, const float *bias, void *out, int half, size_t rows, size_t x,
                       size_t y) {
    struct transpose_bias_arguments a = {ck_kernels(team), team, in, bias, out, half, rows, x, y};
    ck_team_run(team, transpose_bias_task, &a);
}

// Chunks go to threads in turn; their sums are added in order.
ON_TEAM(reduce, const float *x; const float *y; float *grad; float scale; size_t count; double *sums;, {
    first = last = 0;
    for (size_t c = (size_t)thread; c * CHUNK < a->count; c += (size_t)threads) {
        first = c * CHUNK;
        last = first + CHUNK < a->count ? first + CHUNK : a->count;
        a->sums[c] = a->y ? a->k->l1(a->x + first, a->y + first, a->grad ? a->grad + first : NULL, a->scale,
                                     last - first)
                          : a->k->sum_of_squares(a->x + first, last - first);
    }
})
static double reduce(ck_team *team, const float *x, const float *y, float *grad, float scale, size_t count) {
    const size_t chunks = (count + CHUNK - 1) / CHUNK;
    double *sums = calloc(chunks ? chunks : 1, sizeof *sums), total = 0;
    if (!sums) abort();
    struct reduce_arguments a = {ck_kernels(team), team, x, y, grad, scale, count, sums};
    ck_team_run(team, reduce_task, &a);
    for (size_t c = 0; c < chunks; c++) total += sums[c];
    free(sums);
    return total;
}
double ck_l1(ck_team *team, const float *o, const float *g, float *grad, float scale, size_t count) {
    return reduce(team, o, g, grad, scale, count);
}
double ck_sum_of_squares(ck_team *team, const float *x, size_t count) {
    return reduce(team, x, NULL, NULL, 0, count);
}

// One task for every optimiser; chunks in turn, so that both threads walk through memory together.
ON_TEAM(optimise, const ck_adam *adam; const ck_sgd *sgd; float *w; uint16_t *high; int16_t *low; const float *g;
        float *m; float *v; size_t count;, {
    for (size_t c = (size_t)thread; c * CHUNK < a->count; c += (size_t)threads) {
        first = c * CHUNK;
        last = first + CHUNK < a->count ? first + CHUNK : a->count;
        const size_t n = last - first;
        if (a->adam && a->w) a->k->adam(a->adam, a->w + first, a->g + first, a->m + first, a->v + first, n);
        else if (a->adam)
            a->k->adam_split(a->adam, a->high + first, a->low + first, a->g + first, a->m + first, a->v + first, n);
        else if (a->w) a->k->sgd(a->sgd, a->w + first, a->g + first, a->m + first, n);
        else a->k->sgd_split(a->sgd, a->high + first, a->low + first, a->g + first, a->m + first, n);
    }
})
void ck_adam_step(ck_team *team, const ck_adam *o, float *w, const float *g, float *m, float *v, size_t count) {
    struct optimise_arguments a = {ck_kernels(team), team, o, NULL, w, NULL, NULL, g, m, v, count};
    ck_team_run(team, optimise_task, &a);
}
void ck_adam_step_split(ck_team *team, const ck_adam *o, uint16_t *high, int16_t *low, const float *g, float *m,
                        float *v, size_t count) {
    struct optimise_arguments a = {ck_kernels(team), team, o, NULL, NULL, high, low, g, m, v, count};
    ck_team_run(team, optimise_task, &a);
}
void ck_sgd_step(ck_team *team, const ck_sgd *o, float *w, const float *g, float *m, size_t count) {
    struct optimise_arguments a = {ck_kernels(team), team, NULL, o, w, NULL, NULL, g, m, NULL, count};
    ck_team_run(team, optimise_task, &a);
}
void ck_sgd_step_split(ck_team *team, const ck_sgd *o, uint16_t *high, int16_t *low, const float *g, float *m,
                       size_t count) {
    struct optimise_arguments a = {ck_kernels(team), team, NULL, o, NULL, high, low, g, m, NULL, count};
    ck_team_run(team, optimise_task, &a);
}

ON_TEAM(planes, float *w; uint16_t *high; int16_t *low; int join; size_t count;, {
    ck_share(a->count, LINE, thread, threads, &first, &last);
    if (a->join) a->k->join(a->high + first, a->low + first, a->w + first, last - first);
    else a->k->split(a->w + first, a->high + first, a->low + first, last - first);
})
void ck_split(ck_team *team, const float *w, uint16_t *high, int16_t *low, size_t count) {
    struct planes_arguments a = {ck_kernels(team), team, (float *)(uintptr_t)w, high, low, 0, count};
    ck_team_run(team, planes_task, &a);
}
void ck_join(ck_team *team, const uint16_t *high, const int16_t *low, float *w, size_t count) {
    struct planes_arguments a = {ck_kernels(team), team, w, (uint16_t *)(uintptr_t)high, (int16_t *)(uintptr_t)low, 1, count};
    ck_team_run(team, planes_task, &a);
}

void ck_softmax_rows(const ck_team *team, float *in, float scale, void *out, int half, size_t rows, size_t width) {
    ck_kernels(team)->softmax(in, scale, out, half, rows, width);
}
void ck_softmax_rows_backward(const ck_team *team, const void *p, const float *dp, float scale, void *ds, int half, size_t rows,
                              size_t width) {
    ck_kernels(team)->softmax_backward(p, dp, scale, ds, half, rows, width);
}
