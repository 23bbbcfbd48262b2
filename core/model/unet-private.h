/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files that build U-Nets share. */
#pragma once

#include "core/layers/layers.h"
#include "core/model/unet.h"

/* A network being built: @embedding is the SiLU of the time (and class) embedding. */
typedef struct
{
  const DiffusionUnetConfig *config;
  DiffusionGraph *graph;
  DiffusionValue embedding;
} UnetBuilder;

/* Up or down in a residual block. */
typedef enum
{
  UNET_SAME,
  UNET_DOWN,
  UNET_UP
} UnetDirection;

/* "path.layer"; (transfer full) */
#define unet_name(path, layer) g_strconcat (path, ".", layer, NULL)

DiffusionValue unet_conv (UnetBuilder *b, DiffusionValue x, const char *path, gint out_channels, gint kernel,
                          double init_gain, DiffusionValue residual);
DiffusionValue unet_norm (UnetBuilder *b, DiffusionValue x, const char *path, gint groups, gboolean silu);
DiffusionValue unet_resnet (UnetBuilder *b, DiffusionValue x, const char *path, gint out_channels,
                            UnetDirection direction, double output_scale);
DiffusionValue unet_attention (UnetBuilder *b, DiffusionValue x, const char *path, gint heads, gint groups,
                               double output_scale);
DiffusionValue unet_resample (UnetBuilder *b, DiffusionValue x, const char *path, DiffusionResample kind,
                              UnetDirection direction);
/* @features: means of the stages, where the head looks at them. */
DiffusionValue unet_class_head (UnetBuilder *b, DiffusionValue x, DiffusionValue features);
