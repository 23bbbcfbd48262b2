/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of a network's parameters: names and shapes as in model files, values in the order the layers read. */
#pragma once

#include "core/model/tensor-file.h"

G_BEGIN_DECLS

#define DIFFUSION_PARAM_MAX_DIMS 4

/**
 * DiffusionParamLayout:
 * @DIFFUSION_PARAM_PLAIN: working order = file order (vectors; linear and 1×1 weights [out, in])
 * @DIFFUSION_PARAM_CONV: file order [out, in, kh, kw], working order [out, kh, kw, in]
 * @DIFFUSION_PARAM_DEPTHWISE: file order [channels, 1, kh, kw], working order [kh, kw, channels]
 */
typedef enum
{
  DIFFUSION_PARAM_PLAIN,
  DIFFUSION_PARAM_CONV,
  DIFFUSION_PARAM_DEPTHWISE
} DiffusionParamLayout;

/**
 * DiffusionInit:
 * @DIFFUSION_INIT_ZERO: zeros: biases of norms, and the last layer of every residual branch and of the network
 * @DIFFUSION_INIT_ONE: ones: weights of norms
 * @DIFFUSION_INIT_UNIFORM: U(−gain/√fan_in, gain/√fan_in), PyTorch's default for weights and biases
 * @DIFFUSION_INIT_NORMAL: N(0, gain²/fan_in)
 */
typedef enum
{
  DIFFUSION_INIT_ZERO,
  DIFFUSION_INIT_ONE,
  DIFFUSION_INIT_UNIFORM,
  DIFFUSION_INIT_NORMAL
} DiffusionInit;

/**
 * DiffusionParam:
 * @name: as in the model file
 * @shape: [n_dims] in file order
 * @size: number of values
 * @offset: where the parameter starts in a block of all parameters, in values
 * @arranged: whether layers read it only to arrange it for their products, or to go back through them
 * @data: (nullable): the values in working order, once there are any; %NULL where they are @stored
 * @stored: (nullable): the values as a file in half precision has them, widened when they are arranged: an @arranged
 *   parameter of a network that is used, not trained
 */
typedef struct
{
  char *name;
  guint n_dims;
  gint64 shape[DIFFUSION_PARAM_MAX_DIMS];
  DiffusionParamLayout layout;
  DiffusionInit init;
  double init_gain;
  gint64 fan_in;
  gsize size;
  gsize offset;
  gboolean arranged;
  const float *data;
  const DiffusionTensorEntry *stored;
} DiffusionParam;

typedef struct _DiffusionParams DiffusionParams;

/** diffusion_params_new: (transfer full): an empty table; building a graph on it declares the parameters. */
DiffusionParams *diffusion_params_new (void);
void diffusion_params_free (DiffusionParams *params);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionParams, diffusion_params_free)

/**
 * diffusion_params_declare:
 * @name: the name in the model file
 * @n_dims: 1 to 4
 * @shape: [n_dims], file order
 *
 * Finds the parameter or adds it.
 *
 * Returns: its index
 */
guint diffusion_params_declare (DiffusionParams *params, const char *name, guint n_dims, const gint64 *shape,
                                DiffusionParamLayout layout);

/** diffusion_params_set_init: how a new network's parameter starts; @fan_in counts the inputs of one output. */
void diffusion_params_set_init (DiffusionParams *params, guint index, DiffusionInit init, double gain, gint64 fan_in);

/** diffusion_params_set_arranged: for layers: says that the parameter is only read with diffusion_exec_widen(). */
void diffusion_params_set_arranged (DiffusionParams *params, guint index);

/**
 * diffusion_params_store:
 * @index: an arranged parameter
 * @file: where its values stay; referenced
 * @entry: one of its tensors, of as many elements; copied
 */
void diffusion_params_store (DiffusionParams *params, guint index, DiffusionTensorFile *file,
                             const DiffusionTensorEntry *entry);

/** diffusion_params_any_stored: whether values of any parameter are in a file. */
gboolean diffusion_params_any_stored (const DiffusionParams *params);

/** diffusion_params_get_bytes: memory of all values: in working order, and in the pages of a file where they are stored. */
gsize diffusion_params_get_bytes (const DiffusionParams *params);

guint diffusion_params_get_n (const DiffusionParams *params);
DiffusionParam *diffusion_params_get (const DiffusionParams *params, guint index);

/** diffusion_params_find: the index of @name, or −1. */
gint diffusion_params_find (const DiffusionParams *params, const char *name);

/** diffusion_params_get_total: values of all parameters together: the length of a parameter block. */
gsize diffusion_params_get_total (const DiffusionParams *params);

/**
 * diffusion_params_use_block:
 * @block: (transfer none): diffusion_params_get_total() values in working order; must outlive the table
 *
 * Points every parameter into one block, which training mirrors by gradients and moments.
 */
void diffusion_params_use_block (DiffusionParams *params, const float *block);

/**
 * diffusion_params_allocate:
 *
 * Gives the table a block of its own, filled with zeros, without room for what is stored in a file. Where nothing is,
 * it is laid out as their offsets say.
 *
 * Returns: (transfer none) (nullable): the block, freed with the table
 */
float *diffusion_params_allocate (DiffusionParams *params, GError **error);

/** diffusion_params_initialise: fills @block with the starting values of a new network drawn from @seed. */
void diffusion_params_initialise (const DiffusionParams *params, guint64 seed, float *block);

/** diffusion_param_to_working: file order to working order; @in and @out hold param->size values, apart. */
void diffusion_param_to_working (const DiffusionParam *param, const float *in, float *out);

/** diffusion_param_to_file: working order to file order. */
void diffusion_param_to_file (const DiffusionParam *param, const float *in, float *out);

G_END_DECLS
