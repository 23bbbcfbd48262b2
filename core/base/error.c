/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The error domain of the diffusion library. */
#include "core/base/error.h"

G_DEFINE_QUARK (diffusion-error-quark, diffusion_error)
