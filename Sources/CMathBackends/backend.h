// What the files of this target share: the two libraries' functions and a thread's context.
#ifndef CONSILIUM_BACKEND_H
#define CONSILIUM_BACKEND_H
#include <stdlib.h>
#include <string.h>

#include "CMathBackends.h"

// Libraries read their settings from the environment, once, when they are loaded. What it held before is put back: a
// site's own trainer, started later, is not to inherit them.
struct mb_setting {
    const char *name, *value;
    char *before;
};
static inline void mb_lend(struct mb_setting *settings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *before = getenv(settings[i].name);
        settings[i].before = before ? strdup(before) : NULL;
        setenv(settings[i].name, settings[i].value, 1);
    }
}
static inline void mb_return(struct mb_setting *settings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (settings[i].before)
            setenv(settings[i].name, settings[i].before, 1);
        else
            unsetenv(settings[i].name);
        free(settings[i].before);
    }
}

struct dnn_context;

struct mb_backend {
    mb_library library;
    ck_team *team;
    int threads;
    struct dnn_context **contexts;  // oneDNN's: one a thread
};

int dnn_load(char *why, size_t capacity);
void dnn_describe(char *text, size_t capacity);
struct dnn_context *dnn_context_open(void);
void dnn_context_close(struct dnn_context *context);
int dnn_multiply(struct dnn_context *context, const mb_product *product);
// A slice of a packed weight, made and used by one thread; rows of c are `c_row` apart.
struct dnn_packed;
struct dnn_packed *dnn_pack(struct dnn_context *context, mb_type type, const void *weight, size_t m, size_t n, size_t k,
                            size_t c_row, int c_half);
void dnn_packed_free(struct dnn_packed *packed);
int dnn_multiply_packed(struct dnn_context *context, struct dnn_packed *packed, const void *a, void *c);

int blas_load(char *why, size_t capacity);
void blas_describe(char *text, size_t capacity);
int blas_multiply(const mb_product *product);
#endif
