/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces of work as parts of the whole. */
#include "core/base/progress.h"

void
diffusion_progress_share (double fraction, gpointer share)
{
  const DiffusionProgressShare *self = share;

  if (self->progress != NULL)
    self->progress (self->before + fraction * self->part, self->data);
}
