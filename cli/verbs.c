/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of verbs. */
#include "cli/verbs.h"

const CliVerb *const cli_verbs[] = {
  &cli_denoise,
  &cli_regenerate,
  &cli_generate,
  &cli_interpolate,
  &cli_upscale,
  &cli_train,
  &cli_train_classifier,
  &cli_evaluate,
  &cli_predict,
  &cli_models,
  &cli_inspect,
  &cli_convert,
  &cli_bench,
  NULL
};
