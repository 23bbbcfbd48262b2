/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the golden vectors are, and how they are read and compared. */
#pragma once

#include "core/diffusion.h"

/** reference_folder: (transfer full): where the whole set is, if it is there at all. */
char *reference_folder (void);

/** reference_copy_folder: (transfer full): what is always there. */
char *reference_copy_folder (void);

/**
 * reference_add:
 * @path: of the GLib test
 * @file: below the reference folder
 * @test: gets the full path of the file
 *
 * Adds the test once for the reference folder (DIFFUSION_REFERENCE, default ../shared/reference beside the source),
 * where it is skipped with a message if there is no such file, and once for the small copy in tests/golden/data if
 * that has the file.
 */
void reference_add (const char *path, const char *file, void (*test) (const char *file));

/**
 * reference_add_networks:
 * @path: of the GLib tests
 * @test: gets the folder of a network, which has an expected.safetensors
 *
 * Adds a test for every network of the reference folder, whatever is there, and of the small copy.
 */
void reference_add_networks (const char *path, GTestDataFunc test);

/** reference_open: (transfer full): fails the test if @path cannot be read. */
DiffusionTensorFile *reference_open (const char *path);

/** reference_require: (transfer none): fails the test if @name is missing. */
const DiffusionTensorEntry *reference_require (const DiffusionTensorFile *file, const char *name);

/** reference_doubles: (transfer full): all elements in row-major order. */
double *reference_doubles (const DiffusionTensorFile *file, const char *name);

/** reference_floats: (transfer full): all elements in row-major order. */
float *reference_floats (const DiffusionTensorFile *file, const char *name);

/** reference_pixels: (transfer full): [n, c, h, w] or [k, n, c, h, w] as channels last. */
float *reference_pixels (const DiffusionTensorFile *file, const char *name);

/** reference_difference: the largest |a − b|; NaN is infinitely far. */
double reference_difference (const float *a, const float *b, gsize count);

/** reference_largest: the largest |a|. */
double reference_largest (const float *a, gsize count);

/** reference_schedule: (transfer full): the published schedule of that name, e.g. "cosine", with @steps steps. */
DiffusionSchedule *reference_schedule (const char *name, gsize steps);

/**
 * reference_model:
 * @path: a weight file
 * @flags: JSON text of its flags
 *
 * Returns: (transfer full): the model; fails the test if it cannot be opened
 */
DiffusionModel *reference_model (const char *path, const char *flags);
