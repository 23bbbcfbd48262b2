/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the preview and the work itself share: the drawables, the model, the estimates of their noise. */
#pragma once

#include "plugin/drawable.h"
#include "ui/worker.h"

G_BEGIN_DECLS

typedef struct _DiffusionDenoiseSession DiffusionDenoiseSession;

/**
 * DiffusionDenoiseSettings:
 * @model: installed name, folder or file of the model
 * @sigma: noise level in 0 to 255 units, negative for automatic
 * @strength: 0 keeps the picture, 1 takes all the noise away, 2 more than was found
 * @luma: share of @strength for brightness, 0 to 1
 * @chroma: share of @strength for colour, 0 to 1
 * @detail: how much fine structure is brought back, 0 to 1
 * @passes: how often the network looks at the picture
 * @precision: of the network's products: one of diffusion_denoise_precisions, or "" for the first
 */
typedef struct
{
  char *model;
  double sigma;
  double strength;
  double luma;
  double chroma;
  double detail;
  gint passes;
  char *precision;
} DiffusionDenoiseSettings;

/** diffusion_denoise_settings_get: (skip): takes the settings from a procedure's arguments. */
void diffusion_denoise_settings_get (DiffusionDenoiseSettings *settings, GimpProcedureConfig *config);

void diffusion_denoise_settings_clear (DiffusionDenoiseSettings *settings);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DiffusionDenoiseSettings, diffusion_denoise_settings_clear)

/**
 * diffusion_denoise_session_new:
 * @image: the image
 * @drawables: (array zero-terminated=1): what to work on
 * @error: return location for the first reason not to
 *
 * Refuses everything that can be refused before any work, and copies the pixels.
 */
DiffusionDenoiseSession *diffusion_denoise_session_new (GimpImage *image, GimpDrawable **drawables, GError **error);

void diffusion_denoise_session_free (DiffusionDenoiseSession *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionDenoiseSession, diffusion_denoise_session_free)

/** diffusion_denoise_session_check: refuses arguments that do not fit the drawables, before any work. */
gboolean diffusion_denoise_session_check (DiffusionDenoiseSession *self, GimpProcedureConfig *config,
                                          GError **error);

/** diffusion_denoise_session_refresh: checks and copies everything anew, after the user could change it. */
gboolean diffusion_denoise_session_refresh (DiffusionDenoiseSession *self, GError **error);

/** diffusion_denoise_session_get_drawables: (transfer none) (element-type DiffusionDrawable): their copies. */
GPtrArray *diffusion_denoise_session_get_drawables (DiffusionDenoiseSession *self);

/**
 * diffusion_denoise_session_get_estimate:
 * @least: (out) (nullable): the lowest level found, where the noise differs over the drawable
 * @most: (out) (nullable): the highest; both or none
 *
 * Returns: the mean noise level found for a drawable, or -1 where none was needed yet
 */
double diffusion_denoise_session_get_estimate (DiffusionDenoiseSession *self, guint index, double *least, double *most);

/**
 * diffusion_denoise_session_get_cost:
 * @seconds: (out): how long all of it will take, as far as the last preview can tell
 * @bytes: (out): memory it will need at most, besides GIMP's own
 *
 * Returns: %FALSE before a preview was computed
 */
gboolean diffusion_denoise_session_get_cost (DiffusionDenoiseSession *self, double *seconds, gsize *bytes);

/**
 * diffusion_denoise_session_run:
 * @progress: called in this thread
 *
 * Computes all drawables' regions in another thread, while the main loop runs in this one.
 */
gboolean diffusion_denoise_session_run (DiffusionDenoiseSession *self, const DiffusionDenoiseSettings *settings,
                                        DiffusionProgressFunc progress, gpointer progress_data,
                                        GCancellable *cancellable, GError **error);

/**
 * diffusion_denoise_session_run_dialog:
 * @stopped: (out): whether the user stopped it and wants to keep what was done until then
 *
 * Does the same with a window that tells how far it is.
 *
 * Returns: %TRUE when there is something to commit; %FALSE with %G_IO_ERROR_CANCELLED when the user cancelled
 */
gboolean diffusion_denoise_session_run_dialog (DiffusionDenoiseSession *self,
                                               const DiffusionDenoiseSettings *settings, gboolean *stopped,
                                               GError **error);

/**
 * diffusion_denoise_session_preview:
 * @area: part of the first drawable
 * @pixels: (out caller-allocates): [height, width], as diffusion_drawable_render() draws it
 *
 * Computes a part as the work itself would. Not in two threads at a time.
 */
gboolean diffusion_denoise_session_preview (DiffusionDenoiseSession *self, const DiffusionDenoiseSettings *settings,
                                            const GeglRectangle *area, guint32 *pixels,
                                            DiffusionProgressFunc progress, gpointer progress_data,
                                            GCancellable *cancellable, GError **error);

/**
 * diffusion_denoise_session_commit:
 * @self: one that has run
 * @config: the procedure's arguments, to be remembered in the layers
 * @stopped: it was stopped: layers it did not get to are left as they are
 * @error: return location for an error
 *
 * Puts the results into the drawables, or into new layers, as one undo step.
 */
gboolean diffusion_denoise_session_commit (DiffusionDenoiseSession *self, GimpProcedureConfig *config,
                                           gboolean stopped, GError **error);

G_END_DECLS
