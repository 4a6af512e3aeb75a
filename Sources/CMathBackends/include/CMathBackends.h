// Matrix products: oneDNN (fp32, bfloat16) and OpenBLAS (fp32) behind one interface.
//
// Both libraries are loaded when a backend is opened, after their settings are made: they read OPENBLAS_CORETYPE and
// OpenMP's variables only then. Each runs on one thread; we split products over our own team, the same way every time,
// so that a result depends on the backend and the number of threads only.
#ifndef CONSILIUM_CMATHBACKENDS_H
#define CONSILIUM_CMATHBACKENDS_H

#include <stddef.h>

#include "CKernels.h"

// MB_BOTH: oneDNN, and OpenBLAS for the products it is the faster at on processors without AVX-512.
typedef enum { MB_OPENBLAS = 0, MB_ONEDNN = 1, MB_BOTH = 2 } mb_library;
typedef enum { MB_F32 = 0, MB_BF16 = 1 } mb_type;

typedef struct mb_backend mb_backend;

// Loads a library and makes a context for each thread of the team, which must outlive the backend. On failure returns
// NULL and writes a sentence to `why`.
mb_backend *mb_open(mb_library library, ck_team *team, char *why, size_t capacity);
void mb_close(mb_backend *backend);
// The libraries, their versions and the instruction sets they chose: what results depend on beside the team.
void mb_describe(const mb_backend *backend, char *text, size_t capacity);

// c[m][n] (+)= sum_k a[m][k] b[k][n]; strides in elements, one of each pair being 1; rows of c are `c_row` apart.
// a and b are of type `type`; c is float, or bfloat16 when `c_half` (then it cannot accumulate).
typedef struct {
    size_t m, n, k;
    mb_type type;
    const void *a;
    size_t a_row, a_column;
    const void *b;
    size_t b_row, b_column;
    void *c;
    size_t c_row;
    int c_half, accumulate;
} mb_product;

// 0, or a negative code when the library refused the product.
int mb_multiply(mb_backend *backend, const mb_product *product);
// The whole product on one thread of the team, from a task that runs there.
int mb_multiply_here(mb_backend *backend, int thread, const mb_product *product);

// A weight matrix (n, k) in the layout the library likes best for c[m][n] = a[m][k] weight^T, for inference only; rows of
// a and c are k and n apart. NULL when memory is exhausted or the library refuses.
typedef struct mb_packed mb_packed;
mb_packed *mb_pack(mb_backend *backend, mb_type type, const void *weight, size_t m, size_t n, size_t k, int c_half);
void mb_packed_free(mb_packed *packed);
int mb_multiply_packed(mb_backend *backend, const mb_packed *packed, const void *a, void *c);

// Attention over the rows of qkv (batch * tokens, 3 * heads * depth): [q of every head | k | v], each head `depth`
// wide. Probabilities (batch, heads, tokens, tokens) are kept in `p`; o is (batch * tokens, heads * depth). All in `type`.
typedef struct {
    size_t batch, tokens, heads, depth;
    mb_type type;
    const void *qkv;
    void *p;
    void *o;
} mb_attention;
int mb_attend(mb_backend *backend, const mb_attention *attention);
// dqkv from the gradient of o. When `dp` is not NULL it receives the gradient of the probabilities (float, as p).
int mb_attend_backward(mb_backend *backend, const mb_attention *attention, const void *d_o, void *dqkv, float *dp);

// Convolutions of cubes in float, channels last: x (batch, size^3, in) to y (batch, ((size - 1) / stride + 1)^3, out), the
// faces padded by kernel / 2 zeros, weights (out, kernel^3, in), an odd kernel and no bias.
typedef struct {
    size_t batch, size, in, out, kernel, stride;
} mb_convolution;
int mb_convolve(mb_backend *backend, const mb_convolution *convolution, const float *x, const float *w, float *y);
// The gradients of x and of the weights; dw is written, or added to when `accumulate`.
int mb_convolve_data(mb_backend *backend, const mb_convolution *convolution, const float *dy, const float *w, float *dx);
int mb_convolve_weights(mb_backend *backend, const mb_convolution *convolution, const float *x, const float *dy,
                        float *dw, int accumulate);
#endif
