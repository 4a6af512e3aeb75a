// OpenBLAS, fp32, one thread a call.
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend.h"

typedef void (*sgemm_function)(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                               const float *b, int ldb, float beta, float *c, int ldc);
static sgemm_function sgemm;

static char failure[512], description[160];

static void load(void) {
    // Its own choice on processors with avx512_bf16 is its slowest core type; who names one has theirs.
    struct mb_setting settings[] = {{.name = "OPENBLAS_NUM_THREADS", .value = "1"},
                                    {.name = "OPENBLAS_CORETYPE", .value = "SkylakeX"}};
    const size_t count = ck_best_level() == CK_AVX512 && !getenv("OPENBLAS_CORETYPE") ? 2 : 1;
    mb_lend(settings, count);
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    mb_return(settings, count);
    if (library) {
        sgemm = (sgemm_function)dlsym(library, "cblas_sgemm");
        char *(*core_name)(void) = (char *(*)(void))dlsym(library, "openblas_get_corename");
        char *(*configuration)(void) = (char *(*)(void))dlsym(library, "openblas_get_config");
        snprintf(description, sizeof description, "openblas %s %s", configuration ? configuration() : "",
                 core_name ? core_name() : "");
    }
    if (!sgemm)
        snprintf(failure, sizeof failure, "cannot load libopenblas.so.0 (%s): install the package libopenblas0", dlerror());
}
int blas_load(char *why, size_t capacity) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    snprintf(why, capacity, "%s", failure);
    return failure[0] ? -1 : 0;
}
void blas_describe(char *text, size_t capacity) { snprintf(text, capacity, "%s", description); }

int blas_multiply(const mb_product *p) {
    enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };
    if (p->type != MB_F32 || p->c_half) return -2;
    // With a single column or row either stride can be the 1; a leading dimension must still cover the row.
    const int ta = p->a_column != 1, tb = p->b_column != 1;
    size_t lda = ta ? p->a_column : p->a_row, ldb = tb ? p->b_column : p->b_row;
    const size_t least_a = ta ? p->m : p->k, least_b = tb ? p->k : p->n;
    if (lda < least_a) lda = least_a;
    if (ldb < least_b) ldb = least_b;
    sgemm(ROW_MAJOR, ta ? TRANSPOSED : PLAIN, tb ? TRANSPOSED : PLAIN, (int)p->m, (int)p->n, (int)p->k, 1, p->a,
          (int)lda, p->b, (int)ldb, p->accumulate ? 1 : 0, p->c, (int)p->c_row);
    return 0;
}
