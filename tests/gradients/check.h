/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finite differences for any graph. */
#pragma once

#include "core/model/graph.h"

/**
 * check_gradients:
 * @graph: its inputs and parameters are filled with random numbers
 * @inputs: [n_inputs]
 * @output: the loss is Σ w·output with random w
 *
 * Compares d loss / d input (where wanted) and d loss / d parameter with central differences along random
 * directions and along single coordinates, and runs everything twice to see that gradients add up where they should.
 */
void check_gradients (DiffusionGraph *graph, guint n_inputs, const DiffusionValue *inputs, DiffusionValue output);

/** check_network_gradients: the same for deep graphs, along fewer coordinates and with another relative error allowed
 * than 0.002: rounding adds up over layers. */
void check_network_gradients (DiffusionGraph *graph, guint n_inputs, const DiffusionValue *inputs,
                              DiffusionValue output, double tolerance);
