#include "CSandbox.h"

#include <malloc.h>

void cs_give_back_memory(void) {
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_ARENA_MAX, 2);
}
