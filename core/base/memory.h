/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Large aligned blocks whose failure is an error instead of an abort. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One cache line and one AVX-512 vector. */
#define DIFFUSION_ALIGNMENT 64

/**
 * diffusion_try_alloc:
 * @bytes: size, 0 is allowed
 * @what: what the memory is for, named in the error
 * @error: return location for %DIFFUSION_ERROR_MEMORY
 *
 * Allocates uninitialised memory aligned to %DIFFUSION_ALIGNMENT.
 *
 * Returns: (transfer full) (nullable): the block, to be freed with diffusion_free(), or %NULL with @error set
 */
gpointer diffusion_try_alloc (gsize bytes, const char *what, GError **error);

/** diffusion_try_alloc0: like diffusion_try_alloc(), filled with zero bytes. */
gpointer diffusion_try_alloc0 (gsize bytes, const char *what, GError **error);

/** diffusion_free: frees what diffusion_try_alloc() returned; %NULL is allowed. */
void diffusion_free (gpointer block);

G_END_DECLS
