// Volumes to rows of patches and back: the layout step that turns the patch embedding into a matrix product.
#include <string.h>

#include "table.h"

struct patches_arguments {
    const ck_table *k;
    const float *images;
    float *volumes;
    const float *in;
    void *out;
    int half;
    size_t batch, channels, size, patch;
    const int32_t *tokens;
    size_t kept;
};

// Lines of `patch` voxels between volumes and rows, for each row of a thread's share: row (sample, n) is of the token n or
// tokens[row] = (a * g + b) * g + c, g = size / patch. Rows are read into `volumes` when that is given, else written from `images`.
static void patches_task(void *context, int thread, int threads) {
    const struct patches_arguments *a = context;
    const size_t s = a->size, p = a->patch, g = s / p, width = a->channels * p * p * p;
    size_t first, last;
    ck_share(a->batch * a->kept, 1, thread, threads, &first, &last);
    for (size_t row = first; row < last; row++) {
        const size_t sample = row / a->kept, token = a->tokens ? (size_t)a->tokens[row] : row % a->kept;
        const size_t tx = token / (g * g), ty = token / g % g, tz = token % g;
        size_t at = row * width;
        for (size_t c = 0; c < a->channels; c++)
            for (size_t x = 0; x < p; x++)
                for (size_t y = 0; y < p; y++, at += p) {
                    const size_t line =
                        (((sample * a->channels + c) * s + tx * p + x) * s + ty * p + y) * s + tz * p;
                    if (a->volumes) memcpy(a->volumes + line, a->in + at, p * sizeof(float));
                    else if (a->half) a->k->to_half(a->images + line, (uint16_t *)a->out + at, p);
                    else memcpy((float *)a->out + at, a->images + line, p * sizeof(float));
                }
    }
}
void ck_patchify(ck_team *team, const float *images, void *patches, int half, size_t batch, size_t channels, size_t size,
                 size_t patch, const int32_t *tokens, size_t kept) {
    struct patches_arguments a = {.k = ck_kernels(team), .images = images, .out = patches, .half = half, .batch = batch,
                                  .channels = channels, .size = size, .patch = patch, .tokens = tokens, .kept = kept};
    ck_team_run(team, patches_task, &a);
}
void ck_unpatchify(ck_team *team, const float *patches, float *images, size_t batch, size_t channels, size_t size,
                   size_t patch) {
    struct patches_arguments a = {.k = ck_kernels(team), .volumes = images, .in = patches, .batch = batch,
                                  .channels = channels, .size = size, .patch = patch,
                                  .kept = (size / patch) * (size / patch) * (size / patch)};
    ck_team_run(team, patches_task, &a);
}

struct blocks_arguments {
    const float *in, *bias;
    float *out;
    size_t batch, channels, grid, first, second;
};
// Row (sample, token, sub-position in first^3), columns (channel, x, y, z in second^3): to the volume, adding a bias, when
// there is one; else from the volume.
static void blocks_task(void *context, int thread, int threads) {
    const struct blocks_arguments *a = context;
    const size_t f = a->first, k = a->second, g = a->grid, side = g * f * k, subs = f * f * f;
    size_t from, to;
    ck_share(a->batch * g * g * g, 1, thread, threads, &from, &to);
    for (size_t token = from; token < to; token++) {
        const size_t sample = token / (g * g * g), tx = token / (g * g) % g, ty = token / g % g, tz = token % g;
        for (size_t sub = 0; sub < subs; sub++) {
            const size_t x0 = (tx * f + sub / (f * f)) * k, y0 = (ty * f + sub / f % f) * k, z0 = (tz * f + sub % f) * k;
            size_t row = (token * subs + sub) * a->channels * k * k * k;
            for (size_t c = 0; c < a->channels; c++)
                for (size_t x = 0; x < k; x++)
                    for (size_t y = 0; y < k; y++, row += k) {
                        const size_t line = (((sample * a->channels + c) * side + x0 + x) * side + y0 + y) * side + z0;
                        if (!a->bias) memcpy(a->out + row, a->in + line, k * sizeof(float));
                        else
                            for (size_t z = 0; z < k; z++) a->out[line + z] = a->in[row + z] + a->bias[c];
                    }
        }
    }
}
void ck_assemble(ck_team *team, const float *rows, const float *bias, float *volumes, size_t batch, size_t channels,
                 size_t grid, size_t first, size_t second) {
    struct blocks_arguments a = {rows, bias, volumes, batch, channels, grid, first, second};
    ck_team_run(team, blocks_task, &a);
}
void ck_disassemble(ck_team *team, const float *volumes, float *rows, size_t batch, size_t channels, size_t grid,
                    size_t first, size_t second) {
    struct blocks_arguments a = {volumes, NULL, rows, batch, channels, grid, first, second};
    ck_team_run(team, blocks_task, &a);
}
