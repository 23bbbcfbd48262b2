/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One job of an editor: its steps, its canvas and its chain. Private to core/diffusion. */
#pragma once

#include "core/diffusion/canvas.h"
#include "core/diffusion/editing.h"
#include "core/diffusion/windows.h"

/**
 * DiffusionSession:
 * @editor: whose job
 * @steps: the steps to take
 * @canvas: where
 * @n: pictures
 * @count: values of all of them on the canvas
 * @windows: around the network
 * @guidance_windows: around the guidance
 * @predictor: the network through @windows
 * @guidance: the guidance through its windows
 * @chain: ready to run
 * @x: [n, canvas.height, canvas.width, channels]
 * @cropped: two pictures of the inner size for previews, if the canvas is padded
 * @progress_from: progress at the start of a chain
 * @progress_share: how much of the whole a chain is
 */
typedef struct
{
  const DiffusionEditor *editor;
  DiffusionSchedule *steps;
  DiffusionCanvas canvas;
  gsize n, count;
  DiffusionWindows windows, guidance_windows;
  DiffusionPredictor predictor, guidance;
  DiffusionChain chain;
  float *x;
  float *cropped;
  double progress_from, progress_share;
} DiffusionSession;

/** diffusion_session_init: for a chain from level @t; to be cleared whether it succeeds or not. The session must not
 * be moved. */
gboolean diffusion_session_init (DiffusionSession *session, const DiffusionEditor *editor, double t, gsize n,
                                 gsize height, gsize width, GError **error);

void diffusion_session_clear (DiffusionSession *session);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DiffusionSession, diffusion_session_clear)

/** diffusion_session_noise: fills [n, canvas] with noise for @purpose and @step; @values may be session->x. */
void diffusion_session_noise (const DiffusionSession *session, guint32 step, gsize n, float *values);

/** diffusion_session_run: the chain on session->x, and the picture cropped from it to @out. */
gboolean diffusion_session_run (DiffusionSession *session, float *out, GError **error);

/** diffusion_editor_steps: (transfer full) (nullable): the steps of a chain that starts at level @t. */
DiffusionSchedule *diffusion_editor_steps (const DiffusionEditor *editor, double t, GError **error);

/** diffusion_editor_windows: the windows around @predictor. */
DiffusionWindows diffusion_editor_windows (const DiffusionEditor *editor, const DiffusionPredictor *predictor);
