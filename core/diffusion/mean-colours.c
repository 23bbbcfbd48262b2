/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What colours the pictures of a class have on the whole. */
#include "core/diffusion/mean-colours.h"

#include <math.h>
#include <string.h>

DiffusionMeanColours *
diffusion_mean_colours_new (guint classes)
{
  DiffusionMeanColours *colours
    = g_malloc0 (sizeof (DiffusionMeanColours) + classes * sizeof (DiffusionMeanColour));

  colours->classes = classes;
  return colours;
}

void
diffusion_mean_colour_infer (const DiffusionMeanColour *colour, const double seen[3], double variance,
                             double inferred[3])
{
  double l[3][3] = { { 0 } }, z[3];

  /* Σ + variance = L Lᵀ; then L Lᵀ z = seen − μ. */
  for (int i = 0; i < 3; i++)
    for (int j = 0; j <= i; j++)
      {
        double sum = colour->covariance[i][j] + (i == j ? variance : 0.0);

        for (int k = 0; k < j; k++)
          sum -= l[i][k] * l[j][k];
        l[i][j] = i == j ? sqrt (MAX (sum, 1e-15)) : sum / l[j][j];
      }
  for (int i = 0; i < 3; i++)
    {
      z[i] = seen[i] - colour->mean[i];
      for (int k = 0; k < i; k++)
        z[i] -= l[i][k] * z[k];
      z[i] /= l[i][i];
    }
  for (int i = 2; i >= 0; i--)
    {
      for (int k = i + 1; k < 3; k++)
        z[i] -= l[k][i] * z[k];
      z[i] /= l[i][i];
    }
  for (int i = 0; i < 3; i++)
    {
      inferred[i] = colour->mean[i];
      for (int k = 0; k < 3; k++)
        inferred[i] += colour->covariance[i][k] * z[k];
    }
}
