/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one denoising loop. */
#include "core/diffusion/chain.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/threads.h"
#include "core/diffusion/forward.h"

/* Pixels that one part of a step works on: its scratch stays in the second-level cache. */
#define CHUNK 4096

typedef struct
{
  const DiffusionChain *chain;
  const DiffusionSampler *sampler;
  gsize n, height, width, pixels, channels, out_channels;
  gsize chunks; /* per picture */
  gsize count;  /* values of x */
  float *x;
  float *output;
  float *x0;
  float *previous_x0; /* if the sampler looks back */
  float *noise;       /* if anything is random; also holds pasted levels and previews */
  float *gradient;    /* if guided */
  float *scratch;     /* [threads, 4, CHUNK, channels] */
  double *times;      /* [n] */
  gsize index;
  gssize previous;
  gsize done, steps; /* reverse steps */
  double share;      /* of a step's progress that the running predictor has */
  double fraction;   /* of the whole chain, before the running predictor */
} Run;

static gboolean
draws_noise (const DiffusionChain *chain, const DiffusionSampler *sampler)
{
  return sampler->needs_noise || (sampler->needs_noise_for_eta && chain->eta > 0.0);
}

static gsize
memory_values (const Run *run)
{
  const DiffusionChain *chain = run->chain;
  gsize per_pixel = run->out_channels + run->channels;

  per_pixel += run->sampler->needs_history ? run->channels : 0;
  per_pixel += draws_noise (chain, run->sampler) || chain->known != NULL ? run->channels : 0;
  per_pixel += chain->guidance != NULL ? run->channels : 0;
  return per_pixel * run->n * run->pixels + diffusion_get_threads () * 4 * CHUNK * run->channels;
}

static void
run_init (Run *run, const DiffusionChain *chain, gsize n, gsize height, gsize width)
{
  *run = (Run) {
    .chain = chain,
    .sampler = chain->sampler != NULL ? chain->sampler : &diffusion_sampler_ancestral,
    .n = n,
    .height = height,
    .width = width,
    .pixels = height * width,
    .channels = chain->predictor->channels,
    .out_channels = chain->predictor->out_channels,
    .chunks = (height * width + CHUNK - 1) / CHUNK,
    .count = n * height * width * chain->predictor->channels,
    .previous = -1,
  };
}

gsize
diffusion_chain_memory (const DiffusionChain *chain, gsize n, gsize height, gsize width)
{
  Run run;

  run_init (&run, chain, n, height, width);
  return memory_values (&run) * sizeof (float);
}

static gboolean
run_check (const Run *run, GError **error)
{
  const DiffusionChain *chain = run->chain;
  gboolean learned = diffusion_variance_is_learned (chain->parameterisation.variance);
  gsize values, wanted = learned ? 2 * run->channels : run->channels;

  if (run->n == 0 || run->height == 0 || run->width == 0 ||
      !g_size_checked_mul (&values, run->height, run->width) || !g_size_checked_mul (&values, values, run->n) ||
      !g_size_checked_mul (&values, values, 64 * run->out_channels) || run->height > G_MAXINT32 ||
      run->width > G_MAXINT32)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _("Size %.0f × %.0f is out of range"),
                   (double) run->width, (double) run->height);
      return FALSE;
    }
  if (run->out_channels != wanted)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("The network has %u output channels, expected %u: %u, and as many again if it learned the "
                     "variance"),
                   (guint) run->out_channels, (guint) wanted, (guint) run->channels);
      return FALSE;
    }
  if (run->sampler->inverse && chain->known != NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("Sampler “%s” cannot keep known pixels"), run->sampler->name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
run_alloc (Run *run, GError **error)
{
  const DiffusionChain *chain = run->chain;
  float *block = diffusion_try_alloc (memory_values (run) * sizeof (float), _("the sampler"), error);

  if (block == NULL)
    return FALSE;
  /* The output comes first: run_free() frees the block by it. */
  run->output = block;
  block += run->n * run->pixels * run->out_channels;
  run->x0 = block;
  block += run->count;
  if (run->sampler->needs_history)
    {
      run->previous_x0 = block;
      block += run->count;
    }
  if (draws_noise (chain, run->sampler) || chain->known != NULL)
    {
      run->noise = block;
      block += run->count;
    }
  if (chain->guidance != NULL)
    {
      run->gradient = block;
      block += run->count;
    }
  run->scratch = block;
  run->times = g_new (double, run->n);
  return TRUE;
}

static void
run_free (Run *run)
{
  diffusion_free (run->output);
  g_free (run->times);
}

/* Which values part @index works on: returns its first pixel counted over the batch. */
static gsize
part_pixels (const Run *run, gsize index, gsize *pixels)
{
  gsize start = index % run->chunks * CHUNK;

  *pixels = MIN (CHUNK, run->pixels - start);
  return index / run->chunks * run->pixels + start;
}

static void
predict_x0_part (gsize index, guint worker, gpointer data)
{
  Run *run = data;
  const DiffusionChain *chain = run->chain;
  gsize pixels, first = part_pixels (run, index, &pixels), at = first * run->channels;

  diffusion_output_to_x0 (chain->schedule, run->index, &chain->parameterisation, run->x + at,
                          run->output + first * run->out_channels, pixels, run->channels, run->x0 + at);
  if (chain->parameterisation.clip == DIFFUSION_CLIP_STATIC)
    diffusion_clip_x0 (&chain->parameterisation, run->x0 + at, pixels * run->channels);
}

static void
clip_picture_part (gsize index, guint worker, gpointer data)
{
  Run *run = data;

  diffusion_clip_x0 (&run->chain->parameterisation, run->x0 + index * run->pixels * run->channels,
                     run->pixels * run->channels);
}

/* ε of this part: the network's own, or that of the clipped x̂_0. */
static void
part_epsilon (Run *run, gsize first, gsize pixels, float *epsilon)
{
  const DiffusionChain *chain = run->chain;
  gsize at = first * run->channels;
  const float *x0 = run->x0 + at;

  if (chain->parameterisation.keep_epsilon && chain->parameterisation.clip != DIFFUSION_CLIP_NONE)
    {
      diffusion_output_to_x0 (chain->schedule, run->index, &chain->parameterisation, run->x + at,
                              run->output + first * run->out_channels, pixels, run->channels, epsilon);
      x0 = epsilon;
    }
  diffusion_x0_to_epsilon (chain->schedule, run->index, run->x + at, x0, pixels * run->channels, epsilon);
}

static void
scale_gradient_part (gsize index, guint worker G_GNUC_UNUSED, gpointer data)
{
  Run *run = data;
  gsize count = run->pixels * run->channels;
  float *gradient = run->gradient + index * count;
  double scale = run->chain->guidance_scale;

  if (!run->sampler->needs_posterior)
    scale *= diffusion_guide_share (run->chain->schedule, run->index, gradient, count);
  for (gsize i = 0; i < count; i++)
    gradient[i] *= (float) scale;
}

static void
step_part (gsize index, guint worker, gpointer data)
{
  Run *run = data;
  const DiffusionChain *chain = run->chain;
  gsize pixels, first = part_pixels (run, index, &pixels), at = first * run->channels;
  gsize count = pixels * run->channels, room = CHUNK * run->channels;
  float *epsilon = run->scratch + worker * 4 * room, *mean = epsilon + room, *variance = mean + room;
  float *log_variance = variance + room;
  DiffusionStep step = {
    .schedule = chain->schedule,
    .index = run->index,
    .previous = run->previous,
    .eta = chain->eta,
    .x_t = run->x + at,
    .x0 = run->x0 + at,
    .epsilon = epsilon,
    .mean = mean,
    .log_variance = log_variance,
    .previous_x0 = run->previous_x0 != NULL ? run->previous_x0 + at : NULL,
    .z = run->noise != NULL ? run->noise + at : NULL,
  };

  if (run->sampler->needs_posterior)
    {
      diffusion_output_to_posterior (chain->schedule, run->index, &chain->parameterisation, step.x_t, step.x0,
                                     run->output + first * run->out_channels, pixels, run->channels, mean, variance,
                                     log_variance);
      if (run->gradient != NULL)
        diffusion_guide_mean (variance, run->gradient + at, count, mean);
    }
  else
    {
      part_epsilon (run, first, pixels, epsilon);
      if (run->gradient != NULL)
        diffusion_guide_prediction (chain->schedule, run->index, step.x_t, run->gradient + at, count, epsilon,
                                    run->x0 + at);
    }
  run->sampler->step (&step, count, run->x + at);
}

static void
report_inner (double fraction, gpointer data)
{
  Run *run = data;

  run->chain->progress (run->fraction + run->share * fraction / (double) run->steps, run->chain->progress_data);
}

static gboolean
ask (Run *run, const DiffusionPredictor *predictor, float *out, GError **error)
{
  const DiffusionChain *chain = run->chain;
  DiffusionPrediction prediction = {
    .n = run->n,
    .height = run->height,
    .width = run->width,
    .x = chain->noise.x,
    .y = chain->noise.y,
    .x_t = run->x,
    .t = run->times,
    .classes = chain->classes,
    .condition = chain->condition,
    .cancellable = chain->cancellable,
    .progress = chain->progress != NULL ? report_inner : NULL,
    .progress_data = run,
  };

  for (gsize i = 0; i < run->n; i++)
    run->times[i] = diffusion_schedule_model_time (chain->schedule, run->index);
  return diffusion_predictor_predict (predictor, &prediction, out, error);
}

static void
paste_known (Run *run, guint32 step)
{
  const DiffusionChain *chain = run->chain;

  diffusion_noise_fill (&chain->noise, DIFFUSION_PURPOSE_KNOWN, step, run->n, run->height, run->width, run->channels,
                        run->noise);
  diffusion_forward (chain->schedule, run->index, chain->known->picture, run->noise, run->count, run->noise);
  diffusion_known_paste (chain->known, run->noise, run->n, run->pixels, run->channels, run->x);
}

static void
report_step (Run *run)
{
  const DiffusionChain *chain = run->chain;
  DiffusionPreview preview = {
    .step = run->done,
    .steps = run->steps,
    .t = chain->schedule->times[run->index],
    .n = run->n,
    .height = run->height,
    .width = run->width,
    .channels = run->channels,
    .x0 = run->x0,
    .x = run->x,
  };

  if (chain->preview != NULL)
    {
      if (chain->known != NULL)
        {
          memcpy (run->noise, run->x0, run->count * sizeof (float));
          diffusion_known_paste (chain->known, NULL, run->n, run->pixels, run->channels, run->noise);
          preview.x0 = run->noise;
        }
      chain->preview (&preview, chain->preview_data);
    }
  if (chain->progress != NULL)
    chain->progress ((double) run->done / (double) run->steps, chain->progress_data);
}

/* From x at run->index to x at the level before it (for an inverse sampler: after it). */
static gboolean
reverse_step (Run *run, guint32 step, GError **error)
{
  const DiffusionChain *chain = run->chain;
  gsize parts = run->n * run->chunks;

  run->share = chain->guidance != NULL ? 0.5 : 1.0;
  run->fraction = (double) run->done / (double) run->steps;
  if (!ask (run, chain->predictor, run->output, error))
    return FALSE;
  if (chain->guidance != NULL)
    {
      run->fraction += run->share / (double) run->steps;
      if (!ask (run, chain->guidance, run->gradient, error))
        return FALSE;
    }
  if (chain->guidance != NULL)
    diffusion_parallel_for (run->n, scale_gradient_part, run);
  diffusion_parallel_for (parts, predict_x0_part, run);
  if (chain->parameterisation.clip == DIFFUSION_CLIP_DYNAMIC)
    diffusion_parallel_for (run->n, clip_picture_part, run);
  if (draws_noise (chain, run->sampler) && run->index > 0)
    diffusion_noise_fill (&chain->noise, DIFFUSION_PURPOSE_STEP, step, run->n, run->height, run->width,
                          run->channels, run->noise);
  diffusion_parallel_for (parts, step_part, run);
  run->done++;
  return TRUE;
}

/* What a chain that was stopped half way leaves: x̂_0 of the last complete step. */
static gboolean
keep_expected (Run *run, GError **error, GError *problem)
{
  const DiffusionChain *chain = run->chain;
  const float *x0 = run->previous_x0 != NULL ? run->previous_x0 : run->x0;

  if (run->done == 0 || !g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
      !g_cancellable_is_cancelled (chain->finish))
    {
      g_propagate_error (error, problem);
      return FALSE;
    }
  g_error_free (problem);
  memcpy (run->x, x0, run->count * sizeof (float));
  if (chain->known != NULL)
    diffusion_known_paste (chain->known, NULL, run->n, run->pixels, run->channels, run->x);
  return TRUE;
}

static gboolean
run_reverse (Run *run, GError **error)
{
  const DiffusionChain *chain = run->chain;
  GError *problem = NULL;
  gsize entries;
  g_autofree gssize *path = diffusion_known_path (chain->known, chain->schedule->steps, &entries);

  for (gsize i = 0; i + 1 < entries; i++)
    run->steps += path[i + 1] < path[i] ? 1 : 0;
  for (gsize i = 0; i + 1 < entries; i++)
    {
      if (path[i + 1] > path[i])
        {
          diffusion_noise_fill (&chain->noise, DIFFUSION_PURPOSE_RESAMPLE, (guint32) i, run->n, run->height,
                                run->width, run->channels, run->noise);
          diffusion_forward_step (chain->schedule, (gsize) path[i + 1], run->x, run->noise, run->count, run->x);
          run->previous = -1;
          continue;
        }
      run->index = (gsize) path[i];
      if (chain->known != NULL)
        paste_known (run, (guint32) i);
      if (!reverse_step (run, (guint32) i, &problem))
        return keep_expected (run, error, problem);
      if (chain->known != NULL && path[i + 1] < 0)
        diffusion_known_paste (chain->known, NULL, run->n, run->pixels, run->channels, run->x);
      report_step (run);
      run->previous = path[i];
      if (run->previous_x0 != NULL)
        {
          float *swap = run->previous_x0;

          run->previous_x0 = run->x0;
          run->x0 = swap;
        }
    }
  return TRUE;
}

static gboolean
run_inverse (Run *run, GError **error)
{
  run->steps = run->chain->schedule->steps - 1;
  for (gsize i = 0; i < run->steps; i++)
    {
      run->index = i;
      if (!reverse_step (run, (guint32) i, error))
        return FALSE;
      report_step (run);
    }
  return TRUE;
}

gboolean
diffusion_chain_run (const DiffusionChain *chain, gsize n, gsize height, gsize width, float *x, GError **error)
{
  Run run;
  gboolean done;

  run_init (&run, chain, n, height, width);
  if (!run_check (&run, error) || !run_alloc (&run, error))
    return FALSE;
  run.x = x;
  done = run.sampler->inverse ? run_inverse (&run, error) : run_reverse (&run, error);
  run_free (&run);
  return done;
}
