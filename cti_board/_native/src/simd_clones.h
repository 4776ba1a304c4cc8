/* simd_clones.h - compiles CTB_CLONE_FILE once per instruction set.
 *
 * The file sees CTB_FN(name) for its functions' names, CTB_W lanes to a vector, and the
 * types vf and vi.  Every lane does the same operations in the same order whatever CTB_W
 * is, and contraction into fused multiply-adds is off, so all sets give the same bits. */
#define CTB_CAT2(a, b) a##b
#define CTB_CAT(a, b) CTB_CAT2(a, b)

#ifndef CTB_LANE_TYPES
#define CTB_LANE_TYPES
typedef float   ctb_vf1 __attribute__((vector_size(4), may_alias));
typedef int32_t ctb_vi1 __attribute__((vector_size(4), may_alias));
typedef float   ctb_uf1 __attribute__((vector_size(4), may_alias, aligned(4)));
typedef float   ctb_vf4 __attribute__((vector_size(16), may_alias));
typedef int32_t ctb_vi4 __attribute__((vector_size(16), may_alias));
typedef float   ctb_uf4 __attribute__((vector_size(16), may_alias, aligned(4)));
typedef float   ctb_vf8 __attribute__((vector_size(32), may_alias));
typedef int32_t ctb_vi8 __attribute__((vector_size(32), may_alias));
typedef float   ctb_uf8 __attribute__((vector_size(32), may_alias, aligned(4)));
typedef float   ctb_vf16 __attribute__((vector_size(64), may_alias));
typedef int32_t ctb_vi16 __attribute__((vector_size(64), may_alias));
typedef float   ctb_uf16 __attribute__((vector_size(64), may_alias, aligned(4)));
#define vf CTB_CAT(ctb_vf, CTB_W)
#define vi CTB_CAT(ctb_vi, CTB_W)
/* rows of a bank are 64-byte aligned; a frame that is handed in need not be */
#define CTB_OUTPUT(p) (*(CTB_CAT(ctb_uf, CTB_W) *)(p))
#define CTB_INPUT(p) (*(const CTB_CAT(ctb_uf, CTB_W) *)(p))
#define CTB_ROW(p) (*(vf *)(p))
#define CTB_ROWI(p) (*(vi *)(p))
#define CTB_SEL(m, a, b) ((vf)(((vi)(a) & (m)) | ((vi)(b) & ~(m))))
#define CTB_SELI(m, a, b) (((a) & (m)) | ((b) & ~(m)))
#endif

/* IEEE 754 square root is exact, so it is the same in every set */
#define CTB_SQRT(v) CTB_FN(lane_sqrt)(v)

#define CTB_FN(name) name##_none
#if CTB_X86_CLONES
#define CTB_W 1
#pragma GCC push_options
#pragma GCC optimize("no-tree-vectorize")
#include CTB_CLONE_FILE
#pragma GCC pop_options
#else
#define CTB_W 4      /* what the compiler makes of it: NEON, or plain code */
#include CTB_CLONE_FILE
#endif
#undef CTB_FN
#undef CTB_W

#if CTB_X86_CLONES
#define CTB_FN(name) name##_sse
#define CTB_W 4
#include CTB_CLONE_FILE
#undef CTB_FN
#undef CTB_W

#define CTB_FN(name) name##_avx2
#define CTB_W 8
#pragma GCC push_options
#pragma GCC target("avx2")
#include CTB_CLONE_FILE
#pragma GCC pop_options
#undef CTB_FN
#undef CTB_W

#define CTB_FN(name) name##_avx512
#define CTB_W 16
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512")
#include CTB_CLONE_FILE
#pragma GCC pop_options
#undef CTB_FN
#undef CTB_W

#define CTB_CHOOSE(name)                                                     \
    (ctb_simd_level() == CTB_SIMD_AVX512 ? name##_avx512                     \
     : ctb_simd_level() == CTB_SIMD_AVX2 ? name##_avx2                       \
     : ctb_simd_level() == CTB_SIMD_SSE  ? name##_sse                        \
                                         : name##_none)
#else
#define CTB_CHOOSE(name) name##_none
#endif
