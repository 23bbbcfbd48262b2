/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the convolution algorithms share. */
#pragma once

#include "core/kernels/conv2d.h"

/* One call of diffusion_conv_run(), as its parts see it. */
typedef struct
{
  const DiffusionConvPlan *plan;
  const float *x;
  const guint8 *packed;
  const float *bias, *residual;
  DiffusionActivation activation;
  float *y;
  guint8 *workspace;
} DiffusionConvJob;

/* Plans fill block … worker_bytes from the rest; packers fill all slices; parts compute one block of one slice. */
void diffusion_conv_gather_plan (DiffusionConvPlan *plan);
void diffusion_conv_gather_pack (const DiffusionConvPlan *plan, const float *weight, guint8 *packed);
void diffusion_conv_gather_part (gsize index, guint worker, gpointer data);

/* What is gathered beforehand, for all slices: in how many parts, and one of them. */
gsize diffusion_conv_gather_n_shared (const DiffusionConvPlan *plan);
void diffusion_conv_gather_shared (gsize index, guint worker, gpointer data);

void diffusion_conv_winograd_plan (DiffusionConvPlan *plan);
void diffusion_conv_winograd_pack (const DiffusionConvPlan *plan, const float *weight, guint8 *packed);
void diffusion_conv_winograd_part (gsize index, guint worker, gpointer data);

/* The input row that output row @position (tile row for tiles) starts from plus @offset: outside is G_MAXSIZE. */
static inline gsize
diffusion_conv_source (gsize position, gsize offset, gsize pad, gsize size, gboolean circular)
{
  gsize at = position + offset;

  if (circular)
    return (at + size * ((pad + size - 1) / size) - pad) % size;
  return at >= pad && at - pad < size ? at - pad : G_MAXSIZE;
}
