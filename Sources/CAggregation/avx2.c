#if defined(__x86_64__)
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define W 4
#define TABLE ca_table_avx2
#include "body.h"
#pragma clang attribute pop
#endif
