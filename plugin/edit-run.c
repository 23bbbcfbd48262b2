/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the procedures of generate, regenerate and interpolate have in common. */
#include "plugin/edit-run.h"

#include "core/base/i18n.h"
#include "core/pictures/gegl-start.h"
#include "ui/run-dialog.h"
#include "ui/worker.h"

typedef struct
{
  const DiffusionEditKind *kind;
  DiffusionEditJob *job;
  DiffusionEdit edit;
  gboolean keep; /* the user can stop it and keep what there is */
} Work;

static gboolean
work (gpointer data, DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable, GError **error)
{
  Work *self = data;

  self->edit.progress = progress;
  self->edit.progress_data = progress_data;
  self->edit.cancellable = cancellable;
  self->edit.finish = self->keep ? cancellable : NULL;
  /* What there is was put together; whether it is wanted is known where it was stopped. */
  return self->kind->compute (&self->edit, self->job, error)
         && !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static void
show_progress (double fraction, gpointer data)
{
  gimp_progress_update (fraction);
}

static gboolean
compute (const DiffusionEditKind *kind, DiffusionEditJob *job, GError **error)
{
  g_autoptr (DiffusionRunView) view = NULL;
  Work self = { kind, job, { .sampling = job->sampling, .settings = job->settings }, FALSE };
  DiffusionRun run = { .title = _ (kind->title), .func = work, .data = &self, .by_steps = TRUE };
  gboolean done, stopped;

  if (job->run_mode != GIMP_RUN_INTERACTIVE)
    {
      gimp_progress_init (run.title);
      done = diffusion_worker_run (work, &self, NULL, show_progress, NULL, error);
      gimp_progress_end ();
      return done;
    }
  view = diffusion_run_view_new ();
  self.edit.view = run.view = view;
  self.keep = TRUE;
  return diffusion_run_dialog (&run, &stopped, error);
}

/* The return values of what made @layers. */
static GimpValueArray *
succeed (const DiffusionEditKind *kind, DiffusionEditJob *job, GPtrArray *layers)
{
  GimpValueArray *values = gimp_procedure_new_return_values (job->procedure, GIMP_PDB_SUCCESS, NULL);
  g_autofree GObject **objects = g_new0 (GObject *, layers->len + 1);

  for (guint i = 0; i < layers->len; i++)
    objects[i] = layers->pdata[i];
  if (kind->returns_image)
    GIMP_VALUES_SET_IMAGE (values, 1, job->image);
  GIMP_VALUES_SET_CORE_OBJECT_ARRAY (values, kind->returns_image ? 2 : 1, objects);
  gimp_displays_flush ();
  return values;
}

/* NULL without an error where the user does not want it. */
static GimpValueArray *
run_job (const DiffusionEditKind *kind, DiffusionEditJob *job, GError **error)
{
  g_autoptr (GPtrArray) layers = g_ptr_array_new ();
  DiffusionResults results = { &job->result, NULL, job->config, layers };

  if (job->run_mode == GIMP_RUN_INTERACTIVE && !kind->ask (job, error))
    return NULL;
  job->settings = job->run_mode == GIMP_RUN_WITH_LAST_VALS ? diffusion_settings_new_last (job->config)
                                                           : diffusion_settings_new (job->config);
  results.settings = job->settings;
  /* A new layer is what is usual, and nobody asked for it. */
  if (job->run_mode != GIMP_RUN_NONINTERACTIVE && !diffusion_items_are_layers (job->items))
    job->settings->new_layer = FALSE;
  if (!kind->begin (job, error) || !compute (kind, job, error) || job->result.done == 0
      || !kind->commit (job, &results, error))
    return NULL;
  return succeed (kind, job, layers);
}

GimpValueArray *
diffusion_edit_run (const DiffusionEditKind *kind, GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image,
                    GimpDrawable **items, GimpProcedureConfig *config)
{
  DiffusionEditJob job = { procedure, run_mode, image, items, config, diffusion_sampling_new (), NULL, NULL, { 0 } };
  GError *error = NULL;
  GimpValueArray *values;

  diffusion_gegl_init ();
  values = run_job (kind, &job, &error);
  g_clear_pointer (&job.drawables, g_ptr_array_unref);
  diffusion_settings_free (job.settings);
  diffusion_sampling_free (job.sampling);
  diffusion_edit_result_clear (&job.result);
  if (values != NULL)
    return values;
  if (error == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_error (&error);
      return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
    }
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_EXECUTION_ERROR, error);
}

void
diffusion_edit_add_returns (const DiffusionEditKind *kind, GimpProcedure *procedure)
{
  if (kind->returns_image)
    gimp_procedure_add_image_return_value (procedure, "image", _ ("Image"), _ ("The image that the pictures are in"),
                                           FALSE, G_PARAM_READWRITE);
  gimp_procedure_add_core_object_array_return_value (procedure, "layers", _ ("Layers"), _ ("Where the results are"),
                                                     GIMP_TYPE_DRAWABLE, G_PARAM_READWRITE);
}
