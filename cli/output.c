/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What verbs print: tables for people, JSON for programs. */
#include "cli/output.h"

#include <math.h>
#include <stdio.h>

#include "core/model/json.h"

struct _CliTable
{
  GPtrArray *rows; /* of GStrv */
};

void
cli_print_json (JsonObject *object)
{
  g_autofree char *text = diffusion_json_to_string (object);

  fputs (text, stdout);
  json_object_unref (object);
}

char *
cli_format_count (double count)
{
  static const char *const units[] = { "", " k", " M", " G", " T" };
  guint unit = 0;

  while (count >= 999.5 && unit + 1 < G_N_ELEMENTS (units))
    {
      count /= 1000.0;
      unit++;
    }
  if (unit == 0)
    return g_strdup_printf ("%.0f", count);
  return g_strdup_printf ("%.*f%s", count < 9.995 ? 2 : count < 99.95 ? 1 : 0, count, units[unit]);
}

CliTable *
cli_table_new (void)
{
  CliTable *table = g_new0 (CliTable, 1);

  table->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  return table;
}

void
cli_table_row (CliTable *table, ...)
{
  GStrvBuilder *row = g_strv_builder_new ();
  va_list cells;

  va_start (cells, table);
  for (const char *cell = va_arg (cells, const char *); cell != NULL; cell = va_arg (cells, const char *))
    g_strv_builder_add (row, cell);
  va_end (cells);
  g_ptr_array_add (table->rows, g_strv_builder_end (row));
  g_strv_builder_unref (row);
}

static glong
column_width (const CliTable *table, guint column)
{
  glong width = 0;

  for (guint i = 0; i < table->rows->len; i++)
    {
      char **row = g_ptr_array_index (table->rows, i);

      if (column < g_strv_length (row))
        width = MAX (width, g_utf8_strlen (row[column], -1));
    }
  return width;
}

void
cli_table_print (CliTable *table)
{
  for (guint i = 0; i < table->rows->len; i++)
    {
      char **row = g_ptr_array_index (table->rows, i);

      for (guint column = 0; row[column] != NULL; column++)
        {
          fputs (row[column], stdout);
          if (row[column + 1] == NULL)
            break;
          for (glong j = g_utf8_strlen (row[column], -1); j < column_width (table, column) + 2; j++)
            fputc (' ', stdout);
        }
      fputc ('\n', stdout);
    }
  g_ptr_array_unref (table->rows);
  g_free (table);
}
