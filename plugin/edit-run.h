/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the procedures of generate, regenerate and interpolate have in common. */
#pragma once

#include "plugin/edit.h"
#include "ui/worker.h"

G_BEGIN_DECLS

/**
 * diffusion_drawables_copy:
 * @image: the image
 * @drawables: (array zero-terminated=1): what to work on
 * @error: return location for the first reason not to
 *
 * Refuses everything that can be refused before any work, and copies the pixels. Nothing is copied twice.
 *
 * Returns: (transfer full) (nullable) (element-type DiffusionDrawable): the copies, at least one
 */
GPtrArray *diffusion_drawables_copy (GimpImage *image, GimpDrawable **drawables, GError **error);

/** diffusion_drawables_check_pair: refuses two that pictures cannot be made between: no layers, or not of one size. */
gboolean diffusion_drawables_check_pair (GPtrArray *drawables, GError **error);

/** diffusion_drawables_check_layers: refuses what is no layer, where results go into new layers. */
gboolean diffusion_drawables_check_layers (GPtrArray *drawables, GError **error);

/**
 * diffusion_edit_run:
 * @run_mode: whether the work has a window of its own; GIMP shows how far it is otherwise
 * @title: what is being done
 * @edit: what @func computes with; told where to report to and how to stop
 * @steps: how many steps it will take, 0 where that is not known
 * @func: (scope call): calls one of the functions of edit.h
 * @data: passed to @func
 *
 * In a window the user can stop it: then what there is was put together, which may be nothing.
 */
gboolean diffusion_edit_run (GimpRunMode run_mode, const char *title, DiffusionEdit *edit, guint steps,
                             DiffusionWorkFunc func, gpointer data, GError **error);

/** diffusion_edit_fail: (transfer full): the return values of a procedure that failed, or was cancelled. */
GimpValueArray *diffusion_edit_fail (GimpProcedure *procedure, GError *error);

/** diffusion_edit_succeed: (transfer full): those of one that made @layers, for the return value number @index. */
GimpValueArray *diffusion_edit_succeed (GimpProcedure *procedure, guint index, GPtrArray *layers);

/** diffusion_edit_add_layers: declares the return value "layers". */
void diffusion_edit_add_layers (GimpProcedure *procedure);

G_END_DECLS
