/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise levels over a picture whose parts have different noise. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Nodes along either side, and different levels. */
#define DIFFUSION_NOISE_MAP_NODES 64
#define DIFFUSION_NOISE_MAP_LEVELS 8

/**
 * DiffusionNoiseMap:
 * @columns: nodes beside each other, at least 1
 * @rows: nodes above each other
 * @x: where they are, rising; pixels
 * @y: likewise
 * @n_levels: 1: the same everywhere
 * @sigmas: the levels, 0..255 units
 * @levels: [rows, columns] the level at each node
 *
 * The nodes are a grid over the picture; its last rows and columns hold as far as the borders. Between nodes of different
 * levels each counts by its distance.
 */
typedef struct
{
  gint columns, rows;
  gint x[DIFFUSION_NOISE_MAP_NODES], y[DIFFUSION_NOISE_MAP_NODES];
  gint n_levels;
  double sigmas[DIFFUSION_NOISE_MAP_LEVELS];
  guint8 levels[DIFFUSION_NOISE_MAP_NODES * DIFFUSION_NOISE_MAP_NODES];
} DiffusionNoiseMap;

/** diffusion_noise_map_init_even: one level everywhere. */
void diffusion_noise_map_init_even (DiffusionNoiseMap *self, double sigma);

/**
 * diffusion_noise_map_find:
 * @level: index of a level
 * @region: (array fixed-size=4): x, y, width and height of a part of the picture
 * @part: (out) (array fixed-size=4): the part of @region outside which the level counts for nothing
 *
 * Returns: %FALSE where it counts for nothing in all of @region
 */
gboolean diffusion_noise_map_find (const DiffusionNoiseMap *self, gint level, const gint *region, gint *part);

/**
 * diffusion_noise_map_weigh:
 * @level: index of a level
 * @y: a row of the picture
 * @x: the first column
 * @n: columns
 * @weights: (out caller-allocates): [n] how much the level counts, 0 to 1; the sum over all levels is 1
 */
void diffusion_noise_map_weigh (const DiffusionNoiseMap *self, gint level, gint y, gint x, gint n, float *weights);

/** diffusion_noise_map_range: the lowest and the highest level. */
void diffusion_noise_map_range (const DiffusionNoiseMap *self, double *least, double *most);

/** diffusion_noise_map_mean: mean level over the picture, by area. */
double diffusion_noise_map_mean (const DiffusionNoiseMap *self, gint width, gint height);

G_END_DECLS
