/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The compiled tables that kernels.c chooses from. */
#pragma once

#include "core/kernels/kernels.h"

extern const DiffusionKernels diffusion_kernels_reference;
extern const DiffusionKernels diffusion_kernels_baseline;
#if defined(__x86_64__)
extern const DiffusionKernels diffusion_kernels_avx2;
extern const DiffusionKernels diffusion_kernels_avx512;
#endif
