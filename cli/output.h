/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What verbs print: tables for people, JSON for programs. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** cli_print_json: prints an object (consumed) as indented JSON. */
void cli_print_json (JsonObject *object);

/** cli_format_count: (transfer full): a number with three significant digits: "3.91 M". */
char *cli_format_count (double count);

/**
 * CliTable:
 *
 * Rows of text whose columns are aligned when they are printed.
 */
typedef struct _CliTable CliTable;

CliTable *cli_table_new (void);

/** cli_table_row: appends a row; cells up to the first %NULL; the texts are copied. */
void cli_table_row (CliTable *table, ...) G_GNUC_NULL_TERMINATED;

/** cli_table_print: prints the rows to standard output and frees the table. */
void cli_table_print (CliTable *table);

G_END_DECLS
