/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which instructions the kernels may use on this machine. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionCpuLevel:
 * @DIFFUSION_CPU_REFERENCE: plain scalar C, double accumulators
 * @DIFFUSION_CPU_BASELINE: what every processor of the architecture has (x86-64: SSE2)
 * @DIFFUSION_CPU_AVX2: AVX2, FMA and F16C
 * @DIFFUSION_CPU_AVX512: AVX-512 F, BW, DQ, VL
 * @DIFFUSION_CPU_AVX512_BF16: also vdpbf16ps
 * @DIFFUSION_CPU_AMX: also bfloat16 tiles
 *
 * Every level contains the ones before it.
 */
typedef enum
{
  DIFFUSION_CPU_REFERENCE,
  DIFFUSION_CPU_BASELINE,
  DIFFUSION_CPU_AVX2,
  DIFFUSION_CPU_AVX512,
  DIFFUSION_CPU_AVX512_BF16,
  DIFFUSION_CPU_AMX
} DiffusionCpuLevel;

#define DIFFUSION_CPU_LEVELS (DIFFUSION_CPU_AMX + 1)

/**
 * diffusion_cpu_level:
 *
 * The level in use: the best the machine has, or a lower one named in the environment variable DIFFUSION_CPU
 * (`reference`, `baseline`, `avx2`, `avx512`, `avx512bf16`, `amx`). Chosen once per process and logged.
 */
DiffusionCpuLevel diffusion_cpu_level (void);

/** diffusion_cpu_best_level: what the machine has, whatever DIFFUSION_CPU says. */
DiffusionCpuLevel diffusion_cpu_best_level (void);

/** diffusion_cpu_level_name: the name DIFFUSION_CPU knows it by. */
const char *diffusion_cpu_level_name (DiffusionCpuLevel level);

G_END_DECLS
