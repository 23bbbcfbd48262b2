/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a verb of the command is: one of these a file, listed in verbs.c. */
#pragma once

#include <gio/gio.h>

#include "core/base/i18n.h"

G_BEGIN_DECLS

typedef struct _CliVerb CliVerb;

/**
 * CliVerb:
 * @name: the word on the command line
 * @arguments: what follows the options, as --help shows it ("IN OUT")
 * @brief: one line for the list of verbs (N_())
 * @description: (nullable): paragraphs below the options in --help: details, defaults, examples (N_())
 * @min_arguments: fewest arguments
 * @max_arguments: most arguments; 0 with @min_arguments > 0 for any number
 * @run: does it: parses the options with cli_parse(), checks all of them, works; a wrong command line is an error
 *   made by cli_usage_error()
 *
 * A verb writes results to standard output and everything about them (progress, warnings) to standard error.
 */
struct _CliVerb
{
  const char *name;
  const char *arguments;
  const char *brief;
  const char *description;
  guint min_arguments;
  guint max_arguments;
  gboolean (*run) (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error);
};

/** cli_verbs: all verbs, %NULL-terminated, in the order in which --help lists them. */
extern const CliVerb *const cli_verbs[];

G_END_DECLS
