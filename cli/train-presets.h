/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of presets below the help. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * cli_train_describe_presets:
 * @classifier: of classifiers, not of the other networks
 *
 * Plans each preset's network and measures this machine for a moment.
 *
 * Returns: (transfer full): a line each: name, parameters, memory, images a second, what it is for
 */
char *cli_train_describe_presets (gboolean classifier);

G_END_DECLS
