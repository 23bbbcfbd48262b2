/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps the grid of pixel unshuffling out of pictures. */
#pragma once

#include "core/diffusion/parameterisation.h"
#include "core/diffusion/predictor.h"

G_BEGIN_DECLS

/**
 * DiffusionGridless:
 * @inner: a network that sees blocks of pixels as channels
 * @block: their width and height
 * @schedule: all T steps
 * @mean: what the network says: ε, x_0 or v
 *
 * To such a network, the places in a block are as different as red and blue. How their means over the picture differ
 * is a few numbers among thousands; a training of days learns last of all that the noise in them is noise. What the
 * network lets through of it, eyes see at once: a grid, the same over the whole picture. In pictures the means are
 * equal, at any width that blocks have. So x̂_0 is given equal means, and all other frequencies are the network's.
 */
typedef struct
{
  DiffusionPredictor inner;
  gsize block;
  const DiffusionSchedule *schedule;
  DiffusionMeanType mean;
} DiffusionGridless;

/**
 * diffusion_gridless_init:
 * @gridless: (out): must outlive the result
 * @inner: the network as it is
 * @block: width and height of its blocks, 1 for a network without
 * @schedule: all T steps; must outlive the result
 * @mean: what the network says
 *
 * Returns: a predictor like @inner whose answer, whatever it means, belongs to an x̂_0 in which each channel has the same
 *   mean at all places of a block. Pictures that blocks do not divide are left to the network. @inner where there are
 *   no blocks, and for μ, which is no answer about x_0 alone
 */
DiffusionPredictor diffusion_gridless_init (DiffusionGridless *gridless, const DiffusionPredictor *inner, gsize block,
                                            const DiffusionSchedule *schedule, DiffusionMeanType mean);

G_END_DECLS
