/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines: parsing, and checks that name the option, what was found and what is expected. */
#include "cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "core/diffusion.h"

#define MAX_THREADS 1024
#define MAX_SIZE 65536

G_DEFINE_QUARK (cli-usage-error-quark, cli_usage_error)

gboolean
cli_usage_error (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, CLI_USAGE_ERROR, 0, message);
  return FALSE;
}

static gboolean
check_count (const CliVerb *verb, guint found, GError **error)
{
  if (found < verb->min_arguments)
    return cli_usage_error (error, _ ("too few arguments: found %u, expected %s"), found, verb->arguments);
  if (found > verb->max_arguments && !(verb->max_arguments == 0 && verb->min_arguments > 0))
    return cli_usage_error (error, _ ("too many arguments: found %u, expected %s"), found,
                            verb->max_arguments > 0 ? verb->arguments : _ ("none"));
  return TRUE;
}

char **
cli_parse (const CliVerb *verb, const GOptionEntry *entries, int argc, char **argv, GError **error)
{
  gint threads = 0;
  g_autofree char **line = g_memdup2 (argv, (gsize) (argc + 1) * sizeof (char *));
  g_auto (GStrv) arguments = NULL;
  g_autoptr (GError) problem = NULL;
  const GOptionEntry common[] = {
    { "threads", 0, 0, G_OPTION_ARG_INT, &threads,
      N_ ("Use N processor cores (default: all); the result does not depend on it"), N_ ("N") },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments, NULL, verb->arguments },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autofree char *program = g_strdup_printf ("diffusion %s", verb->name);

  g_set_prgname (program);
  g_option_context_set_translation_domain (context, DIFFUSION_GETTEXT_DOMAIN);
  g_option_context_set_summary (context, verb->brief);
  if (verb->description != NULL)
    g_option_context_set_description (context, verb->description);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, DIFFUSION_GETTEXT_DOMAIN);
  g_option_context_add_main_entries (context, common, DIFFUSION_GETTEXT_DOMAIN);

  if (!g_option_context_parse (context, &argc, &line, &problem))
    {
      cli_usage_error (error, "%s", problem->message);
      return NULL;
    }
  if (!check_count (verb, arguments != NULL ? g_strv_length (arguments) : 0, error) ||
      !cli_check_int ("--threads", threads, 0, MAX_THREADS, error))
    return NULL;
  diffusion_set_threads ((guint) threads);
  return arguments != NULL ? g_steal_pointer (&arguments) : g_new0 (char *, 1);
}

gboolean
cli_check_int (const char *option, gint64 value, gint64 minimum, gint64 maximum, GError **error)
{
  if (value >= minimum && value <= maximum)
    return TRUE;
  return cli_usage_error (error, _ ("%s: found %" PRId64 ", expected %" PRId64 " to %" PRId64),
                          option, value, minimum, maximum);
}

gboolean
cli_check_double (const char *option, double value, double minimum, double maximum, GError **error)
{
  if (value >= minimum && value <= maximum)
    return TRUE;
  return cli_usage_error (error, _ ("%s: found %g, expected %g to %g"), option, value, minimum, maximum);
}

gboolean
cli_parse_double (const char *option, const char *text, double minimum, double maximum, double *value, GError **error)
{
  char *end = NULL;
  double number = g_ascii_strtod (text, &end);

  if (end == text || *end != '\0')
    return cli_usage_error (error, _ ("%s: found “%s”, expected a number from %g to %g"), option, text, minimum,
                            maximum);
  *value = number;
  return cli_check_double (option, number, minimum, maximum, error);
}

gboolean
cli_parse_int (const char *option, const char *text, gint64 minimum, gint64 maximum, gint64 *value, GError **error)
{
  char *end = NULL;

  errno = 0;
  gint64 number = g_ascii_strtoll (text, &end, 10);
  if (end == text || *end != '\0' || errno == ERANGE)
    return cli_usage_error (error,
                            _ ("%s: found “%s”, expected a whole number from %" PRId64 " to %" PRId64),
                            option, text, minimum, maximum);
  *value = number;
  return cli_check_int (option, number, minimum, maximum, error);
}

gboolean
cli_parse_choice (const char *option, const char *text, const char *const *choices, guint *choice, GError **error)
{
  for (guint i = 0; choices[i] != NULL; i++)
    if (strcmp (text, choices[i]) == 0)
      {
        *choice = i;
        return TRUE;
      }

  g_autofree char *words = g_strjoinv (", ", (char **) choices);
  return cli_usage_error (error, _ ("%s: found “%s”, expected one of: %s"), option, text, words);
}

gboolean
cli_parse_precision (const char *text, DiffusionPrecision *precision, GError **error)
{
  static const char *const choices[] = { "f32", "bf16", NULL };
  guint choice = 0;

  if (text != NULL && !cli_parse_choice ("--precision", text, choices, &choice, error))
    return FALSE;
  *precision = choice == 1 ? DIFFUSION_PRECISION_BF16 : DIFFUSION_PRECISION_F32;
  return TRUE;
}

gboolean
cli_parse_size (const char *option, const char *text, gint *width, gint *height, GError **error)
{
  gint64 sizes[2] = { 0, 0 };

  if (text == NULL)
    return TRUE;

  g_auto (GStrv) parts = g_strsplit (text, "x", -1);
  guint count = g_strv_length (parts);
  if (count < 1 || count > 2)
    return cli_usage_error (error, _ ("%s: found “%s”, expected a size as 256 or 320x200"), option, text);
  for (guint i = 0; i < 2; i++)
    if (!cli_parse_int (option, parts[i % count], 1, MAX_SIZE, &sizes[i], error))
      return FALSE;
  *width = (gint) sizes[0];
  *height = (gint) sizes[1];
  return TRUE;
}

/* A number, or several separated by commas. */
static gboolean
is_list (const char *text)
{
  do
    {
      char *end = NULL;

      g_ascii_strtod (text, &end);
      if (end == text || (*end != ',' && *end != '\0'))
        return FALSE;
      text = end + (*end == ',');
    }
  while (*text != '\0');
  return TRUE;
}

char **
cli_join_list (int *argc, char **argv, const char *option)
{
  GStrvBuilder *line = g_strv_builder_new ();
  int count = *argc;

  for (int i = 0; i < count; i++)
    {
      g_strv_builder_add (line, argv[i]);
      if (strcmp (argv[i], option) != 0 || i + 1 >= count)
        continue;

      g_autoptr (GString) values = g_string_new (argv[++i]);
      while (is_list (values->str) && i + 1 < count && is_list (argv[i + 1]))
        g_string_append_printf (values, ",%s", argv[++i]);
      g_strv_builder_add (line, values->str);
    }

  char **joined = g_strv_builder_end (line);
  *argc = (int) g_strv_length (joined);
  g_strv_builder_unref (line);
  return joined;
}

GArray *
cli_parse_list (const char *option, char **texts, double minimum, double maximum, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (texts[i], ",", -1);

      for (guint j = 0; parts[j] != NULL; j++)
        {
          double number = 0.0;

          if (parts[j][0] == '\0' && j > 0 && parts[j + 1] == NULL)
            break;
          if (!cli_parse_double (option, parts[j], minimum, maximum, &number, error))
            return NULL;
          g_array_append_val (numbers, number);
        }
    }
  return g_steal_pointer (&numbers);
}

gboolean
cli_check_output (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_filename_display_name (path);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("%s: found a folder, expected the name of a file to write"),
                   name);
      return FALSE;
    }
  /* renaming a finished file to its place would remove a device */
  if (g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_REGULAR))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("%s: found a device, expected the name of a file to write"),
                   name);
      return FALSE;
    }
  if (access (folder, W_OK | X_OK) != 0)
    {
      int reason = errno;
      g_autofree char *folder_name = g_filename_display_name (folder);

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("%s: cannot write to the folder %s: %s"), name,
                   folder_name, g_strerror (reason));
      return FALSE;
    }
  return TRUE;
}
