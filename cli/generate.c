/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion generate: pictures from noise. */
#include <errno.h>

#include <glib/gstdio.h>

#include "cli/options.h"
#include "cli/sampling.h"
#include "cli/verbs.h"

/* Small pictures are made several at once, as long as they have fewer pixels than this together. */
#define PIXELS_AT_ONCE (128 * 128)
#define MAX_COUNT 100000

typedef struct
{
  CliSampling sampling;
  const char *out;
  gint count;
  gint width, height;
  gboolean seamless;
  char *progressive;
  GCancellable *cancellable; /* also fires when a picture of --progressive cannot be written */
  GError *problem;
  guint first; /* picture of this batch */
} Job;

/* --progressive: x̂₀ after every step. */
static void
save_preview (const DiffusionPreview *preview, gpointer data)
{
  Job *job = data;
  gsize size = preview->height * preview->width * preview->channels;

  for (gsize i = 0; i < preview->n && job->problem == NULL; i++)
    {
      g_autofree char *name
          = job->count == 1 ? g_strdup_printf ("step-%04zu.png", preview->step)
                            : g_strdup_printf ("picture-%03u-step-%04zu.png", job->first + (guint) i + 1,
                                               preview->step);
      g_autofree char *path = g_build_filename (job->progressive, name, NULL);

      if (!cli_sampling_save (&job->sampling, preview->x0 + i * size, (gint) preview->width, (gint) preview->height, 8, path,
                              &job->problem))
        g_cancellable_cancel (job->cancellable);
    }
}

static gboolean
choose_size (Job *job, GError **error)
{
  gint native = (gint) job->sampling.editor.predictor->native;

  if (job->width == 0)
    job->width = job->height = native;
  if (job->width == 0)
    return cli_usage_error (error, _ ("--size: the model %s does not say its size"), job->sampling.model);
  return TRUE;
}

static gboolean
generate_all (Job *job, guint batch, GError **error)
{
  CliSampling *s = &job->sampling;
  gsize size = (gsize) job->width * (gsize) job->height * s->editor.predictor->channels;
  float *values = diffusion_try_alloc (batch * size * sizeof (float), _ ("the pictures"), error);
  gboolean done = values != NULL;
  DiffusionProgressShare share = { cli_progress_update, s->progress, 0.0, 0.0 };

  s->editor.progress = diffusion_progress_share;
  s->editor.progress_data = &share;
  for (job->first = 0; done && job->first < (guint) job->count; job->first += batch)
    {
      guint n = MIN (batch, (guint) job->count - job->first);

      share.before = (double) job->first / job->count;
      share.part = (double) n / job->count;
      s->editor.seed = (guint64) s->seed + job->first;
      done = diffusion_generate (&s->editor, n, (gsize) job->height, (gsize) job->width, values, error);
      for (guint i = 0; done && i < n; i++)
        {
          g_autofree char *path = cli_numbered_path (job->out, job->first + i, (guint) job->count);

          done = cli_sampling_save (s, values + i * size, job->width, job->height, 8, path, error);
        }
    }
  diffusion_free (values);
  return done;
}

static gboolean
generate (Job *job, GError **error)
{
  CliSampling *s = &job->sampling;
  guint batch;

  if (!cli_check_output (job->out, error))
    return FALSE;
  if (job->progressive != NULL && g_mkdir_with_parents (job->progressive, 0777) != 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("%s: cannot make the folder: %s"), job->progressive,
                   g_strerror (errno));
      return FALSE;
    }
  if (!cli_sampling_open (s, (gsize) job->count, job->cancellable, error) || !choose_size (job, error))
    return FALSE;
  if (s->editor.predictor->condition_channels > 0)
    return cli_usage_error (error, _ ("--model: %s makes pictures larger, see “diffusion upscale”"), s->model);
  s->editor.circular = job->seamless;
  if (job->progressive != NULL)
    {
      s->editor.preview = save_preview;
      s->editor.preview_data = job;
    }

  batch = (guint) CLAMP (PIXELS_AT_ONCE / ((gint64) job->width * job->height), 1, job->count);
  cli_sampling_show (s, _ ("Generating"), batch == (guint) job->count ? (guint) s->editor.steps : 0);
  if (generate_all (job, batch, error))
    return TRUE;
  if (job->problem != NULL)
    {
      g_clear_error (error);
      g_propagate_error (error, g_steal_pointer (&job->problem));
    }
  return FALSE;
}

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  Job job = { .count = 1, .cancellable = cancellable };
  g_autofree char *size = NULL;
  const GOptionEntry own[] = {
    { "count", 'n', 0, G_OPTION_ARG_INT, &job.count,
      N_ ("Pictures to make (default: 1); with more, their numbers are added to OUT and to the seed"), N_ ("N") },
    { "size", 0, 0, G_OPTION_ARG_STRING, &size, N_ ("Size of a picture (default: the model's)"), N_ ("N|WxH") },
    { "seamless", 0, 0, G_OPTION_ARG_NONE, &job.seamless, N_ ("Make pictures whose opposite edges fit: tiles"), NULL },
    { "progressive", 0, 0, G_OPTION_ARG_FILENAME, &job.progressive,
      N_ ("Also write to folder DIR what the picture is expected to become, at every step"), N_ ("DIR") },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };

  cli_sampling_init (&job.sampling, DIFFUSION_DEFAULT_TEXTURE_MODEL);
  g_autoptr (GArray) entries = cli_sampling_entries (&job.sampling, own);
  g_auto (GStrv) arguments = cli_parse (verb, (const GOptionEntry *) (gconstpointer) entries->data, argc, argv, error);
  gboolean done = arguments != NULL && cli_parse_size ("--size", size, &job.width, &job.height, error)
                  && cli_check_int ("--count", job.count, 1, MAX_COUNT, error) && cli_sampling_check (&job.sampling, error);

  job.out = done ? arguments[0] : NULL;
  done = done && generate (&job, error);
  cli_sampling_clear (&job.sampling);
  g_free (job.progressive);
  return done;
}

const CliVerb cli_generate = {
  .name = "generate",
  .arguments = N_ ("OUT"),
  .brief = N_ ("Make pictures from noise"),
  .description = N_ ("Picture number i of --count has the seed N + i, whatever else is made beside it.\n\n"
                     "Examples:\n"
                     "  diffusion generate wood.png --class wood --seamless --size 256\n"
                     "  diffusion generate cat.png --model ddpm-cat-256 --sampler ddim --steps 50 --seed 7"),
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
