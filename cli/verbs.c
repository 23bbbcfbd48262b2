/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of verbs. */
#include "cli/verbs.h"

const CliVerb *const cli_verbs[] = {
  &cli_denoise,
  &cli_evaluate,
  &cli_models,
  &cli_predict,
  &cli_bench,
  &cli_train,
  NULL
};
