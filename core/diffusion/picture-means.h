/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tint and grid of a picture, inferred instead of left to the network. */
#pragma once

#include "core/diffusion/mean-colours.h"
#include "core/diffusion/parameterisation.h"
#include "core/diffusion/predictor.h"

G_BEGIN_DECLS

/**
 * DiffusionPictureMeans:
 * @inner: a network
 * @block: width and height of the blocks of pixels that are channels to it; 1 for none
 * @colours: (nullable): how mean colours are spread, for one class if it has none
 * @schedule: all T steps
 * @mean: what the network says: ε, x_0 or v
 *
 * The means over a picture are a few numbers among thousands, so a training of days learns last of all what in them is
 * noise; yet eyes see them first: the tint of the noise, and, since places in a block are as different as colours are to
 * such a network, a grid. Both can be inferred without it. In x̂_0 the means at all places of a block are made equal, as
 * they are in pictures. Where the mean colours of the class are known, the mean of x̂_0 is the one that is to be expected
 * after seeing that of x_t, whose noise has the variance (1 − ᾱ)/(ᾱ · pixels). All other frequencies are the network's.
 */
typedef struct
{
  DiffusionPredictor inner;
  gsize block;
  const DiffusionMeanColours *colours;
  const DiffusionSchedule *schedule;
  DiffusionMeanType mean;
} DiffusionPictureMeans;

/**
 * diffusion_picture_means_init:
 * @means: (out): must outlive the result
 * @inner: the network as it is
 * @block: width and height of its blocks
 * @colours: (nullable): for three channels; must outlive the result
 * @schedule: all T steps; must outlive the result
 * @mean: what the network says
 *
 * Returns: a predictor like @inner whose answer, whatever it means, belongs to an x̂_0 with such means. Pictures that
 *   blocks do not divide have no such means, and are left to the network. @inner where nothing is to be done, and for
 *   μ, which is no answer about x_0 alone
 */
DiffusionPredictor diffusion_picture_means_init (DiffusionPictureMeans *means, const DiffusionPredictor *inner,
                                                 gsize block, const DiffusionMeanColours *colours,
                                                 const DiffusionSchedule *schedule, DiffusionMeanType mean);

G_END_DECLS
