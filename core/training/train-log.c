/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The training's log as CSV. */
#include "core/training/train-log.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/output-file.h"

#define EVERY 50
#define HEADER "step,loss,gradient_norm,learning_rate,images_per_second\n"

struct _DiffusionTrainLog
{
  FILE *file;
  double loss, norm;
  guint n;
};

/* The file's rows up to @step, with the header. */
static char *
keep_rows (const char *path, guint64 step)
{
  g_autofree char *old = NULL;
  g_auto (GStrv) lines = NULL;
  GString *kept = g_string_new (HEADER);

  if (g_file_get_contents (path, &old, NULL, NULL))
    lines = g_strsplit (old, "\n", -1);
  for (char **line = lines; line != NULL && *line != NULL; line++)
    {
      guint64 at = g_ascii_strtoull (*line, NULL, 10);

      if (at > 0 && at <= step)
        g_string_append_printf (kept, "%s\n", *line);
    }
  return g_string_free (kept, FALSE);
}

DiffusionTrainLog *
diffusion_train_log_open (const char *folder, guint64 step, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "log.csv", NULL);
  g_autofree char *rows = keep_rows (path, step);
  DiffusionTrainLog *log;
  FILE *file;

  if (!diffusion_output_file_set_contents (path, rows, strlen (rows), error))
    return NULL;
  file = g_fopen (path, "a");
  if (file == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("%s cannot be written: %s"), path,
                   g_strerror (errno));
      return NULL;
    }
  log = g_new0 (DiffusionTrainLog, 1);
  log->file = file;
  return log;
}

void
diffusion_train_log_free (DiffusionTrainLog *log)
{
  if (log == NULL)
    return;
  fclose (log->file);
  g_free (log);
}

void
diffusion_train_log_add (DiffusionTrainLog *log, const DiffusionTrainReport *report)
{
  char numbers[4][G_ASCII_DTOSTR_BUF_SIZE];

  log->loss += report->loss;
  log->norm += report->gradient_norm;
  log->n++;
  if (report->step % EVERY != 0 && report->step != report->steps)
    return;
  fprintf (log->file, "%" PRIu64 ",%s,%s,%s,%s\n", report->step,
           g_ascii_formatd (numbers[0], sizeof numbers[0], "%.6g", log->loss / log->n),
           g_ascii_formatd (numbers[1], sizeof numbers[1], "%.6g", log->norm / log->n),
           g_ascii_formatd (numbers[2], sizeof numbers[2], "%.6g", report->learning_rate),
           g_ascii_formatd (numbers[3], sizeof numbers[3], "%.4g", report->images_per_second));
  fflush (log->file);
  log->loss = log->norm = 0;
  log->n = 0;
}

gsize
diffusion_train_log_read (const char *folder, double **steps, double **losses)
{
  g_autofree char *path = g_build_filename (folder, "log.csv", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  gsize n = 0;

  if (g_file_get_contents (path, &text, NULL, NULL))
    lines = g_strsplit (text, "\n", -1);
  *steps = g_new (double, lines != NULL ? g_strv_length (lines) + 1 : 1);
  *losses = g_new (double, lines != NULL ? g_strv_length (lines) + 1 : 1);
  for (char **line = lines; line != NULL && *line != NULL; line++)
    {
      char *comma = strchr (*line, ',');
      double step = g_ascii_strtod (*line, NULL);

      if (step < 1 || comma == NULL)
        continue;
      (*steps)[n] = step;
      (*losses)[n++] = g_ascii_strtod (comma + 1, NULL);
    }
  return n;
}
