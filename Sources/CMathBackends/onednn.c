// oneDNN 2 (its C interface), fp32 and bfloat16, one thread a call. A context belongs to one thread of the team and keeps
// the primitives made for the shapes it met.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"

// The functions used, by name; loaded once.
#define FUNCTIONS(X)                                                                                         \
    X(engine_create) X(engine_destroy) X(stream_create) X(stream_destroy) X(stream_wait)                     \
    X(memory_desc_init_by_strides) X(memory_desc_init_by_tag) X(memory_desc_get_size) X(matmul_desc_init)     \
    X(primitive_attr_create) X(primitive_attr_destroy) X(primitive_attr_set_post_ops) X(post_ops_create)     \
    X(post_ops_destroy) X(post_ops_append_sum) X(primitive_desc_iterator_create)                             \
    X(primitive_desc_iterator_fetch) X(primitive_desc_iterator_next) X(primitive_desc_iterator_destroy)      \
    X(primitive_desc_query) X(primitive_desc_destroy) X(primitive_desc_query_md) X(primitive_create) X(primitive_destroy) X(primitive_execute)                 \
    X(memory_create) X(memory_destroy) X(memory_set_data_handle) X(reorder_primitive_desc_create)            \
    X(version) X(get_effective_cpu_isa)
#define DECLARE(name) static __typeof__(dnnl_##name) *name##_;
FUNCTIONS(DECLARE)
#undef DECLARE
static void (*set_openmp_threads)(int);

static char failure[512];

static void load(void) {
    // OpenMP starts no threads of its own: every call is made from one of ours and stays there.
    struct mb_setting settings[] = {{.name = "OMP_NUM_THREADS", .value = "1"},
                                    {.name = "OMP_WAIT_POLICY", .value = "passive"}};
    mb_lend(settings, 2);
    void *library = dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL);
    mb_return(settings, 2);
    if (!library) {
        snprintf(failure, sizeof failure, "cannot load libdnnl.so.2 (%s): install the package libdnnl2", dlerror());
        return;
    }
    set_openmp_threads = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (!set_openmp_threads) {
        void *openmp = dlopen("libgomp.so.1", RTLD_NOW | RTLD_LOCAL);
        if (openmp) set_openmp_threads = (void (*)(int))dlsym(openmp, "omp_set_num_threads");
    }
    const char *missing = NULL;
#define LOAD(name) \
    if (!(name##_ = (__typeof__(name##_))dlsym(library, "dnnl_" #name))) missing = "dnnl_" #name;
    FUNCTIONS(LOAD)
#undef LOAD
    if (missing)
        snprintf(failure, sizeof failure,
                 "libdnnl.so.2 has no %s: install oneDNN 2.6 or a later 2.x (package libdnnl2)", missing);
}
int dnn_load(char *why, size_t capacity) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    snprintf(why, capacity, "%s", failure);
    return failure[0] ? -1 : 0;
}
void dnn_describe(char *text, size_t capacity) {
    const dnnl_version_t *v = version_();
    snprintf(text, capacity, "onednn %d.%d.%d isa %d", v->major, v->minor, v->patch, (int)get_effective_cpu_isa_());
}

// A primitive for one shape and layout.
struct key {
    size_t m, n, k, a_row, a_column, b_row, b_column, c_row;
    int type, c_half, accumulate, used;
};
struct entry {
    struct key key;
    dnnl_primitive_t primitive;
    dnnl_memory_t a, b, c;
};
struct dnn_context {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct entry *entries;  // open addressing
    size_t capacity, count;
    void *scratch;  // a result on its way to rows that lie apart
    size_t scratch_bytes;
};

struct dnn_context *dnn_context_open(void) {
    struct dnn_context *x = calloc(1, sizeof *x);
    if (!x) return NULL;
    if (set_openmp_threads) set_openmp_threads(1);
    x->capacity = 256;
    x->entries = calloc(x->capacity, sizeof *x->entries);
    if (!x->entries || engine_create_(&x->engine, dnnl_cpu, 0) != dnnl_success ||
        stream_create_(&x->stream, x->engine, dnnl_stream_default_flags) != dnnl_success) {
        dnn_context_close(x);
        return NULL;
    }
    return x;
}
static void entry_release(struct entry *e) {
    if (e->primitive) primitive_destroy_(e->primitive);
    if (e->a) memory_destroy_(e->a);
    if (e->b) memory_destroy_(e->b);
    if (e->c) memory_destroy_(e->c);
}
void dnn_context_close(struct dnn_context *x) {
    if (!x) return;
    for (size_t i = 0; x->entries && i < x->capacity; i++)
        if (x->entries[i].key.used) entry_release(&x->entries[i]);
    free(x->entries);
    free(x->scratch);
    if (x->stream) stream_destroy_(x->stream);
    if (x->engine) engine_destroy_(x->engine);
    free(x);
}

static size_t hash(const struct key *key) {
    const unsigned char *bytes = (const unsigned char *)key;
    size_t h = 1469598103934665603u;
    for (size_t i = 0; i < sizeof *key; i++) h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}
static struct entry *slot(struct entry *entries, size_t capacity, const struct key *key) {
    size_t i = hash(key) & (capacity - 1);
    while (entries[i].key.used && memcmp(&entries[i].key, key, sizeof *key) != 0) i = (i + 1) & (capacity - 1);
    return &entries[i];
}
static int grow(struct dnn_context *x) {
    struct entry *larger = calloc(2 * x->capacity, sizeof *larger);
    if (!larger) return -1;
    for (size_t i = 0; i < x->capacity; i++)
        if (x->entries[i].key.used) *slot(larger, 2 * x->capacity, &x->entries[i].key) = x->entries[i];
    free(x->entries);
    x->entries = larger;
    x->capacity *= 2;
    return 0;
}

static dnnl_status_t matrix(dnnl_memory_desc_t *md, size_t rows, size_t columns, dnnl_data_type_t type, size_t row,
                            size_t column) {
    dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns}, strides = {(dnnl_dim_t)row, (dnnl_dim_t)column};
    return memory_desc_init_by_strides_(md, 2, dims, type, strides);
}

// oneDNN has two implementations of a product. Its own order of preference depends on layouts in ways that cost us up to
// a fifth, so we name the one we want ("brg" or "gemm"); where it cannot serve, the first that can does.
static dnnl_status_t choose(struct dnn_context *x, const dnnl_matmul_desc_t *description, dnnl_primitive_attr_t attributes,
                            const char *wanted, dnnl_primitive_desc_t *out) {
    dnnl_primitive_desc_iterator_t candidates = NULL;
    dnnl_status_t status = primitive_desc_iterator_create_(&candidates, description, attributes, x->engine, NULL);
    if (status != dnnl_success) return status;
    *out = NULL;
    do {
        dnnl_primitive_desc_t candidate = primitive_desc_iterator_fetch_(candidates);
        if (!candidate) break;
        const char *name = NULL;
        const int known = primitive_desc_query_(candidate, dnnl_query_impl_info_str, 0, &name) == dnnl_success && name;
        const int found = known && strncmp(name, wanted, strlen(wanted)) == 0;
        if (!*out || found) {
            if (*out) primitive_desc_destroy_(*out);
            *out = candidate;
        } else {
            primitive_desc_destroy_(candidate);
        }
        if (found) break;
    } while (primitive_desc_iterator_next_(candidates) == dnnl_success);
    primitive_desc_iterator_destroy_(candidates);
    return *out ? dnnl_success : dnnl_unimplemented;
}

static int matmul_descriptor(struct dnn_context *x, const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b,
                             const dnnl_memory_desc_t *c, int accumulate, const char *wanted,
                             dnnl_primitive_desc_t *out) {
    dnnl_matmul_desc_t description;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    int ok = matmul_desc_init_(&description, a, b, NULL, c) == dnnl_success;
    if (ok && accumulate)
        ok = primitive_attr_create_(&attributes) == dnnl_success && post_ops_create_(&after) == dnnl_success &&
             post_ops_append_sum_(after, 1) == dnnl_success &&
             primitive_attr_set_post_ops_(attributes, after) == dnnl_success;
    ok = ok && choose(x, &description, attributes, wanted, out) == dnnl_success;
    if (after) post_ops_destroy_(after);
    if (attributes) primitive_attr_destroy_(attributes);
    return ok ? 0 : -3;
}

// Blocked kernels ("brg") are the faster ones for a (m, k) times b (n, k) transposed and for small products, the classic
// ones ("gemm") for weight and data gradients of wide layers.
static int wants_blocks(const mb_product *p) {
    return (p->a_column == 1 && p->b_row == 1) || (p->m <= 512 && p->n <= 512 && p->k <= 512);
}

static int build(struct dnn_context *x, const mb_product *p, struct entry *e) {
    const dnnl_data_type_t type = p->type == MB_BF16 ? dnnl_bf16 : dnnl_f32;
    dnnl_memory_desc_t a, b, c;
    dnnl_primitive_desc_t description = NULL;
    int ok = matrix(&a, p->m, p->k, type, p->a_row, p->a_column) == dnnl_success &&
             matrix(&b, p->k, p->n, type, p->b_row, p->b_column) == dnnl_success &&
             matrix(&c, p->m, p->n, p->c_half ? dnnl_bf16 : dnnl_f32, p->c_row, 1) == dnnl_success &&
             matmul_descriptor(x, &a, &b, &c, p->accumulate, wants_blocks(p) ? "brg" : "gemm", &description) == 0 &&
             primitive_create_(&e->primitive, description) == dnnl_success &&
             memory_create_(&e->a, &a, x->engine, DNNL_MEMORY_NONE) == dnnl_success &&
             memory_create_(&e->b, &b, x->engine, DNNL_MEMORY_NONE) == dnnl_success &&
             memory_create_(&e->c, &c, x->engine, DNNL_MEMORY_NONE) == dnnl_success;
    if (description) primitive_desc_destroy_(description);
    return ok ? 0 : -3;
}

static int execute(struct dnn_context *x, dnnl_primitive_t primitive, dnnl_memory_t a, dnnl_memory_t b, dnnl_memory_t c) {
    dnnl_exec_arg_t arguments[3] = {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}};
    if (primitive_execute_(primitive, x->stream, 3, arguments) != dnnl_success) return -4;
    return stream_wait_(x->stream) == dnnl_success ? 0 : -4;
}

static int multiply(struct dnn_context *x, const mb_product *p) {
    struct key key;
    memset(&key, 0, sizeof key);
    key.m = p->m, key.n = p->n, key.k = p->k, key.a_row = p->a_row, key.a_column = p->a_column, key.b_row = p->b_row;
    key.b_column = p->b_column, key.c_row = p->c_row, key.type = (int)p->type, key.c_half = p->c_half;
    key.accumulate = p->accumulate, key.used = 1;
    struct entry *e = slot(x->entries, x->capacity, &key);
    if (!e->key.used) {
        if (2 * (x->count + 1) > x->capacity) {
            if (grow(x) != 0) return -5;
            e = slot(x->entries, x->capacity, &key);
        }
        const int status = build(x, p, e);
        if (status != 0) {
            entry_release(e);
            memset(e, 0, sizeof *e);
            return status;
        }
        e->key = key;
        x->count++;
    }
    if (memory_set_data_handle_(e->a, (void *)(uintptr_t)p->a) != dnnl_success ||
        memory_set_data_handle_(e->b, (void *)(uintptr_t)p->b) != dnnl_success ||
        memory_set_data_handle_(e->c, p->c) != dnnl_success)
        return -4;
    return execute(x, e->primitive, e->a, e->b, e->c);
}

static void *scratch(struct dnn_context *x, size_t bytes) {
    if (x->scratch_bytes < bytes) {
        free(x->scratch);
        x->scratch = aligned_alloc(64, (bytes + 4095) / 4096 * 4096);
        x->scratch_bytes = x->scratch ? bytes : 0;
    }
    return x->scratch;
}
static void spread(const void *rows, size_t m, size_t row_bytes, void *c, size_t c_row_bytes) {
    for (size_t i = 0; i < m; i++)
        memcpy((char *)c + i * c_row_bytes, (const char *)rows + i * row_bytes, row_bytes);
}

// Blocked kernels write dense results only: one whose rows lie apart is made beside and copied, which costs 2 %.
int dnn_multiply(struct dnn_context *x, const mb_product *p) {
    if (p->c_row == p->n || p->accumulate || !wants_blocks(p)) return multiply(x, p);
    const size_t element = p->c_half ? 2 : 4;
    mb_product dense = *p;
    dense.c_row = p->n;
    dense.c = scratch(x, p->m * p->n * element);
    if (!dense.c) return -5;
    const int status = multiply(x, &dense);
    if (status == 0) spread(dense.c, p->m, p->n * element, p->c, p->c_row * element);
    return status;
}

struct dnn_packed {
    struct entry entry;  // its `b` holds the weight
    void *memory;
    size_t m, row_bytes, c_row_bytes;
};

struct dnn_packed *dnn_pack(struct dnn_context *x, mb_type of, const void *weight, size_t m, size_t n, size_t k,
                            size_t c_row, int c_half) {
    const dnnl_data_type_t type = of == MB_BF16 ? dnnl_bf16 : dnnl_f32;
    struct dnn_packed *packed = calloc(1, sizeof *packed);
    if (!packed) return NULL;
    packed->m = m;
    packed->row_bytes = n * (c_half ? 2 : 4);
    packed->c_row_bytes = c_row * (c_half ? 2 : 4);
    dnnl_memory_desc_t a, b, c, plain;
    dnnl_dims_t dims = {(dnnl_dim_t)k, (dnnl_dim_t)n};
    dnnl_primitive_desc_t description = NULL, change = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_memory_t source = NULL;
    int ok = matrix(&a, m, k, type, k, 1) == dnnl_success && matrix(&plain, k, n, type, 1, k) == dnnl_success &&
             matrix(&c, m, n, c_half ? dnnl_bf16 : dnnl_f32, n, 1) == dnnl_success &&
             memory_desc_init_by_tag_(&b, 2, dims, type, dnnl_format_tag_any) == dnnl_success &&
             matmul_descriptor(x, &a, &b, &c, 0, "brg", &description) == 0;
    if (ok) {
        b = *primitive_desc_query_md_(description, dnnl_query_weights_md, 0);
        packed->memory = aligned_alloc(64, (memory_desc_get_size_(&b) + 63) / 64 * 64);
        ok = packed->memory != NULL;
    }
    ok = ok && primitive_create_(&packed->entry.primitive, description) == dnnl_success &&
         memory_create_(&packed->entry.a, &a, x->engine, DNNL_MEMORY_NONE) == dnnl_success &&
         memory_create_(&packed->entry.b, &b, x->engine, packed->memory) == dnnl_success &&
         memory_create_(&packed->entry.c, &c, x->engine, DNNL_MEMORY_NONE) == dnnl_success &&
         memory_create_(&source, &plain, x->engine, (void *)(uintptr_t)weight) == dnnl_success &&
         reorder_primitive_desc_create_(&change, &plain, x->engine, &b, x->engine, NULL) == dnnl_success &&
         primitive_create_(&reorder, change) == dnnl_success;
    if (ok) {
        dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, packed->entry.b}};
        ok = primitive_execute_(reorder, x->stream, 2, arguments) == dnnl_success &&
             stream_wait_(x->stream) == dnnl_success;
    }
    if (reorder) primitive_destroy_(reorder);
    if (change) primitive_desc_destroy_(change);
    if (source) memory_destroy_(source);
    if (description) primitive_desc_destroy_(description);
    if (ok) return packed;
    dnn_packed_free(packed);
    return NULL;
}
void dnn_packed_free(struct dnn_packed *packed) {
    if (!packed) return;
    entry_release(&packed->entry);
    free(packed->memory);
    free(packed);
}
int dnn_multiply_packed(struct dnn_context *x, struct dnn_packed *packed, const void *a, void *c) {
    const int dense = packed->row_bytes == packed->c_row_bytes;
    void *rows = dense ? c : scratch(x, packed->m * packed->row_bytes);
    if (!rows) return -5;
    if (memory_set_data_handle_(packed->entry.a, (void *)(uintptr_t)a) != dnnl_success ||
        memory_set_data_handle_(packed->entry.c, rows) != dnnl_success)
        return -4;
    const int status = execute(x, packed->entry.primitive, packed->entry.a, packed->entry.b, packed->entry.c);
    if (status == 0 && !dense) spread(rows, packed->m, packed->row_bytes, c, packed->c_row_bytes);
    return status;
}
