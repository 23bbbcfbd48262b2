/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion convert: any readable model, or the mean of two, as a diffusers folder. */
#include "cli/options.h"
#include "cli/verbs.h"
#include "core/diffusion.h"

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  static const char *const names[] = { "f32", "f16", "bf16", NULL };
  static const DiffusionDtype dtypes[] = { DIFFUSION_DTYPE_F32, DIFFUSION_DTYPE_F16, DIFFUSION_DTYPE_BF16 };
  g_autofree char *preset = NULL, *flags = NULL, *dtype = NULL, *with = NULL;
  const double not_given = -G_MAXDOUBLE;
  double share = not_given;
  guint choice = 0;
  const GOptionEntry entries[] = {
    { "preset", 0, 0, G_OPTION_ARG_STRING, &preset, N_ ("Which published network a file is, where it cannot tell"),
      N_ ("NAME") },
    { "flags", 0, 0, G_OPTION_ARG_FILENAME, &flags, N_ ("File of the flags it was trained with"), N_ ("FILE") },
    { "dtype", 0, 0, G_OPTION_ARG_STRING, &dtype, N_ ("Number format to write: f32 (default), f16 or bf16"), N_ ("KIND") },
    { "with", 0, 0, G_OPTION_ARG_FILENAME, &with, N_ ("Write the mean with this model, which must be of the same network"),
      N_ ("MODEL") },
    { "share", 0, 0, G_OPTION_ARG_DOUBLE, &share, N_ ("Share of the other model in the mean, 0 to 1 (default: 0.5)"),
      N_ ("X") },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_auto (GStrv) arguments = cli_parse (verb, entries, argc, argv, error);

  if (arguments == NULL || (dtype != NULL && !cli_parse_choice ("--dtype", dtype, names, &choice, error)))
    return FALSE;
  if (share != not_given && with == NULL)
    return cli_usage_error (error, _ ("--share: expected --with too"));
  if (share == not_given)
    share = 0.5;
  if (!cli_check_double ("--share", share, 0.0, 1.0, error))
    return FALSE;

  g_autoptr (DiffusionModel) model = diffusion_model_open (arguments[0], preset, flags, error);
  g_autoptr (DiffusionModel) other = NULL;

  if (model == NULL)
    return FALSE;
  if (with == NULL)
    return diffusion_model_save (model, arguments[1], dtypes[choice], error);
  other = diffusion_model_open (with, preset, flags, error);
  return other != NULL && diffusion_model_save_mean (model, other, share, arguments[1], dtypes[choice], error);
}

const CliVerb cli_convert = {
  .name = "convert",
  .arguments = N_ ("MODEL OUT"),
  .brief = N_ ("Write any readable model as a diffusers folder"),
  .description = N_ ("Reads folders, .safetensors, and torch's .pt, .bin and .ckpt (nothing in them is executed), of\n"
                     "diffusers, guided-diffusion, improved-diffusion, DDIM and SDEdit. Where a file does not say what\n"
                     "network it holds, --preset names a published one and --flags gives the training's flags (JSON,\n"
                     "or options as on the command line of the training script).\n\n"
                     "--with takes the mean of two models that were trained from the same start: it often keeps what each\n"
                     "is good at, as what a model could do before it was trained on other pictures.\n\n"
                     "  diffusion convert 256x256_diffusion_uncond.pt ~/.local/share/gimp-diffusion/models/guided-256\n"
                     "  diffusion convert photo my-balance --with my-photo --share 0.3"),
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run,
};
