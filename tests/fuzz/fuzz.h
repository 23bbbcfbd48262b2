/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Damages inputs at random and feeds them to a function that must survive them. */
#pragma once

#include <glib.h>

/**
 * fuzz_run:
 * @seed_input: (array length=size): a good input
 * @size: its length
 * @text: whether to prefer damage that leaves text
 * @target: gets each damaged input
 *
 * Runs for two seconds, or as long as DIFFUSION_FUZZ_SECONDS says, at most 100000 times; the same inputs
 * every time unless DIFFUSION_FUZZ_SEED is set. An input that crashes is found again by the number of the
 * last round, which is reported with DIFFUSION_FUZZ_VERBOSE.
 */
void fuzz_run (gconstpointer seed_input,
               gsize size,
               gboolean text,
               void (*target) (const guint8 *data, gsize size));
