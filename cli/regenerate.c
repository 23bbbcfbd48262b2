/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion regenerate: gives part of a picture up to noise and makes it anew. */
#include "cli/options.h"
#include "cli/sampling.h"
#include "cli/verbs.h"
#include "core/pictures/pictures.h"

typedef struct
{
  CliSampling sampling;
  double t, strength;
  char *mask;
  gint jump_length, jump_count;
  gboolean seamless;
} Job;

/* White may change, black is kept. */
static CliPixels *
load_mask (const char *path, const DiffusionPicture *picture, GError **error)
{
  g_autoptr (CliPixels) mask = cli_pixels_load (path, error);

  if (mask == NULL)
    return NULL;
  cli_pixels_to_gray (mask);
  if (mask->width != picture->width || mask->height != picture->height)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("--mask: found %d×%d pixels in %s, expected %d×%d as in the picture"), mask->width, mask->height, path,
                   picture->width, picture->height);
      return NULL;
    }
  return g_steal_pointer (&mask);
}

static gboolean
regenerate (Job *job, const char *in, const char *out, GCancellable *cancellable, GError **error)
{
  CliSampling *s = &job->sampling;
  g_autoptr (DiffusionPicture) picture = NULL;
  g_autoptr (CliPixels) mask = NULL;
  DiffusionPictureRegeneration regeneration
      = { .jump_length = (guint) job->jump_length, .jump_count = (guint) job->jump_count };

  if (!cli_check_output (out, error) || !cli_sampling_open (s, 1, cancellable, error)
      || !cli_sampling_check_t (s, job->t, job->strength, &regeneration.t, error)
      || (picture = diffusion_pictures_open (in, error)) == NULL)
    return FALSE;
  if (job->mask != NULL)
    {
      mask = load_mask (job->mask, picture, error);
      if (mask == NULL)
        return FALSE;
      regeneration.mask = mask->data;
    }
  s->editor.circular = job->seamless;
  cli_sampling_show (s, _ ("Regenerating"), 0);
  return diffusion_regenerate_picture (&s->editor, picture, &regeneration, error)
         && diffusion_pictures_save (picture, out, error);
}

static gboolean
check (const Job *job, GError **error)
{
  if (job->t != 0.0 && job->strength != 0.0)
    return cli_usage_error (error, _ ("found --t and --strength, expected one of them"));
  if (job->t == 0.0 && job->strength == 0.0)
    return cli_usage_error (error, _ ("expected --t T or --strength S"));
  if (job->t == 0.0 && !cli_check_double ("--strength", job->strength, 0.0, 1.0, error))
    return FALSE;
  if (job->t != 0.0 && !cli_check_double ("--t", job->t, 1.0, DIFFUSION_MAX_STEPS, error))
    return FALSE;
  if (!cli_check_int ("--jump-length", job->jump_length, 0, 10000, error)
      || !cli_check_int ("--jump-count", job->jump_count, 1, 1000, error))
    return FALSE;
  if (job->seamless && job->mask != NULL)
    return cli_usage_error (error, _ ("found --seamless and --mask, expected one of them"));
  if (job->jump_length > 0 && job->mask == NULL)
    return cli_usage_error (error, _ ("--jump-length is for --mask"));
  return TRUE;
}

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  Job job = { .jump_count = 10 };
  const GOptionEntry own[] = {
    { "t", 't', 0, G_OPTION_ARG_DOUBLE, &job.t, N_ ("How noisy the picture gets before: step 1 to the model's last, T"),
      N_ ("T") },
    { "strength", 0, 0, G_OPTION_ARG_DOUBLE, &job.strength, N_ ("The same as a share of T, above 0 to 1"), N_ ("S") },
    { "seamless", 0, 0, G_OPTION_ARG_NONE, &job.seamless, N_ ("The picture is a tile and stays one: its opposite edges fit"), NULL },
    { "mask", 0, 0, G_OPTION_ARG_FILENAME, &job.mask,
      N_ ("Picture of the same size: white may change, black stays exactly as it is"), N_ ("FILE") },
    { "jump-length", 0, 0, G_OPTION_ARG_INT, &job.jump_length,
      N_ ("With a mask, jump back this many steps now and then so that old and new fit (default: 0, never)"), N_ ("N") },
    { "jump-count", 0, 0, G_OPTION_ARG_INT, &job.jump_count, N_ ("How often to go through each stretch (default: 10)"),
      N_ ("N") },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };

  cli_sampling_init (&job.sampling, DIFFUSION_DEFAULT_TEXTURE_MODEL);
  g_autoptr (GArray) entries = cli_sampling_entries (&job.sampling, own);
  g_auto (GStrv) arguments = cli_parse (verb, (const GOptionEntry *) (gconstpointer) entries->data, argc, argv, error);
  gboolean done = arguments != NULL && check (&job, error) && cli_sampling_check (&job.sampling, error)
                  && regenerate (&job, arguments[0], arguments[1], cancellable, error);

  cli_sampling_clear (&job.sampling);
  g_free (job.mask);
  return done;
}

const CliVerb cli_regenerate = {
  .name = "regenerate",
  .arguments = N_ ("IN OUT"),
  .brief = N_ ("Give part of a picture up to noise and make it anew"),
  .description = N_ ("The picture gets noise as of step T and is denoised from there: little noise changes details, much\n"
                     "keeps only the rough colours. Photographs and painted strokes work alike. Precision, alpha and\n"
                     "colour profile are kept. Of the steps of a whole chain those up to T are taken.\n\n"
                     "Examples:\n"
                     "  diffusion regenerate strokes.png picture.png --model church --t 500\n"
                     "  diffusion regenerate in.png out.png --model cat --strength 1 --mask hole.png --jump-length 10"),
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run,
};
