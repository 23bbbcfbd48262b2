/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timing: how a benchmark is run, and the groups of benchmarks. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _CliBench CliBench;

/** CliBenchFunc: one run of what is timed. */
typedef gboolean (*CliBenchFunc) (gpointer data, GError **error);

/** cli_bench_wanted: whether the user asked for the benchmark "group/name"; ask before preparing anything big. */
gboolean cli_bench_wanted (const CliBench *bench, const char *name);

/** cli_bench_asked: whether the user named it: for benchmarks too big to run unasked. */
gboolean cli_bench_asked (const CliBench *bench, const char *name);

/**
 * cli_bench_run:
 * @name: "group/name"
 * @work: how much one run does
 * @unit: in what: "FLOP", "values", "pixels"…
 * @func: does it
 * @data: for @func
 *
 * Times it several times (once for warming up) and prints the median time, its spread and the rate.
 */
gboolean cli_bench_run (CliBench *bench, const char *name, double work, const char *unit, CliBenchFunc func,
                        gpointer data, GError **error);

/** cli_bench_get_cancellable: the cancellable of the run. */
GCancellable *cli_bench_get_cancellable (const CliBench *bench);

/** cli_bench_kernels: matrix products and the kernels of the table, on one core. */
gboolean cli_bench_kernels (CliBench *bench, GError **error);

/** cli_bench_layers: convolutions, attention and norms of usual sizes, on all cores. */
gboolean cli_bench_layers (CliBench *bench, GError **error);

/** cli_bench_networks: the published U-Nets and the photo model, on all cores. */
gboolean cli_bench_networks (CliBench *bench, GError **error);

G_END_DECLS
