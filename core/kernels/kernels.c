/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chooses the table of compute kernels. */
#include "core/kernels/kernels.h"

#include "core/kernels/tables.h"

const DiffusionKernels *
diffusion_kernels_for_level (DiffusionCpuLevel level)
{
  switch (level)
    {
    case DIFFUSION_CPU_REFERENCE:
      return &diffusion_kernels_reference;
#if defined(__x86_64__)
    case DIFFUSION_CPU_AVX2:
      return &diffusion_kernels_avx2;
    case DIFFUSION_CPU_AVX512:
    case DIFFUSION_CPU_AVX512_BF16:
    case DIFFUSION_CPU_AMX:
      return &diffusion_kernels_avx512;
#endif
    default:
      return &diffusion_kernels_baseline;
    }
}

const DiffusionKernels *
diffusion_kernels (void)
{
  return diffusion_kernels_for_level (diffusion_cpu_level ());
}
