/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A world in which the best possible network is known: pixels drawn independently from one normal distribution. */
#pragma once

#include "core/diffusion.h"

#define TOY_CHANNELS 3

/**
 * Toy:
 * @schedule: the schedule of training: its times find ᾱ again
 * @type: what the network predicts
 * @learned: whether it also gives the true log variance of x_{t−1} given x_t in the steps of @chain
 * @chain: (nullable): the steps taken; needed for μ and the variance
 * @mean: of the pixels
 * @covariance: of the pixels
 */
typedef struct
{
  const DiffusionSchedule *schedule, *chain;
  DiffusionMeanType type;
  gboolean learned;
  double mean[TOY_CHANNELS];
  double covariance[TOY_CHANNELS][TOY_CHANNELS];
} Toy;

/** toy_init: a mean and covariance that differ between channels. */
void toy_init (Toy *toy, const DiffusionSchedule *schedule);

/** toy_predictor: the best network for @toy, as a predictor. */
DiffusionPredictor toy_predictor (Toy *toy);

/** toy_draw: [pixels, TOY_CHANNELS] of the distribution. */
void toy_draw (const Toy *toy, guint64 seed, gsize pixels, float *x0);

/** toy_check: fails unless mean and covariance of [pixels, TOY_CHANNELS] are the toy's, within @sigmas standard
 * errors and a relative systematic error of @bias. */
void toy_check (const Toy *toy, const float *x, gsize pixels, double sigmas, double bias);
