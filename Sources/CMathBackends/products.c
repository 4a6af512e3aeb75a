// Backends, and products split over the team: along the rows or the columns of the result, never along the sum.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"

struct open_arguments {
    mb_backend *backend;
};
static void open_task(void *context, int thread, int threads) {
    (void)threads;
    mb_backend *backend = ((struct open_arguments *)context)->backend;
    backend->contexts[thread] = dnn_context_open();
}
static void close_task(void *context, int thread, int threads) {
    (void)threads;
    mb_backend *backend = ((struct open_arguments *)context)->backend;
    dnn_context_close(backend->contexts[thread]);
}

mb_backend *mb_open(mb_library library, ck_team *team, char *why, size_t capacity) {
    if (library != MB_OPENBLAS && dnn_load(why, capacity) != 0) return NULL;
    if (library != MB_ONEDNN && blas_load(why, capacity) != 0) return NULL;
    mb_backend *backend = calloc(1, sizeof *backend);
    if (!backend) {
        snprintf(why, capacity, "no memory for the matrix library");
        return NULL;
    }
    backend->library = library;
    backend->team = team;
    backend->threads = ck_team_threads(team);
    if (library != MB_OPENBLAS) {
        backend->contexts = calloc((size_t)backend->threads, sizeof *backend->contexts);
        struct open_arguments a = {backend};
        if (backend->contexts) ck_team_run(team, open_task, &a);
        for (int t = 0; t < backend->threads; t++)
            if (!backend->contexts || !backend->contexts[t]) {
                snprintf(why, capacity, "oneDNN cannot make a CPU engine on this machine");
                mb_close(backend);
                return NULL;
            }
    }
    return backend;
}
void mb_close(mb_backend *backend) {
    if (!backend) return;
    struct open_arguments a = {backend};
    if (backend->contexts) ck_team_run(backend->team, close_task, &a);
    free(backend->contexts);
    free(backend);
}
// The least edge of a wide product.
enum { WIDE = 192 };

void mb_describe(const mb_backend *backend, char *text, size_t capacity) {
    if (backend->library == MB_OPENBLAS) {
        blas_describe(text, capacity);
        return;
    }
    dnn_describe(text, capacity);
    if (backend->library != MB_BOTH) return;
    size_t length = strlen(text);
    snprintf(text + length, capacity - length, ", from %d ", WIDE);
    length = strlen(text);
    blas_describe(text + length, capacity - length);
}

// Without AVX-512 oneDNN has its classic products only. On Zen 3, one thread, gradients of layers of 1024 columns and more
// ran at 18 to 58 GFLOP/s, OpenBLAS's at 62 to 81; of narrow products, convolutions' and attention's, oneDNN's were the
// faster by 10 to 50 %.
static int blas_is_faster(const mb_product *p) {
    return p->type == MB_F32 && !p->c_half && p->m >= WIDE && p->n >= WIDE && p->k >= WIDE;
}

int mb_multiply_here(mb_backend *backend, int thread, const mb_product *product) {
    const int blas = backend->library == MB_OPENBLAS || (backend->library == MB_BOTH && blas_is_faster(product));
    return blas ? blas_multiply(product) : dnn_multiply(backend->contexts[thread], product);
}

struct multiply_arguments {
    mb_backend *backend;
    const mb_product *whole;
    _Atomic int status;
};
// Results are shared out in blocks of whole vector registers.
enum { BLOCK = 64 };
static void multiply_task(void *context, int thread, int threads) {
    struct multiply_arguments *a = context;
    mb_product part = *a->whole;
    const size_t element = part.type == MB_BF16 ? 2 : 4, result = part.c_half ? 2 : 4;
    size_t first, last;
    if (part.n >= part.m) {
        ck_share(part.n, BLOCK, thread, threads, &first, &last);
        part.n = last - first;
        part.b = (const char *)part.b + first * part.b_column * element;
        part.c = (char *)part.c + first * result;
    } else {
        ck_share(part.m, BLOCK, thread, threads, &first, &last);
        part.m = last - first;
        part.a = (const char *)part.a + first * part.a_row * element;
        part.c = (char *)part.c + first * part.c_row * result;
    }
    if (last <= first) return;
    const int status = mb_multiply_here(a->backend, thread, &part);
    if (status != 0) atomic_store(&a->status, status);
}
int mb_multiply(mb_backend *backend, const mb_product *product) {
    struct multiply_arguments a = {.backend = backend, .whole = product};
    ck_team_run(backend->team, multiply_task, &a);
    return atomic_load(&a.status);
}

struct mb_packed {
    mb_backend *backend;
    size_t m, n, k;
    mb_type type;
    int c_half;
    struct dnn_packed **slices;  // oneDNN's: one a thread
    float *plain;                // OpenBLAS's: a copy
};
struct pack_arguments {
    mb_packed *packed;
    const void *weight;
};
static void pack_task(void *context, int thread, int threads) {
    struct pack_arguments *a = context;
    mb_packed *p = a->packed;
    size_t first, last;
    ck_share(p->n, BLOCK, thread, threads, &first, &last);
    if (last <= first) return;
    const char *part = (const char *)a->weight + first * p->k * (p->type == MB_BF16 ? 2 : 4);
    p->slices[thread] =
        dnn_pack(p->backend->contexts[thread], p->type, part, p->m, last - first, p->k, p->n, p->c_half);
}
mb_packed *mb_pack(mb_backend *backend, mb_type type, const void *weight, size_t m, size_t n, size_t k, int c_half) {
    mb_packed *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    *p = (mb_packed){.backend = backend, .m = m, .n = n, .k = k, .type = type, .c_half = c_half};
    int ok = 1;
    if (backend->library != MB_OPENBLAS) {
        p->slices = calloc((size_t)backend->threads, sizeof *p->slices);
        struct pack_arguments a = {p, weight};
        if (p->slices) ck_team_run(backend->team, pack_task, &a);
        ok = p->slices != NULL;
        for (int t = 0; ok && t < backend->threads; t++) {
            size_t first, last;
            ck_share(n, BLOCK, t, backend->threads, &first, &last);
            ok = last <= first || p->slices[t] != NULL;
        }
    } else {
        p->plain = malloc(n * k * sizeof(float));
        ok = p->plain != NULL && type == MB_F32;
        if (ok) memcpy(p->plain, weight, n * k * sizeof(float));
    }
    if (ok) return p;
    mb_packed_free(p);
    return NULL;
}
void mb_packed_free(mb_packed *p) {
    if (!p) return;
    for (int t = 0; p->slices && t < p->backend->threads; t++) dnn_packed_free(p->slices[t]);
    free(p->slices);
    free(p->plain);
    free(p);
}
struct multiply_packed_arguments {
    const mb_packed *packed;
    const void *a;
    void *c;
    _Atomic int status;
};
static void multiply_packed_task(void *context, int thread, int threads) {
    struct multiply_packed_arguments *a = context;
    const mb_packed *p = a->packed;
    size_t first, last;
    ck_share(p->n, BLOCK, thread, threads, &first, &last);
    if (last <= first) return;
    const int status = dnn_multiply_packed(p->backend->contexts[thread], p->slices[thread], a->a,
                                           (char *)a->c + first * (p->c_half ? 2 : 4));
    if (status != 0) atomic_store(&a->status, status);
}
int mb_multiply_packed(mb_backend *backend, const mb_packed *p, const void *a, void *c) {
    if (p->plain) {
        const mb_product product = {.m = p->m, .n = p->n, .k = p->k, .type = MB_F32, .a = a, .a_row = p->k,
                                    .a_column = 1, .b = p->plain, .b_row = 1, .b_column = p->k, .c = c, .c_row = p->n};
        return mb_multiply(backend, &product);
    }
    struct multiply_packed_arguments arguments = {.packed = p, .a = a, .c = c};
    ck_team_run(backend->team, multiply_packed_task, &arguments);
    return atomic_load(&arguments.status);
}
