/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of torch.save, written byte by byte for tests. */
#pragma once

#include "core/diffusion.h"

/* A zip archive in the making. */
typedef struct
{
  GByteArray *bytes;
  GByteArray *directory;
  guint count;
} TorchZip;

/* The elements of the tensors made below: 0 to 5. */
extern const float torch_numbers[6];

void torch_put (GByteArray *bytes, guint64 value, guint size);
void torch_put_text (GByteArray *bytes, const char *text);

TorchZip torch_zip_new (void);
void
torch_zip_add (TorchZip *zip, const char *name, gconstpointer data, guint size, gboolean zip64, guint method);
GBytes *torch_zip_end (TorchZip *zip, gboolean zip64);

/* A pickle of protocol 2, without anything yet. */
GByteArray *torch_pickle_new (void);
void torch_put_string (GByteArray *pickle, const char *text);

/* A [rows, 3] tensor in the storage @key of @n_elements elements. */
void torch_put_tensor (GByteArray *pickle,
                       const char *storage,
                       const char *key,
                       guint n_elements,
                       guint offset,
                       guint rows,
                       guint s0,
                       guint s1);

/* {"w": tensor}: the pickle, the zip container around it, and the stream of torch before 1.6. */
GByteArray *
torch_make_simple (const char *storage, guint n_elements, guint offset, guint rows, guint s0, guint s1);
GBytes *torch_make_zip (GByteArray *pickle, gconstpointer data, guint size, gboolean zip64);
GBytes *torch_make_stream (void);
