/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The error domain of the diffusion library. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionError:
 * @DIFFUSION_ERROR_INVALID: an argument or option is out of range or contradicts another
 * @DIFFUSION_ERROR_FORMAT: a file is damaged or not what it claims to be
 * @DIFFUSION_ERROR_UNSUPPORTED: well-formed, but not something this library can do
 * @DIFFUSION_ERROR_NOT_FOUND: a named model, file or tensor does not exist
 * @DIFFUSION_ERROR_MEMORY: the planned memory cannot be had or exceeds the limit given
 * @DIFFUSION_ERROR_IO: reading or writing failed
 * @DIFFUSION_ERROR_NUMERIC: NaN or infinity where numbers were expected
 * @DIFFUSION_ERROR_ELSEWHERE: another process of the same work has failed, and says why
 *
 * Codes of %DIFFUSION_ERROR. Cancellation is %G_IO_ERROR_CANCELLED of GIO.
 */
typedef enum
{
  DIFFUSION_ERROR_INVALID,
  DIFFUSION_ERROR_FORMAT,
  DIFFUSION_ERROR_UNSUPPORTED,
  DIFFUSION_ERROR_NOT_FOUND,
  DIFFUSION_ERROR_MEMORY,
  DIFFUSION_ERROR_IO,
  DIFFUSION_ERROR_NUMERIC,
  DIFFUSION_ERROR_ELSEWHERE
} DiffusionError;

#define DIFFUSION_ERROR (diffusion_error_quark ())

GQuark diffusion_error_quark (void);

G_END_DECLS
