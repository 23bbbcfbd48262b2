# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put right for the other programs from outside."""

# Each new large tensor of PyTorch's is fresh memory, whose first touch takes longer than the arithmetic on some virtual
# machines. Kept and in huge pages, ddpm-256 takes 2.05 s instead of 7.6 s.
KEEPS_MEMORY = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184"}
