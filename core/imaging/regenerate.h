/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Part of a picture made anew, whatever its size, channels and precision. */
#pragma once

#include "core/diffusion/editing.h"
#include "core/imaging/picture.h"

G_BEGIN_DECLS

/**
 * DiffusionPicturePreview:
 * @step: reverse steps taken so far, this one included
 * @steps: reverse steps of all
 * @x: left edge of the part that changes, in the picture
 * @y: its top edge
 * @width: its columns
 * @height: its rows
 * @colors: [height, width, channels of the picture] what it is expected to become, 0 to 1
 */
typedef struct
{
  gsize step, steps;
  gint x, y, width, height;
  const float *colors;
} DiffusionPicturePreview;

/** DiffusionPicturePreviewFunc: told of every step, in the thread that computes; valid during the call. */
typedef void (*DiffusionPicturePreviewFunc) (const DiffusionPicturePreview *preview, gpointer data);

/**
 * DiffusionPictureRegeneration:
 * @t: how much of it is given up, 0-based, may be fractional
 * @region: (nullable) (array fixed-size=4): x, y, width and height of what may change; %NULL for all
 * @mask: (nullable): [height, width] of the region: 0 keeps a pixel, 1 may change, in between both are mixed; %NULL
 *   for all of it
 * @jump_length: with a mask or region, how many steps RePaint jumps back; 0 for none
 * @jump_count: how often each stretch is gone through
 * @preview: (nullable): told of every step
 * @preview_data: for @preview
 */
typedef struct
{
  double t;
  const gint *region;
  const float *mask;
  guint jump_length, jump_count;
  DiffusionPicturePreviewFunc preview;
  gpointer preview_data;
} DiffusionPictureRegeneration;

/**
 * diffusion_regenerate_picture:
 * @editor: the model; its place and preview are not used
 * @picture: read, and written where it changes
 * @regeneration: what to do
 * @error: return location for %DIFFUSION_ERROR, %G_IO_ERROR_CANCELLED, or what the network or the picture reports
 *
 * diffusion_regenerate() of what may change, with as much around it as the network should see. Noise hangs on where
 * a pixel is in the picture. Pixels whose mask is 0 are written as they were read, or not at all. A model of color
 * sees gray as equal red, green and blue, and gray becomes their mean; of a gray model it is the other way round.
 */
gboolean diffusion_regenerate_picture (const DiffusionEditor *editor, DiffusionPicture *picture,
                                       const DiffusionPictureRegeneration *regeneration, GError **error);

/** diffusion_picture_check_channels: whether a model that sees @channels channels can work on pictures. */
gboolean diffusion_picture_check_channels (gsize channels, GError **error);

/**
 * diffusion_picture_to_model:
 * @samples: [pixels, channels] 0 to 1
 * @channels: 1 or 3
 * @pixels: how many
 * @model_channels: 1 or 3
 * @out: (out caller-allocates): [pixels, model_channels] −1 to 1
 */
void diffusion_picture_to_model (const float *samples, gsize channels, gsize pixels, gsize model_channels, float *out);

/** diffusion_picture_from_model: the way back; @out is not limited to 0 to 1. */
void diffusion_picture_from_model (const float *values, gsize model_channels, gsize pixels, gsize channels, float *out);

/**
 * diffusion_regenerate_picture_work:
 * @width: columns of the picture
 * @height: its rows
 *
 * Returns: pixels that go through the network altogether: what an estimate of the time multiplies
 */
double diffusion_regenerate_picture_work (const DiffusionEditor *editor, gint width, gint height,
                                          const DiffusionPictureRegeneration *regeneration);

G_END_DECLS
