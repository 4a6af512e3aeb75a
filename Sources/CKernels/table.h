// The table of one instruction set's kernels: each works on the rows or elements it is given, on the calling thread.
#ifndef CONSILIUM_KERNEL_TABLE_H
#define CONSILIUM_KERNEL_TABLE_H
#include "CKernels.h"

typedef struct {
    void (*layernorm_forward)(const float *x, const float *gamma, const float *beta, void *out, int half, float *mean,
                              float *rstd, size_t rows, size_t width, float eps);
    void (*layernorm_backward)(const float *x, const float *gamma, const float *dout, const float *mean,
                               const float *rstd, const float *residual, float *dx, float *dgamma, float *dbeta,
                               size_t rows, size_t width);
    void (*bias_gelu_forward)(const float *in, const float *bias, void *pre, void *act, int half, size_t rows,
                              size_t width);
    // Columns first ..< last of rows `width` wide.
    void (*gelu_backward)(const float *dact, const void *pre, void *dpre, int half, float *dbias, int accumulate,
                          size_t rows, size_t width, size_t first, size_t last);
    void (*bias_residual)(const float *x, const float *in, const float *bias, float *out, size_t rows, size_t width);
    void (*column_sum_cast)(const float *in, void *out, int half, float *dbias, int accumulate, size_t rows,
                            size_t width, size_t first, size_t last);
    void (*to_half)(const float *in, uint16_t *out, size_t count);
    void (*from_half)(const uint16_t *in, float *out, size_t count);
    void (*axpy)(float a, const float *x, float *y, size_t count);
    void (*transpose_bias)(const float *in, const float *bias, void *out, int half, size_t rows, size_t a, size_t b);
    double (*l1)(const float *o, const float *g, float *grad, float scale, size_t count);
    double (*sum_of_squares)(const float *x, size_t count);
    void (*adam)(const ck_adam *o, float *w, const float *g, float *m, float *v, size_t count);
    void (*adam_split)(const ck_adam *o, uint16_t *high, int16_t *low, const float *g, float *m, float *v,
                       size_t count);
    void (*sgd)(const ck_sgd *o, float *w, const float *g, float *m, size_t count);
    void (*sgd_split)(const ck_sgd *o, uint16_t *high, int16_t *low, const float *g, float *m, size_t count);
    void (*split)(const float *w, uint16_t *high, int16_t *low, size_t count);
    void (*join)(const uint16_t *high, const int16_t *low, float *w, size_t count);
    void (*softmax)(float *in, float scale, void *out, int half, size_t rows, size_t width);
    void (*softmax_backward)(const void *p, const float *dp, float scale, void *ds, int half, size_t rows, size_t width);
    // Sums over rows of each channel: of x and x^2; with `d`, of d and d x, where y > 0 when that is given.
    void (*channel_sums)(const float *x, const float *d, const float *y, float *first, float *second, size_t rows,
                         size_t channels);
    // out = x scale + shift (+ residual), not below 0 when `relu`.
    void (*channel_scale)(const float *x, const float *scale, const float *shift, const float *residual, int relu,
                          float *out, size_t rows, size_t channels);
    // out = d scale + x shift + third, d 0 where y is given and not above 0; `masked` receives that d.
    void (*channel_norm_backward)(const float *x, const float *d, const float *y, const float *scale, const float *shift,
                                  const float *third, float *out, float *masked, size_t rows, size_t channels);
} ck_table;

extern const ck_table ck_table_scalar;
#if defined(__x86_64__)
extern const ck_table ck_table_avx2;
extern const ck_table ck_table_avx512;
#endif
// The table of a level, and that of a team.
const ck_table *ck_table_of(ck_level level);
const ck_table *ck_kernels(const ck_team *team);
#endif
