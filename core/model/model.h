/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model as users have it: a folder or a file, opened and understood, its weights still on disk. */
#pragma once

#include <gio/gio.h>

#include "core/model/params.h"
#include "core/model/scheduler-config.h"
#include "core/model/tensor-file.h"
#include "core/model/unet-config.h"

G_BEGIN_DECLS

/**
 * DiffusionModelKind:
 * @DIFFUSION_MODEL_UNET: predicts ε, x₀, v or μ from x_t
 * @DIFFUSION_MODEL_CLASSIFIER: predicts p (y | x_t)
 * @DIFFUSION_MODEL_PHOTO: this project's own ε-predictor for photographs
 */
typedef enum
{
  DIFFUSION_MODEL_UNET,
  DIFFUSION_MODEL_CLASSIFIER,
  DIFFUSION_MODEL_PHOTO
} DiffusionModelKind;

typedef struct _DiffusionModel DiffusionModel;

/**
 * diffusion_model_open:
 * @model: the name of an installed model, a folder, or a weight file
 * @preset: (nullable): name of a published network that the file is one of, see diffusion_presets_list()
 * @flags: (nullable): path of a file of flags, see diffusion_flags_load()
 * @error: return location for %DIFFUSION_ERROR_NOT_FOUND, %DIFFUSION_ERROR_FORMAT (damaged; a tensor missing,
 * left over or of another shape, named with what was found and expected) or %DIFFUSION_ERROR_UNSUPPORTED (the
 * architecture is unknown here or cannot be told)
 *
 * A folder has config.json and weights as diffusers writes them (also .bin, and pipelines with folders unet
 * and scheduler), or model.pt, model.ckpt or model.safetensors with flags.json. A file takes its architecture
 * from config.json beside it if it has diffusers' names, else from @flags, @preset, its name or the shapes of
 * its tensors. No weight is read yet.
 *
 * Returns: (transfer full) (nullable): the model
 */
DiffusionModel *
diffusion_model_open (const char *model, const char *preset, const char *flags, GError **error);

DiffusionModel *diffusion_model_ref (DiffusionModel *model);
void diffusion_model_unref (DiffusionModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionModel, diffusion_model_unref)

/** diffusion_model_get_name: (transfer none): the last part of its path. */
const char *diffusion_model_get_name (const DiffusionModel *model);

/** diffusion_model_get_path: (transfer none): its folder or file. */
const char *diffusion_model_get_path (const DiffusionModel *model);

/** diffusion_model_get_kind: what it is for. */
DiffusionModelKind diffusion_model_get_kind (const DiffusionModel *model);

/** diffusion_model_get_unet: (transfer none) (nullable): the network, of a U-Net or classifier. */
const DiffusionUnetConfig *diffusion_model_get_unet (const DiffusionModel *model);

/** diffusion_model_get_config: (transfer none): config.json, read or made up from what was found out. */
JsonObject *diffusion_model_get_config (const DiffusionModel *model);

/** diffusion_model_get_scheduler: (transfer none): how its noise was scheduled. */
const DiffusionSchedulerConfig *diffusion_model_get_scheduler (const DiffusionModel *model);

/** diffusion_model_get_card: (transfer none) (nullable): model_card.json. */
JsonObject *diffusion_model_get_card (const DiffusionModel *model);

/** diffusion_model_get_file: (transfer none): the weight file. */
const DiffusionTensorFile *diffusion_model_get_file (const DiffusionModel *model);

/** diffusion_model_get_parameters: (transfer none) (element-type DiffusionParameter): names and shapes of all
 * parameters. */
const GPtrArray *diffusion_model_get_parameters (const DiffusionModel *model);

/**
 * diffusion_model_get_tensors:
 *
 * Returns: (transfer none): for each of diffusion_model_get_parameters() a view into the file whose elements
 * in row-major order are the parameter's, in the number format of the file
 */
const DiffusionTensorEntry *diffusion_model_get_tensors (const DiffusionModel *model);

/** diffusion_model_get_tensor: (transfer none) (nullable): the view of the parameter called @name. */
const DiffusionTensorEntry *diffusion_model_get_tensor (const DiffusionModel *model, const char *name);

/** diffusion_model_count_parameters: how many numbers all parameters are. */
gint64 diffusion_model_count_parameters (const DiffusionModel *model);

/**
 * diffusion_model_load:
 * @model: the model
 * @params: its parameters, declared in the order of diffusion_model_get_parameters()
 * @keep_half: leaves weights that are float16 or bfloat16 in the file, which stays open: for networks that are not trained
 * @error: return location for %DIFFUSION_ERROR_NUMERIC (NaN or infinity, naming the tensor) or
 * %DIFFUSION_ERROR_MEMORY
 *
 * Reads the weights into a table that a network is built on.
 */
gboolean diffusion_model_load (const DiffusionModel *model, DiffusionParams *params, gboolean keep_half,
                               GError **error);

/** diffusion_model_find_half: marks what diffusion_model_load() with keep_half leaves in the file, for costs. */
void diffusion_model_find_half (const DiffusionModel *model, DiffusionParams *params);

/**
 * diffusion_model_get_hash:
 * @model: the model
 * @cancellable: (nullable)
 * @error: return location
 *
 * Returns: (transfer full) (nullable): SHA-256 of the weight file
 */
char *diffusion_model_get_hash (const DiffusionModel *model, GCancellable *cancellable, GError **error);

/**
 * diffusion_model_save:
 * @model: the model
 * @folder: where to, see diffusion_model_folder_write()
 * @dtype: number format to write: F32, F16 or BF16
 * @error: return location for an error, %DIFFUSION_ERROR_NUMERIC for NaN and infinity
 *
 * Writes the model as a diffusers folder, whatever it was read from.
 */
gboolean
diffusion_model_save (const DiffusionModel *model, const char *folder, DiffusionDtype dtype, GError **error);

/**
 * diffusion_model_save_mean:
 * @model: the model
 * @other: one of the same network, with the same schedule and output
 * @share: of @other's weights, 0 to 1
 * @folder: where to, see diffusion_model_folder_write()
 * @dtype: number format to write: F32, F16 or BF16
 * @error: return location for an error, %DIFFUSION_ERROR_INVALID naming what differs between the two
 *
 * Writes (1 − share)·model + share·other. Of two trainings that began from the same weights the mean often keeps what
 * each is good at (Wortsman et al. 2022, “Robust fine-tuning of zero-shot models”). Its card is the first model's
 * without “measured”, with “mean_of”.
 */
gboolean diffusion_model_save_mean (const DiffusionModel *model, const DiffusionModel *other, double share,
                                    const char *folder, DiffusionDtype dtype, GError **error);

G_END_DECLS
