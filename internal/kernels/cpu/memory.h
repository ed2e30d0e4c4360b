// memory.h: the arena that tensors live in.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clusir_arena clusir_arena;

clusir_arena* clusir_arena_open(void);
// clusir_arena_close frees all memory, including blocks still in use.
void clusir_arena_close(clusir_arena* a);
// clusir_arena_alloc returns at least n floats, aligned to 64 bytes, or NULL if the system
// has no memory. It reuses freed blocks.
float* clusir_arena_alloc(clusir_arena* a, int64_t n);
void clusir_arena_free(clusir_arena* a, float* p);
// clusir_arena_used is the number of bytes in blocks not freed.
int64_t clusir_arena_used(const clusir_arena* a);

#ifdef __cplusplus
}
#endif
