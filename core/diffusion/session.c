/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One job of an editor. */
#include "core/diffusion/session.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/diffusion/respacing.h"

DiffusionSchedule *
diffusion_editor_steps (const DiffusionEditor *editor, double t, GError **error)
{
  double last = (double) (editor->schedule->steps - 1);
  gboolean open = editor->sampler != NULL && editor->sampler->open_spacing;
  g_autofree double *times = NULL;
  gsize count;

  /* Written so that NaN fails too. */
  if (!(t >= 0.0 && t <= last))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _("t is %g, expected 1 to %g"), t + 1.0,
                   last + 1.0);
      return NULL;
    }
  if (editor->last_t > 0.0 && t > editor->last_t)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _("t is %g, but this model was trained for less noise: from 1 to %d of its %d steps"), t + 1.0,
                   (gint) editor->last_t + 1, (gint) last + 1);
      return NULL;
    }
  if (editor->respacing != NULL && t == last)
    times = diffusion_timesteps_from_spec (editor->schedule->steps, editor->respacing, &count, error);
  else
    times = diffusion_timesteps_until (t, editor->steps > 0 ? editor->steps : editor->schedule->steps + 1, open,
                                       &count);
  return times != NULL ? diffusion_schedule_respace (editor->schedule, times, count, error) : NULL;
}

DiffusionWindows
diffusion_editor_windows (const DiffusionEditor *editor, const DiffusionPredictor *predictor)
{
  return (DiffusionWindows) {
    .inner = predictor, .overlap = editor->overlap, .circular = editor->circular, .batch = editor->batch
  };
}

static void
preview_cropped (const DiffusionPreview *preview, gpointer data)
{
  DiffusionSession *session = data;
  const DiffusionCanvas *canvas = &session->canvas;
  DiffusionPreview inner = *preview;

  if (diffusion_canvas_is_padded (canvas))
    {
      float *x0 = session->cropped;
      float *x = x0 + preview->n * canvas->inner_height * canvas->inner_width * preview->channels;

      diffusion_canvas_crop (canvas, preview->x0, preview->n, preview->channels, x0);
      diffusion_canvas_crop (canvas, preview->x, preview->n, preview->channels, x);
      inner.height = canvas->inner_height;
      inner.width = canvas->inner_width;
      inner.x0 = x0;
      inner.x = x;
    }
  session->editor->preview (&inner, session->editor->preview_data);
}

static void
report (double fraction, gpointer data)
{
  DiffusionSession *session = data;

  session->editor->progress (session->progress_from + session->progress_share * fraction,
                             session->editor->progress_data);
}

static gboolean
session_alloc (DiffusionSession *session, GError **error)
{
  const DiffusionCanvas *canvas = &session->canvas;
  gsize channels = session->editor->predictor->channels, bytes;

  if (session->n == 0 || canvas->inner_height == 0 || canvas->inner_width == 0 ||
      canvas->inner_height > G_MAXINT32 || canvas->inner_width > G_MAXINT32 ||
      !g_size_checked_mul (&bytes, canvas->height, canvas->width) || !g_size_checked_mul (&bytes, bytes, session->n) ||
      !g_size_checked_mul (&bytes, bytes, 2 * channels * sizeof (float)))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _("Size %.0f × %.0f is out of range"),
                   (double) canvas->inner_width, (double) canvas->inner_height);
      return FALSE;
    }
  session->count = session->n * canvas->height * canvas->width * channels;
  session->x = diffusion_try_alloc (session->count * sizeof (float), _("the picture"), error);
  if (session->x == NULL)
    return FALSE;
  if (session->editor->preview != NULL && diffusion_canvas_is_padded (canvas))
    {
      session->cropped = diffusion_try_alloc (2 * session->count * sizeof (float), _("previews"), error);
      return session->cropped != NULL;
    }
  return TRUE;
}

gboolean
diffusion_session_init (DiffusionSession *session, const DiffusionEditor *editor, double t, gsize n, gsize height,
                        gsize width, GError **error)
{
  *session = (DiffusionSession) { .editor = editor, .n = n, .progress_share = 1.0 };
  session->steps = diffusion_editor_steps (editor, t, error);
  if (session->steps == NULL)
    return FALSE;
  diffusion_canvas_init (&session->canvas, editor->predictor, editor->circular, height, width);
  if (!session_alloc (session, error))
    return FALSE;
  session->windows = diffusion_editor_windows (editor, editor->predictor);
  session->predictor = diffusion_windows_predictor (&session->windows);
  if (editor->guidance != NULL)
    {
      session->guidance_windows = diffusion_editor_windows (editor, editor->guidance);
      session->guidance = diffusion_windows_predictor (&session->guidance_windows);
    }
  session->chain = (DiffusionChain) {
    .schedule = session->steps,
    .parameterisation = editor->parameterisation,
    .predictor = &session->predictor,
    .sampler = editor->sampler,
    .eta = editor->eta,
    .guidance = editor->guidance != NULL ? &session->guidance : NULL,
    .guidance_scale = editor->guidance_scale,
    .classes = editor->classes,
    .noise = { .seed = editor->seed,
               .x = editor->x - (gint32) session->canvas.left,
               .y = editor->y - (gint32) session->canvas.top },
    .preview = editor->preview != NULL ? preview_cropped : NULL,
    .preview_data = session,
    .cancellable = editor->cancellable,
    .finish = editor->finish,
    .progress = editor->progress != NULL ? report : NULL,
    .progress_data = session,
  };
  return TRUE;
}

void
diffusion_session_clear (DiffusionSession *session)
{
  g_clear_pointer (&session->steps, diffusion_schedule_unref);
  g_clear_pointer (&session->x, diffusion_free);
  g_clear_pointer (&session->cropped, diffusion_free);
}

void
diffusion_session_noise (const DiffusionSession *session, guint32 step, gsize n, float *values)
{
  diffusion_noise_fill (&session->chain.noise, DIFFUSION_PURPOSE_NOISE, step, n, session->canvas.height,
                        session->canvas.width, session->editor->predictor->channels, values);
}

gboolean
diffusion_session_run (DiffusionSession *session, float *out, GError **error)
{
  const DiffusionCanvas *canvas = &session->canvas;

  if (!diffusion_chain_run (&session->chain, session->n, canvas->height, canvas->width, session->x, error))
    return FALSE;
  diffusion_canvas_crop (canvas, session->x, session->n, session->editor->predictor->channels, out);
  return TRUE;
}
