/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matrices of Winograd's minimal convolutions F(2×2, 3×3) and F(4×4, 3×3), Lavin & Gray 2016, section 4. */
#include "core/kernels/winograd.h"

const double *
diffusion_winograd_bt (gsize m)
{
  static const double two[] = { 1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, 1, 0, -1 };
  static const double four[] = { 4, 0, -5, 0, 1, 0, 0, -4, -4, 1, 1, 0, 0, 4, -4, -1, 1, 0,
                                 0, -2, -1, 2, 1, 0, 0, 2, -1, -2, 1, 0, 0, 4, 0, -5, 0, 1 };

  return m == 2 ? two : four;
}

const double *
diffusion_winograd_g (gsize m)
{
  static const double two[] = { 1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1 };
  static const double four[] = { 1.0 / 4,  0,        0,       -1.0 / 6, -1.0 / 6,  -1.0 / 6, -1.0 / 6, 1.0 / 6, -1.0 / 6,
                                 1.0 / 24, 1.0 / 12, 1.0 / 6, 1.0 / 24, -1.0 / 12, 1.0 / 6,  0,        0,       1 };

  return m == 2 ? two : four;
}

const double *
diffusion_winograd_at (gsize m)
{
  static const double two[] = { 1, 1, 1, 0, 0, 1, -1, -1 };
  static const double four[] = { 1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -2, 0, 0, 1, 1, 4, 4, 0, 0, 1, -1, 8, -8, 1 };

  return m == 2 ? two : four;
}
