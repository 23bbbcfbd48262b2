/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matrices of Winograd's minimal convolutions F(2×2, 3×3) and F(4×4, 3×3), Lavin & Gray 2016, section 4. */
#pragma once

#include <glib.h>

/* Row-major; @m is 2 or 4. */
const double *diffusion_winograd_bt (gsize m); /* [m + 2, m + 2], input */
const double *diffusion_winograd_g (gsize m);  /* [m + 2, 3], weights */
const double *diffusion_winograd_at (gsize m); /* [m, m + 2], output */
