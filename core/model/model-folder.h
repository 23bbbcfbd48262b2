/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Model folders: the files in them, and how a whole folder is written at once. */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "core/model/tensor-writer.h"

G_BEGIN_DECLS

#define DIFFUSION_CONFIG_FILE    "config.json"
#define DIFFUSION_SCHEDULER_FILE "scheduler_config.json"
#define DIFFUSION_WEIGHTS_FILE   "diffusion_pytorch_model.safetensors"
#define DIFFUSION_CARD_FILE      "model_card.json"

/**
 * diffusion_model_folder_write:
 * @folder: where to; a model that is already there is replaced, anything else is not
 * @config: config.json
 * @scheduler: (nullable): scheduler_config.json
 * @card: (nullable): model_card.json, to which "sha256" (of the weights) is added
 * @weights: the tensors
 * @error: return location for %DIFFUSION_ERROR_INVALID (something else is there), %DIFFUSION_ERROR_IO or what
 *   diffusion_tensor_writer_write() reports
 *
 * Writes a folder beside @folder and gives it its name when it is complete: whoever looks sees the old model,
 * the new one or none, never a part.
 */
gboolean diffusion_model_folder_write (const char *folder,
                                       JsonObject *config,
                                       JsonObject *scheduler,
                                       JsonObject *card,
                                       DiffusionTensorWriter *weights,
                                       GError **error);

/**
 * diffusion_model_folder_update:
 *
 * Like diffusion_model_folder_write(), in an existing folder that keeps its other files (a training's): each file is
 * replaced when it is complete.
 */
gboolean diffusion_model_folder_update (const char *folder,
                                        JsonObject *config,
                                        JsonObject *scheduler,
                                        JsonObject *card,
                                        DiffusionTensorWriter *weights,
                                        GError **error);

/**
 * diffusion_file_hash:
 * @path: a file
 * @cancellable: (nullable): looked at every few megabytes
 * @error: return location for %DIFFUSION_ERROR_IO or %G_IO_ERROR_CANCELLED
 *
 * Returns: (transfer full) (nullable): its SHA-256 in hexadecimal digits
 */
char *diffusion_file_hash (const char *path, GCancellable *cancellable, GError **error);

G_END_DECLS
