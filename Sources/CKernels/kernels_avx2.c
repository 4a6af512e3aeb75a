#if defined(__x86_64__)
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define W 8
#define TABLE ck_table_avx2
#include "kernels_body.h"
#pragma clang attribute pop
#endif
