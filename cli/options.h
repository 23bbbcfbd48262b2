/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines: parsing, and checks that name the option, what was found and what is expected. */
#pragma once

#include "cli/verb.h"
#include "core/kernels/gemm.h"

G_BEGIN_DECLS

/* Wrong command lines: exit code 2 and a hint at --help. */
#define CLI_USAGE_ERROR (cli_usage_error_quark ())
GQuark cli_usage_error_quark (void);

/** cli_usage_error: sets @error to a message about the command line; always returns %FALSE. */
gboolean cli_usage_error (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/**
 * cli_parse:
 * @verb: whose command line it is
 * @entries: the verb's options, %NULL-terminated
 * @argc: number of elements of @argv, the verb's name being the first
 * @argv: the command line
 * @error: return location for a usage error
 *
 * Parses the options, shows the help and exits when asked to, and counts the arguments. --threads is understood for
 * every verb.
 *
 * Returns: (transfer full) (nullable): the arguments, %NULL-terminated, in the encoding of file names
 */
char **cli_parse (const CliVerb *verb, const GOptionEntry *entries, int argc, char **argv, GError **error);

/** cli_check_int: whether @value lies in [minimum, maximum]; @option is its name ("--steps"). */
gboolean cli_check_int (const char *option, gint64 value, gint64 minimum, gint64 maximum, GError **error);

/** cli_check_double: like cli_check_int(); refuses NaN. */
gboolean cli_check_double (const char *option, double value, double minimum, double maximum, GError **error);

/**
 * cli_parse_double:
 * @option: the option's name
 * @text: what was given for it
 * @minimum: least allowed value
 * @maximum: greatest allowed value
 * @value: (out): the number
 * @error: return location for a usage error
 *
 * For options that take words as well as numbers, or lists of numbers.
 */
gboolean cli_parse_double (const char *option, const char *text, double minimum, double maximum, double *value,
                           GError **error);

/** cli_parse_int: like cli_parse_double(), for whole numbers. */
gboolean cli_parse_int (const char *option, const char *text, gint64 minimum, gint64 maximum, gint64 *value,
                        GError **error);

/**
 * cli_parse_choice:
 * @option: the option's name
 * @text: what was given for it
 * @choices: (array zero-terminated=1): the words it takes
 * @choice: (out): index of the word
 * @error: return location for a usage error that lists the words
 */
gboolean cli_parse_choice (const char *option, const char *text, const char *const *choices, guint *choice,
                           GError **error);

/**
 * cli_parse_precision:
 * @text: (nullable): what was given for --precision
 * @precision: (out): float32 where @text is %NULL
 * @error: return location for a usage error
 */
gboolean cli_parse_precision (const char *text, DiffusionPrecision *precision, GError **error);

/**
 * cli_parse_size:
 * @option: the option's name
 * @text: (nullable): "256" or "320x200"; %NULL leaves both alone
 * @width: (inout): columns
 * @height: (inout): rows
 * @error: return location for a usage error
 */
gboolean cli_parse_size (const char *option, const char *text, gint *width, gint *height, GError **error);

/**
 * cli_join_list:
 * @argc: (inout): number of arguments
 * @argv: the command line
 * @option: an option that takes several values ("--denoise")
 *
 * Makes one value, joined by commas, of all the numbers that follow the option, as GOption takes only one.
 *
 * Returns: (transfer full): the new command line
 */
char **cli_join_list (int *argc, char **argv, const char *option);

/**
 * cli_parse_list:
 * @option: the option's name
 * @texts: (nullable): what was given for it, each a number or several separated by commas
 * @minimum: least allowed value
 * @maximum: greatest allowed value
 * @error: return location for a usage error
 *
 * Returns: (transfer full) (nullable): the numbers (of double) in their order, maybe none
 */
GArray *cli_parse_list (const char *option, char **texts, double minimum, double maximum, GError **error);

/**
 * cli_check_output:
 * @path: a file to be written
 * @error: return location for %DIFFUSION_ERROR_IO
 *
 * Checks before long work that a file can be written there: its folder exists, can be written to, and @path is no
 * folder itself.
 */
gboolean cli_check_output (const char *path, GError **error);

G_END_DECLS
