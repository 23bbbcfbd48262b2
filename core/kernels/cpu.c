/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which instructions the kernels may use on this machine. */
#include "core/kernels/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const char *const level_names[DIFFUSION_CPU_LEVELS] = { "reference", "baseline",   "avx2",
                                                               "avx512",    "avx512bf16", "amx" };

const char *
diffusion_cpu_level_name (DiffusionCpuLevel level)
{
  return level_names[level];
}

#if defined(__x86_64__)

/* Tiles exist, the kernel saves them, and it lets this process use them (Linux asks for each process once). */
static gboolean
have_amx (void)
{
  enum
  {
    ARCH_REQ_PERMISSION = 0x1023,
    XFEATURE_TILE_DATA = 18
  };
  guint a, b, c, d, low, high;

  if (!__get_cpuid_count (7, 0, &a, &b, &c, &d) || (d & (1u << 22)) == 0 || (d & (1u << 24)) == 0)
    return FALSE;
  __asm__ volatile ("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & (3u << 17)) != (3u << 17))
    return FALSE;
  return syscall (SYS_arch_prctl, ARCH_REQ_PERMISSION, XFEATURE_TILE_DATA) == 0;
}

static DiffusionCpuLevel
detect (void)
{
  __builtin_cpu_init ();
  if (!__builtin_cpu_supports ("avx2") || !__builtin_cpu_supports ("fma") || !__builtin_cpu_supports ("f16c"))
    return DIFFUSION_CPU_BASELINE;
  if (!__builtin_cpu_supports ("avx512f") || !__builtin_cpu_supports ("avx512bw")
      || !__builtin_cpu_supports ("avx512dq") || !__builtin_cpu_supports ("avx512vl"))
    return DIFFUSION_CPU_AVX2;
  if (!__builtin_cpu_supports ("avx512bf16"))
    return DIFFUSION_CPU_AVX512;
  return have_amx () ? DIFFUSION_CPU_AMX : DIFFUSION_CPU_AVX512_BF16;
}

#else

static DiffusionCpuLevel
detect (void)
{
  return DIFFUSION_CPU_BASELINE;
}

#endif

DiffusionCpuLevel
diffusion_cpu_best_level (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    g_once_init_leave (&once, (gsize) detect () + 1);
  return (DiffusionCpuLevel) (once - 1);
}

static DiffusionCpuLevel
choose (void)
{
  DiffusionCpuLevel level = diffusion_cpu_best_level ();
  const char *wanted = g_getenv ("DIFFUSION_CPU");

  if (wanted != NULL && *wanted != '\0')
    {
      guint i;

      for (i = 0; i < DIFFUSION_CPU_LEVELS; i++)
        if (g_str_equal (wanted, level_names[i]))
          break;
      if (i == DIFFUSION_CPU_LEVELS)
        g_warning ("DIFFUSION_CPU=%s is not one of reference, baseline, avx2, avx512, avx512bf16, amx: ignored",
                   wanted);
      else if (i > level)
        g_info ("DIFFUSION_CPU=%s asks for more than this processor has", wanted);
      else
        level = i;
    }
  g_info ("kernels for CPU level %s (the machine has %s)", level_names[level],
          level_names[diffusion_cpu_best_level ()]);
  return level;
}

DiffusionCpuLevel
diffusion_cpu_level (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    g_once_init_leave (&once, (gsize) choose () + 1);
  return (DiffusionCpuLevel) (once - 1);
}
