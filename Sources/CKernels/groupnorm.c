// Group normalisation of rows of channels, channels last, with what follows it in a residual network: a sum and a ReLU.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

// Rows whose sums are kept in float; then in double, by fixed chunks, so that results never depend on the team.
enum { ROWS = 512 };

struct arguments {
    const ck_table *k;
    const ck_groupnorm *g;
    const float *x, *y, *dy, *residual, *scale, *shift, *third;
    float *out, *masked, *sums;
    int relu;
};

static size_t chunks(const ck_groupnorm *g) { return (g->rows + ROWS - 1) / ROWS; }

static void each_chunk(const struct arguments *a, int thread, int threads,
                       void (*body)(const struct arguments *, size_t chunk, size_t sample, size_t at, size_t rows)) {
    const size_t each = chunks(a->g);
    size_t first, last;
    ck_share(a->g->samples * each, 1, thread, threads, &first, &last);
    for (size_t i = first; i < last; i++) {
        const size_t sample = i / each, row = i % each * ROWS;
        const size_t rows = a->g->rows - row < ROWS ? a->g->rows - row : ROWS;
        body(a, i, sample, (sample * a->g->rows + row) * a->g->channels, rows);
    }
}

static void sums_of(const struct arguments *a, size_t chunk, size_t sample, size_t at, size_t rows) {
    (void)sample;
    const size_t c = a->g->channels;
    float *sums = a->sums + chunk * 2 * c;
    if (!a->dy) a->k->channel_sums(a->x + at, NULL, NULL, sums, sums + c, rows, c);
    else a->k->channel_sums(a->x + at, a->dy + at, a->relu ? a->y + at : NULL, sums, sums + c, rows, c);
}
static void sums_task(void *context, int thread, int threads) { each_chunk(context, thread, threads, sums_of); }

static void apply(const struct arguments *a, size_t chunk, size_t sample, size_t at, size_t rows) {
    (void)chunk;
    const size_t c = a->g->channels, s = sample * c;
    if (a->dy)
        a->k->channel_norm_backward(a->x + at, a->dy + at, a->relu ? a->y + at : NULL, a->scale + s, a->shift + s,
                                    a->third + s, a->out + at, a->masked ? a->masked + at : NULL, rows, c);
    else
        a->k->channel_scale(a->x + at, a->scale + s, a->shift + s, a->residual ? a->residual + at : NULL, a->relu,
                            a->out + at, rows, c);
}
static void apply_task(void *context, int thread, int threads) { each_chunk(context, thread, threads, apply); }

// The sums of a sample's channel over its chunks.
static void total(const struct arguments *a, size_t sample, size_t channel, double *first, double *second) {
    const size_t c = a->g->channels, each = chunks(a->g);
    *first = *second = 0;
    for (size_t i = sample * each; i < (sample + 1) * each; i++) {
        *first += a->sums[i * 2 * c + channel];
        *second += a->sums[i * 2 * c + c + channel];
    }
}

int ck_groupnorm_forward(ck_team *team, const ck_groupnorm *g, const float *x, const float *gamma, const float *beta,
                         const float *residual, int relu, float *y, float *mean, float *rstd) {
    const size_t c = g->channels, own = c / g->groups, values = g->samples * c;
    float *memory = malloc((g->samples * chunks(g) * 2 * c + 2 * values) * sizeof(float));
    if (!memory) return -5;
    float *scale = memory + g->samples * chunks(g) * 2 * c, *shift = scale + values;
    struct arguments a = {.k = ck_kernels(team), .g = g, .x = x, .residual = residual, .scale = scale, .shift = shift,
                          .out = y, .sums = memory, .relu = relu};
    ck_team_run(team, sums_task, &a);
    for (size_t s = 0; s < g->samples; s++)
        for (size_t group = 0; group < g->groups; group++) {
            double sum = 0, squares = 0;
            for (size_t i = group * own; i < (group + 1) * own; i++) {
                double first, second;
                total(&a, s, i, &first, &second);
                sum += first;
                squares += second;
            }
            const double count = (double)(g->rows * own), mu = sum / count, variance = squares / count - mu * mu;
            const double k = 1 / sqrt((variance > 0 ? variance : 0) + 1e-5);
            mean[s * g->groups + group] = (float)mu;
            rstd[s * g->groups + group] = (float)k;
            for (size_t i = group * own; i < (group + 1) * own; i++) {
                scale[s * c + i] = (float)(k * gamma[i]);
                shift[s * c + i] = (float)(beta[i] - mu * k * gamma[i]);
            }
        }
    ck_team_run(team, apply_task, &a);
    free(memory);
    return 0;
}

int ck_groupnorm_backward(ck_team *team, const ck_groupnorm *g, const float *x, const float *gamma, const float *mean,
                          const float *rstd, const float *y, const float *dy, float *dx, float *masked, float *dgamma,
                          float *dbeta, int accumulate) {
    const size_t c = g->channels, own = c / g->groups, values = g->samples * c;
    float *memory = malloc((g->samples * chunks(g) * 2 * c + 3 * values) * sizeof(float));
    if (!memory) return -5;
    float *scale = memory + g->samples * chunks(g) * 2 * c, *shift = scale + values, *third = shift + values;
    struct arguments a = {.k = ck_kernels(team), .g = g, .x = x, .y = y, .dy = dy, .scale = scale, .shift = shift,
                          .third = third, .out = dx, .masked = masked, .sums = memory, .relu = y != NULL};
    ck_team_run(team, sums_task, &a);
    if (!accumulate && dgamma) memset(dgamma, 0, c * sizeof(float));
    if (!accumulate && dbeta) memset(dbeta, 0, c * sizeof(float));
    for (size_t s = 0; s < g->samples; s++)
        for (size_t group = 0; group < g->groups; group++) {
            const double mu = mean[s * g->groups + group], k = rstd[s * g->groups + group];
            const double count = (double)(g->rows * own);
            double sum = 0, along = 0;
            for (size_t i = group * own; i < (group + 1) * own; i++) {
                double d, dx_;
                total(&a, s, i, &d, &dx_);
                const double normal = (dx_ - mu * d) * k;
                if (dgamma) dgamma[i] += (float)normal;
                if (dbeta) dbeta[i] += (float)d;
                sum += gamma[i] * d;
                along += gamma[i] * normal;
            }
            // dx = k (gamma d - mean(gamma d) - xhat mean(gamma d xhat)) = scale d + shift x + third.
            for (size_t i = group * own; i < (group + 1) * own; i++) {
                scale[s * c + i] = (float)(k * gamma[i]);
                shift[s * c + i] = (float)(-k * k * along / count);
                third[s * c + i] = (float)(k * k * along / count * mu - k * sum / count);
            }
        }
    ck_team_run(team, apply_task, &a);
    free(memory);
    return 0;
}
