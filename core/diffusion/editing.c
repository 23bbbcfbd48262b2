/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What users do with a model. */
#include "core/diffusion/editing.h"

#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/diffusion/forward.h"
#include "core/diffusion/session.h"
#include "core/imaging/resize.h"

typedef float Block;
static void
block_free (Block *block)
{
  diffusion_free (block);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Block, block_free)

static double
last_t (const DiffusionEditor *editor)
{
  return (double) (editor->schedule->steps - 1);
}

gboolean
diffusion_generate (const DiffusionEditor *editor, gsize n, gsize height, gsize width, float *out, GError **error)
{
  g_auto (DiffusionSession) session = { 0 };

  if (!diffusion_session_init (&session, editor, last_t (editor), n, height, width, error))
    return FALSE;
  session.chain.noise.window = editor->predictor->native;
  diffusion_session_noise (&session, 0, n, session.x);
  return diffusion_session_run (&session, out, error);
}

static gboolean
check_mask (const float *mask, gsize pixels, GError **error)
{
  for (gsize i = 0; i < pixels; i++)
    /* Written so that NaN fails too. */
    if (!(mask[i] >= 0.0f && mask[i] <= 1.0f))
      {
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                     _("The mask has the value %g, expected 0 to 1"), (double) mask[i]);
        return FALSE;
      }
  return TRUE;
}

gboolean
diffusion_regenerate (const DiffusionEditor *editor, const DiffusionRegeneration *regeneration, gsize n, gsize height,
                      gsize width, float *out, GError **error)
{
  g_auto (DiffusionSession) session = { 0 };
  g_autoptr (Block) picture = NULL, mask = NULL;
  gsize channels = editor->predictor->channels, pixels;
  DiffusionKnown known;

  if (!diffusion_session_init (&session, editor, regeneration->t, n, height, width, error))
    return FALSE;
  pixels = session.canvas.height * session.canvas.width;
  picture = diffusion_try_alloc (session.count * sizeof (float), _("the picture"), error);
  if (picture == NULL)
    return FALSE;
  diffusion_canvas_pad (&session.canvas, regeneration->picture, n, channels, picture);
  if (regeneration->mask != NULL)
    {
      mask = diffusion_try_alloc (pixels * sizeof (float), _("the mask"), error);
      if (mask == NULL || !check_mask (regeneration->mask, height * width, error))
        return FALSE;
      diffusion_canvas_pad (&session.canvas, regeneration->mask, 1, 1, mask);
      known = (DiffusionKnown) { picture, mask, regeneration->jump_length, MAX (1, regeneration->jump_count) };
      session.chain.known = &known;
    }
  diffusion_session_noise (&session, 0, n, session.x);
  diffusion_forward (session.steps, session.steps->steps - 1, picture, session.x, session.count, session.x);
  return diffusion_session_run (&session, out, error);
}

void
diffusion_slerp (const float *a, const float *b, double lambda, gsize count, float *out)
{
  double aa = 0.0, bb = 0.0, ab = 0.0, angle, of_a = 1.0 - lambda, of_b = lambda;

  for (gsize i = 0; i < count; i++)
    {
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
      ab += (double) a[i] * b[i];
    }
  angle = aa > 0.0 && bb > 0.0 ? acos (CLAMP (ab / sqrt (aa * bb), -1.0, 1.0)) : 0.0;
  if (sin (angle) > 1e-6)
    {
      of_a = sin ((1.0 - lambda) * angle) / sin (angle);
      of_b = sin (lambda * angle) / sin (angle);
    }
  for (gsize i = 0; i < count; i++)
    out[i] = (float) of_a * a[i] + (float) of_b * b[i];
}

/* Both pictures at the level to mix at, [2, canvas]. */
static gboolean
encode_pair (DiffusionSession *session, const DiffusionInterpolation *interpolation, float *pair, GError **error)
{
  const DiffusionCanvas *canvas = &session->canvas;
  gsize channels = session->editor->predictor->channels, count = canvas->height * canvas->width * channels;
  gboolean shared = interpolation->type == DIFFUSION_INTERPOLATE_SHARED_NOISE;
  gint classes[2] = { 0, 0 };
  DiffusionChain inversion = session->chain;
  gboolean done;

  diffusion_canvas_pad (canvas, interpolation->a, 1, channels, pair);
  diffusion_canvas_pad (canvas, interpolation->b, 1, channels, pair + count);
  if (interpolation->type != DIFFUSION_INTERPOLATE_INVERSION)
    {
      for (guint i = 0; i < 2; i++)
        {
          diffusion_session_noise (session, shared ? 0 : i, 1, session->x);
          diffusion_forward (session->steps, session->steps->steps - 1, pair + i * count, session->x, count,
                             pair + i * count);
        }
      return TRUE;
    }

  if (session->editor->classes != NULL)
    classes[0] = classes[1] = session->editor->classes[0];
  inversion.sampler = &diffusion_sampler_ddim_inverse;
  inversion.guidance = NULL;
  inversion.classes = session->editor->classes != NULL ? classes : NULL;
  inversion.preview = NULL;
  session->progress_share = 2.0 / (double) (2 + session->n);
  done = diffusion_chain_run (&inversion, 2, canvas->height, canvas->width, pair, error);
  session->progress_from = session->progress_share;
  session->progress_share = 1.0 - session->progress_from;
  return done;
}

gboolean
diffusion_interpolate (const DiffusionEditor *editor, const DiffusionInterpolation *interpolation, gsize n,
                       gsize height, gsize width, float *out, GError **error)
{
  g_auto (DiffusionSession) session = { 0 };
  g_autoptr (Block) pair = NULL;
  gsize count;

  if (!diffusion_session_init (&session, editor, interpolation->t, n, height, width, error))
    return FALSE;
  session.chain.noise.same = TRUE;
  count = session.count / n;
  pair = diffusion_try_alloc (2 * count * sizeof (float), _("the pictures"), error);
  if (pair == NULL || !encode_pair (&session, interpolation, pair, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      double lambda = interpolation->lambdas[i];

      if (!(lambda >= 0.0 && lambda <= 1.0))
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _("λ is %g, expected 0 to 1"), lambda);
          return FALSE;
        }
      if (interpolation->type != DIFFUSION_INTERPOLATE_SHARED_NOISE)
        diffusion_slerp (pair, pair + count, lambda, count, session.x + i * count);
      else
        for (gsize k = 0; k < count; k++)
          session.x[i * count + k] = (float) (1.0 - lambda) * pair[k] + (float) lambda * pair[count + k];
    }
  return diffusion_session_run (&session, out, error);
}

gboolean
diffusion_upscale (const DiffusionEditor *editor, const float *low, gsize low_height, gsize low_width, gsize n,
                   gsize height, gsize width, float *out, GError **error)
{
  g_auto (DiffusionSession) session = { 0 };
  g_autoptr (Block) resized = NULL, padded = NULL;
  gsize channels = editor->predictor->condition_channels;

  if (channels == 0 || low_height == 0 || low_width == 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   channels == 0 ? _("This model is no upsampler") : _("The picture is empty"));
      return FALSE;
    }
  if (!diffusion_session_init (&session, editor, last_t (editor), n, height, width, error))
    return FALSE;
  resized = diffusion_try_alloc (n * height * width * channels * sizeof (float), _("the picture"), error);
  if (resized == NULL)
    return FALSE;
  padded = diffusion_try_alloc (n * session.canvas.height * session.canvas.width * channels * sizeof (float),
                                _("the picture"), error);
  if (padded == NULL)
    return FALSE;
  diffusion_resize_bilinear (n, low_height, low_width, channels, low, height, width, resized);
  diffusion_canvas_pad (&session.canvas, resized, n, channels, padded);
  session.chain.condition = padded;
  diffusion_session_noise (&session, 0, n, session.x);
  return diffusion_session_run (&session, out, error);
}

static gboolean
denoise_canvas (DiffusionSession *session, double t, float *output, GError **error)
{
  const DiffusionEditor *editor = session->editor;
  const DiffusionCanvas *canvas = &session->canvas;
  double bar = diffusion_schedule_alpha_bar (editor->schedule, t);
  g_autofree double *times = g_new (double, session->n);
  gsize pixels = canvas->height * canvas->width, channels = editor->predictor->channels;
  DiffusionPrediction prediction = {
    .n = session->n,
    .height = canvas->height,
    .width = canvas->width,
    .x = session->chain.noise.x,
    .y = session->chain.noise.y,
    .x_t = session->x,
    .t = times,
    .classes = editor->classes,
    .cancellable = editor->cancellable,
    .progress = session->chain.progress,
    .progress_data = session,
  };

  for (gsize i = 0; i < session->n; i++)
    times[i] = diffusion_schedule_model_time_at (editor->schedule, t);
  for (gsize i = 0; i < session->count; i++)
    session->x[i] *= (float) sqrt (bar);
  if (!diffusion_predictor_predict (&session->predictor, &prediction, output, error))
    return FALSE;
  diffusion_output_to_x0_level (bar, &editor->parameterisation, session->x, output, session->n * pixels, channels,
                                session->x);
  for (gsize i = 0; i < session->n; i++)
    diffusion_clip_x0 (&editor->parameterisation, session->x + i * pixels * channels, pixels * channels);
  return TRUE;
}

gboolean
diffusion_denoise_matched (const DiffusionEditor *editor, const float *noisy, double sigma, gsize n, gsize height,
                           gsize width, float *out, GError **error)
{
  g_auto (DiffusionSession) session = { 0 };
  g_autoptr (Block) output = NULL;
  gboolean learned = diffusion_variance_is_learned (editor->parameterisation.variance);
  gsize channels = editor->predictor->channels;

  if (editor->parameterisation.mean == DIFFUSION_MEAN_PREVIOUS_X ||
      editor->predictor->out_channels != channels * (learned ? 2 : 1))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _("This model does not predict the picture from any noise level"));
      return FALSE;
    }
  if (!(sigma > 0.0))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _("σ is %g, expected more than 0"), sigma);
      return FALSE;
    }
  if (!diffusion_session_init (&session, editor, 0.0, n, height, width, error))
    return FALSE;
  output = diffusion_try_alloc (session.count / channels * editor->predictor->out_channels * sizeof (float),
                                _("the network's output"), error);
  if (output == NULL)
    return FALSE;
  diffusion_canvas_pad (&session.canvas, noisy, n, channels, session.x);
  if (!denoise_canvas (&session, diffusion_schedule_t_for_sigma (editor->schedule, sigma), output, error))
    return FALSE;
  diffusion_canvas_crop (&session.canvas, session.x, n, channels, out);
  if (editor->progress != NULL)
    editor->progress (1.0, editor->progress_data);
  return TRUE;
}

gsize
diffusion_editor_evaluations (const DiffusionEditor *editor, double t, const DiffusionRegeneration *regeneration,
                              gsize height, gsize width)
{
  g_autoptr (DiffusionSchedule) steps = diffusion_editor_steps (editor, t, NULL);
  DiffusionKnown known = { 0 };
  gboolean jumps = regeneration != NULL && regeneration->mask != NULL;
  g_autofree gssize *path = NULL;
  DiffusionWindows windows = diffusion_editor_windows (editor, editor->predictor);
  DiffusionCanvas canvas;
  gsize entries, taken = 0, per_step;

  if (steps == NULL)
    return 0;
  if (jumps)
    known = (DiffusionKnown) { .jump_length = regeneration->jump_length, .jump_count = regeneration->jump_count };
  path = diffusion_known_path (jumps ? &known : NULL, steps->steps, &entries);
  for (gsize i = 0; i + 1 < entries; i++)
    taken += path[i + 1] < path[i] ? 1 : 0;
  diffusion_canvas_init (&canvas, editor->predictor, editor->circular, height, width);
  per_step = diffusion_windows_count (&windows, canvas.height, canvas.width);
  if (editor->guidance != NULL)
    {
      windows = diffusion_editor_windows (editor, editor->guidance);
      per_step += diffusion_windows_count (&windows, canvas.height, canvas.width);
    }
  return taken * per_step;
}
