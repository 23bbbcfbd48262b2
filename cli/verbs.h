/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs, each defined in the file of its name. */
#pragma once

#include "cli/verb.h"

G_BEGIN_DECLS

extern const CliVerb cli_bench;
extern const CliVerb cli_convert;
extern const CliVerb cli_denoise;
extern const CliVerb cli_evaluate;
extern const CliVerb cli_generate;
extern const CliVerb cli_inspect;
extern const CliVerb cli_interpolate;
extern const CliVerb cli_models;
extern const CliVerb cli_predict;
extern const CliVerb cli_regenerate;
extern const CliVerb cli_train;
extern const CliVerb cli_train_classifier;
extern const CliVerb cli_upscale;

G_END_DECLS
