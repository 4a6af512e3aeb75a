// Fused kernels of the encoder's forward and backward pass, and the thread team that runs them.
//
// Every kernel exists once in source (kernels_body.h) and is compiled for each instruction set: AVX-512, AVX2 with FMA,
// and one lane at a time (the scalar twin). a team runs one of them. Matrices are row-major.
// "half" says that a buffer holds bfloat16 (uint16_t, round to nearest even) instead of float.
#ifndef CONSILIUM_CKERNELS_H
#define CONSILIUM_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// ---- threads

// A fixed team of threads, the caller being thread 0. Work is split the same way on every run, so that results depend
// on the number of threads only. Not reentrant: one `ck_team_run` at a time.
typedef struct ck_team ck_team;
typedef void (*ck_task)(void *context, int thread, int threads);

// Which instructions the kernels of a team use.
typedef enum { CK_SCALAR = 0, CK_AVX2 = 1, CK_AVX512 = 2 } ck_level;
// The best level of this processor.
ck_level ck_best_level(void);
// Whether the processor multiplies bfloat16 natively (avx512_bf16).
int ck_has_bf16_products(void);
// Whether those outrun fp32: with AMX's tiles, or where vdpbf16ps does twice as much as an fp32 multiply-add. On Intel's
// processors without tiles, as many virtual machines show them, it does half as much.
int ck_bf16_is_faster(void);

// NULL when a thread cannot be started or the processor lacks the level.
ck_team *ck_team_create(int threads, ck_level level);
void ck_team_destroy(ck_team *team);
int ck_team_threads(const ck_team *team);
// Runs `task` once on every thread and returns when all are done.
void ck_team_run(ck_team *team, ck_task task, void *context);
// At least `bytes` of scratch memory of one thread, 64-byte aligned, kept until the next call for that thread; NULL when
// memory is exhausted.
void *ck_team_scratch(ck_team *team, int thread, size_t bytes);
// The part [first, last) of `count` things that belongs to a thread; `first` is a multiple of `grain`.
void ck_share(size_t count, size_t grain, int thread, int threads, size_t *first, size_t *last);

// ---- kernels on a team

// out[r] = (x[r] - mean) / sqrt(var + eps) * gamma + beta over `width`, biased variance; keeps mean and 1/sqrt.
void ck_layernorm_forward(ck_team *team, const float *x, const float *gamma, const float *beta, void *out, int half,
                          float *mean, float *rstd, size_t rows, size_t width, float eps);
// dx = residual + gradient through the normalisation; dgamma, dbeta are written, or added to when `accumulate`.
// `residual` may be NULL; `dgamma` and `dbeta` may both be NULL.
void ck_layernorm_backward(ck_team *team, const float *x, const float *gamma, const float *dout, const float *mean,
                           const float *rstd, const float *residual, float *dx, float *dgamma, float *dbeta,
                           int accumulate, size_t rows, size_t width);
// z = in + bias is kept in `pre`; act = z Phi(z), GELU with the exact normal distribution function.
// `pre` may be NULL when nothing is to be kept.
void ck_bias_gelu_forward(ck_team *team, const float *in, const float *bias, void *pre, void *act, int half,
                          size_t rows, size_t width);
// dpre = dact * (Phi(z) + z phi(z)); dbias = column sums of it, written or added to.
void ck_gelu_backward(ck_team *team, const float *dact, const void *pre, void *dpre, int half, float *dbias,
                      int accumulate, size_t rows, size_t width);
// out = x + in + bias (float). `out` may be `x`.
void ck_bias_residual(ck_team *team, const float *x, const float *in, const float *bias, float *out, size_t rows,
                      size_t width);
// Copies `in` to `out` in the activation type (out may be NULL) and sums its columns into dbias (may be NULL).
void ck_column_sum_cast(ck_team *team, const float *in, void *out, int half, float *dbias, int accumulate, size_t rows,
                        size_t width);
// out = in, float to bfloat16 (to nearest even) and back.
void ck_to_half(ck_team *team, const float *in, uint16_t *out, size_t count);
void ck_from_half(ck_team *team, const uint16_t *in, float *out, size_t count);
// y = a x + y.
void ck_axpy(ck_team *team, float a, const float *x, float *y, size_t count);

// images (B, C, S, S, S) to patches (B * kept, C * p^3), patch flattened as (channel, x, y, z): of the tokens given,
// (B, kept), or of all (S/p)^3 when `tokens` is NULL. Its adjoint takes all patches and writes every voxel once.
void ck_patchify(ck_team *team, const float *images, void *patches, int half, size_t batch, size_t channels, size_t size,
                 size_t patch, const int32_t *tokens, size_t kept);
void ck_unpatchify(ck_team *team, const float *patches, float *images, size_t batch, size_t channels, size_t size,
                   size_t patch);
// in (rows, a, b) to out (rows, b, a), adding bias[a] when it is not NULL.
void ck_transpose_bias(ck_team *team, const float *in, const float *bias, void *out, int half, size_t rows, size_t a,
                       size_t b);

// Rows (sample, token, sub-position in first^3) of (channel, second^3) values to volumes (B, channels, side, side, side),
// side = grid * first * second, adding bias[channel]; and its adjoint without the bias.
void ck_assemble(ck_team *team, const float *rows, const float *bias, float *volumes, size_t batch, size_t channels,
                 size_t grid, size_t first, size_t second);
void ck_disassemble(ck_team *team, const float *volumes, float *rows, size_t batch, size_t channels, size_t grid,
                    size_t first, size_t second);

// Sum |o - g| in double (fixed chunks, so that the result does not depend on the team), and grad = scale * sign(o - g).
double ck_l1(ck_team *team, const float *o, const float *g, float *grad, float scale, size_t count);
// Sum of squares in double, by the same fixed chunks.
double ck_sum_of_squares(ck_team *team, const float *x, size_t count);

// ---- residual networks

// Rows (sample, place) of channels in groups of neighbours; `groups` divides `channels`.
typedef struct {
    size_t samples, rows, channels, groups;
} ck_groupnorm;
// y = (x - mean) / sqrt(var + 1e-5) * gamma + beta over each sample's group (Wu and He, ECCV 2018), plus `residual` when
// that is given, not below 0 when `relu`; keeps mean and 1 / sqrt, (samples, groups). -5 when memory is exhausted.
int ck_groupnorm_forward(ck_team *team, const ck_groupnorm *g, const float *x, const float *gamma, const float *beta,
                         const float *residual, int relu, float *y, float *mean, float *rstd);
// The gradient of x; y is what the forward pass made when that had a ReLU, else NULL. `masked`, when given, receives the
// gradient of the residual; it may be `dy`. dgamma and dbeta are written, or added to when `accumulate`, or NULL.
int ck_groupnorm_backward(ck_team *team, const ck_groupnorm *g, const float *x, const float *gamma, const float *mean,
                          const float *rstd, const float *y, const float *dy, float *dx, float *masked, float *dgamma,
                          float *dbeta, int accumulate);

// ---- optimisers

typedef struct {
    float rate, beta1, beta2, epsilon, decay;
    float correction1, correction2;  // 1 - beta1^t, 1 - beta2^t
    float scale;                     // multiplies every gradient (clipping)
    int decoupled;                   // 1: AdamW (weights shrink by rate * decay); 0: Adam (decay * w joins the gradient)
} ck_adam;
typedef struct {
    float rate, momentum, decay, scale;
    int first;  // the first step: the momentum buffer takes the gradient itself
} ck_sgd;

void ck_adam_step(ck_team *team, const ck_adam *o, float *w, const float *g, float *m, float *v, size_t count);
void ck_sgd_step(ck_team *team, const ck_sgd *o, float *w, const float *g, float *m, size_t count);

// A float kept as two 16-bit planes: `high` is the value rounded to bfloat16 (ties away from zero), `low` the signed
// rest of its bits: bits = (high << 16) + low, exactly. Not for NaNs with a full payload, which arithmetic never makes.
void ck_split(ck_team *team, const float *w, uint16_t *high, int16_t *low, size_t count);
void ck_join(ck_team *team, const uint16_t *high, const int16_t *low, float *w, size_t count);
void ck_adam_step_split(ck_team *team, const ck_adam *o, uint16_t *high, int16_t *low, const float *g, float *m,
                        float *v, size_t count);
void ck_sgd_step_split(ck_team *team, const ck_sgd *o, uint16_t *high, int16_t *low, const float *g, float *m,
                       size_t count);

// ---- single-thread pieces, for tasks that already run on a team

// out[r] = softmax(scale * in[r]) over each row; `in` is overwritten.
void ck_softmax_rows(const ck_team *team, float *in, float scale, void *out, int half, size_t rows, size_t width);
// ds = scale * p * (dp - sum(p * dp)) over each row.
void ck_softmax_rows_backward(const ck_team *team, const void *p, const float *dp, float scale, void *ds, int half, size_t rows,
                              size_t width);
#endif
