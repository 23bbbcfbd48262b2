/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One reverse step and every loss, for every kind of output, against the public implementations. */
#include "tests/golden/reference.h"

#include <math.h>
#include <string.h>

#define TOLERANCE 1e-5

typedef struct
{
  const DiffusionTensorFile *file;
  DiffusionSchedule *schedule;
  gsize n, pixels, channels, count; /* count: values of one picture */
  double *t;
  float *x0, *x_t, *noise, *z, *gradient;
  GHashTable *worst; /* kind of result → largest difference */
} Steps;

/* What one model output gives for one picture. */
typedef struct
{
  float *x0, *epsilon, *mean, *variance, *log_variance;
} Outcome;

static int
index_of (const char *word, const char *const *words)
{
  for (int i = 0; words[i] != NULL; i++)
    if (g_str_equal (word, words[i]))
      return i;
  g_error ("“%s” is not known", word);
}

static DiffusionParameterisation
parse (const char *mean, const char *variance, const char *clip)
{
  const char *const means[] = { "epsilon", "start_x", "previous_x", "v", NULL };
  const char *const variances[] = { "fixed_small", "fixed_large", "learned", "learned_range", NULL };
  DiffusionParameterisation parameterisation = DIFFUSION_PARAMETERISATION_INIT;

  parameterisation.mean = (DiffusionMeanType) index_of (mean, means);
  parameterisation.variance = (DiffusionVarianceType) index_of (variance, variances);
  parameterisation.clip = g_str_equal (clip, "clip") ? DIFFUSION_CLIP_STATIC : DIFFUSION_CLIP_NONE;
  return parameterisation;
}

static void
note (Steps *steps, const char *what, double difference, const char *name)
{
  double *worst = g_hash_table_lookup (steps->worst, what);

  if (!(difference <= TOLERANCE))
    g_error ("%s differs by %.2e", name, difference);
  if (worst == NULL)
    {
      worst = g_new0 (double, 1);
      g_hash_table_insert (steps->worst, g_strdup (what), worst);
    }
  *worst = MAX (*worst, difference);
}

static void
predict (Steps *steps, const DiffusionParameterisation *parameterisation, gsize i, const float *output, Outcome *o)
{
  gsize index = (gsize) steps->t[i];
  const float *x_t = steps->x_t + i * steps->count;

  diffusion_output_to_x0 (steps->schedule, index, parameterisation, x_t, output, steps->pixels, steps->channels,
                          o->x0);
  diffusion_clip_x0 (parameterisation, o->x0, steps->count);
  diffusion_x0_to_epsilon (steps->schedule, index, x_t, o->x0, steps->count, o->epsilon);
  diffusion_output_to_posterior (steps->schedule, index, parameterisation, x_t, o->x0, output, steps->pixels,
                                 steps->channels, o->mean, o->variance, o->log_variance);
}

static void
take_step (Steps *steps, gsize i, const DiffusionSampler *sampler, double eta, const Outcome *o, float *found)
{
  DiffusionStep step = {
    .schedule = steps->schedule,
    .index = (gsize) steps->t[i],
    .previous = -1,
    .eta = eta,
    .x_t = steps->x_t + i * steps->count,
    .x0 = o->x0,
    .epsilon = o->epsilon,
    .mean = o->mean,
    .log_variance = o->log_variance,
    .z = steps->z + i * steps->count,
  };

  sampler->step (&step, steps->count, found);
}

/* The result called @what; a single value for a bound, else a picture. */
static gsize
compute (Steps *steps, const char *what, gsize i, const DiffusionParameterisation *parameterisation,
         const float *output, Outcome *o, float *found)
{
  gsize index = (gsize) steps->t[i];
  const float *x0 = steps->x0 + i * steps->count, *x_t = steps->x_t + i * steps->count;
  const float *gradient = steps->gradient + i * steps->count, *from = NULL;

  predict (steps, parameterisation, i, output, o);
  if (g_str_equal (what, "vb_bpd"))
    {
      found[0] = (float) diffusion_bound_term (steps->schedule, index, DIFFUSION_DECODER_TANH, x0, x_t, o->mean,
                                               o->log_variance, steps->count, NULL, NULL);
      return 1;
    }
  if (g_str_equal (what, "mean"))
    from = o->mean;
  else if (g_str_equal (what, "log_variance"))
    from = o->log_variance;
  else if (g_str_equal (what, "pred_x0"))
    from = o->x0;
  if (from != NULL)
    memcpy (found, from, steps->count * sizeof (float));
  else if (g_str_equal (what, "ancestral"))
    take_step (steps, i, &diffusion_sampler_ancestral, 0, o, found);
  else if (g_str_equal (what, "ancestral_guided"))
    {
      diffusion_guide_mean (o->variance, gradient, steps->count, o->mean);
      take_step (steps, i, &diffusion_sampler_ancestral, 0, o, found);
    }
  else if (g_str_equal (what, "ddim_guided"))
    {
      diffusion_guide_prediction (steps->schedule, index, x_t, gradient, steps->count, o->epsilon, o->x0);
      take_step (steps, i, &diffusion_sampler_ddim, 0, o, found);
    }
  else if (g_str_has_prefix (what, "ddim_eta"))
    take_step (steps, i, &diffusion_sampler_ddim, g_ascii_strtod (what + strlen ("ddim_eta"), NULL), o, found);
  else if (g_str_equal (what, "ddim_reverse"))
    take_step (steps, i, &diffusion_sampler_ddim_inverse, 0, o, found);
  else
    g_error ("“%s” is not known", what);
  return steps->count;
}

static float *
model_output (const Steps *steps, char **words)
{
  g_autofree char *name = g_strdup_printf ("%s.%s.model_output", words[0], words[1]);

  return reference_pixels (steps->file, name);
}

static void
compare_step (Steps *steps, const char *name, char **words, const char *what)
{
  DiffusionParameterisation parameterisation = parse (words[0], words[1], words[2]);
  gboolean single = g_str_equal (what, "vb_bpd");
  g_autofree float *expected = single ? reference_floats (steps->file, name) : reference_pixels (steps->file, name);
  g_autofree float *output = model_output (steps, words), *found = g_new (float, steps->count);
  g_autofree float *room = g_new (float, 5 * steps->count);
  gsize stride = steps->count * (diffusion_variance_is_learned (parameterisation.variance) ? 2 : 1);
  Outcome o = { room, room + steps->count, room + 2 * steps->count, room + 3 * steps->count,
                room + 4 * steps->count };

  for (gsize i = 0; i < steps->n; i++)
    {
      gsize values = compute (steps, what, i, &parameterisation, output + i * stride, &o, found);

      note (steps, what, reference_difference (found, expected + i * values, values), name);
    }
}

static void
compare_loss (Steps *steps, const char *name, char **words)
{
  DiffusionParameterisation parameterisation = parse (words[0], words[1], "noclip");
  g_autofree float *expected = reference_floats (steps->file, name), *output = model_output (steps, words);
  gsize stride = steps->count * (diffusion_variance_is_learned (parameterisation.variance) ? 2 : 1);

  for (gsize i = 0; i < steps->n; i++)
    {
      DiffusionLoss loss =
          diffusion_loss (DIFFUSION_LOSS_HYBRID, steps->schedule, (gsize) steps->t[i], &parameterisation,
                          steps->x0 + i * steps->count, steps->noise + i * steps->count,
                          steps->x_t + i * steps->count, output + i * stride, steps->pixels, steps->channels, NULL);
      double found = g_str_equal (words[3], "mse") ? loss.simple
                     : g_str_equal (words[3], "vb") ? loss.bound
                                                    : loss.total;

      note (steps, "losses", fabs (found - expected[i]), name);
    }
}

static void
compare_process (Steps *steps, const char *name)
{
  gboolean single = g_str_equal (name, "prior_bpd");
  g_autofree float *expected = single ? reference_floats (steps->file, name) : reference_pixels (steps->file, name);
  g_autofree float *found = g_new (float, steps->count);
  gsize values = single ? 1 : steps->count;

  for (gsize i = 0; i < steps->n; i++)
    {
      gsize index = (gsize) steps->t[i];
      const float *x0 = steps->x0 + i * steps->count;

      if (single)
        found[0] = (float) diffusion_bound_prior (steps->schedule, x0, steps->count);
      else if (g_str_equal (name, "x_t"))
        diffusion_forward (steps->schedule, index, x0, steps->noise + i * steps->count, steps->count, found);
      else if (g_str_equal (name, "q_posterior_mean"))
        diffusion_forward_posterior_mean (steps->schedule, index, x0, steps->x_t + i * steps->count, steps->count,
                                          found);
      else
        for (gsize k = 0; k < steps->count; k++)
          if (g_str_equal (name, "discretized_ll"))
            found[k] = (float) diffusion_discretised_log_likelihood (
                DIFFUSION_DECODER_TANH, x0[k], x0[k] + 0.01f * steps->gradient[i * steps->count + k], -4.0f, NULL,
                NULL);
          else
            found[k] = (float) (g_str_equal (name, "q_posterior_variance")
                                    ? steps->schedule->posterior_variance
                                    : steps->schedule->posterior_log_variance_clipped)[index];
      note (steps, name, reference_difference (found, expected + i * values, values), name);
    }
}

static void
compare (Steps *steps, const char *name)
{
  g_auto (GStrv) words = g_strsplit (name, ".", 4);
  guint length = g_strv_length (words);

  if (length == 4 && g_str_equal (words[2], "loss"))
    compare_loss (steps, name, words);
  else if (length == 4)
    compare_step (steps, name, words, words[3]);
  else if (length == 1 && (g_str_has_prefix (name, "q_posterior_") || g_str_equal (name, "discretized_ll") ||
                           g_str_equal (name, "prior_bpd") || g_str_equal (name, "x_t")))
    compare_process (steps, name);
}

static void
test_steps (const char *path)
{
  g_autoptr (DiffusionTensorFile) file = reference_open (path);
  const DiffusionTensorEntry *entry = reference_require (file, "x0");
  Steps steps = {
    .file = file,
    .schedule = reference_schedule ("linear", 1000),
    .n = (gsize) entry->shape[0],
    .channels = (gsize) entry->shape[1],
    .pixels = (gsize) (entry->shape[2] * entry->shape[3]),
    .t = reference_doubles (file, "t"),
    .x0 = reference_pixels (file, "x0"),
    .x_t = reference_pixels (file, "x_t"),
    .noise = reference_pixels (file, "noise"),
    .z = reference_pixels (file, "z"),
    .gradient = reference_pixels (file, "grad"),
    .worst = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
  };
  g_autoptr (GList) kinds = NULL;

  steps.count = steps.pixels * steps.channels;
  for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (file); i++)
    compare (&steps, diffusion_tensor_file_get_tensor (file, i)->name);
  kinds = g_list_sort (g_hash_table_get_keys (steps.worst), (GCompareFunc) strcmp);
  for (GList *kind = kinds; kind != NULL; kind = kind->next)
    g_test_message ("%s: worst difference %.1e", (char *) kind->data,
                    *(double *) g_hash_table_lookup (steps.worst, kind->data));
  g_assert_cmpuint (g_hash_table_size (steps.worst), >, 5);

  diffusion_schedule_unref (steps.schedule);
  g_free (steps.t);
  g_free (steps.x0);
  g_free (steps.x_t);
  g_free (steps.noise);
  g_free (steps.z);
  g_free (steps.gradient);
  g_hash_table_unref (steps.worst);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  reference_add ("/golden/steps", "steps.safetensors", test_steps);
  return g_test_run ();
}
