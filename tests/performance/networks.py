# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of ./dev bench as PyTorch modules with random weights: what users of Python would run instead."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Pointwise(nn.Conv2d):
    """A 1×1 convolution, its outputs in halves between 512 and 1024 channels, where oneDNN 3.7 divides by zero here."""

    def __init__(self, width_in, width_out):
        super().__init__(width_in, width_out, 1)

    def forward(self, x):
        if {self.out_channels, self.in_channels} != {512, 1024}:
            return super().forward(x)
        return torch.cat([F.conv2d(x, w, b) for w, b in zip(self.weight.chunk(2), self.bias.chunk(2))], 1)


class ResBlock(nn.Module):
    """GroupNorm, SiLU, convolution, twice, with the time between; resample: None, "down" or "up" of both branches."""

    def __init__(self, width_in, width_out, time, scale_shift, resample=None, eps=1e-6):
        super().__init__()
        self.norm1 = nn.GroupNorm(32, width_in, eps)
        self.conv1 = nn.Conv2d(width_in, width_out, 3, padding=1)
        self.time = nn.Linear(time, 2 * width_out if scale_shift else width_out)
        self.norm2 = nn.GroupNorm(32, width_out, eps)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, padding=1)
        self.skip = Pointwise(width_in, width_out) if width_in != width_out else nn.Identity()
        self.scale_shift = scale_shift
        self.resample = resample

    def move(self, x):
        if self.resample == "down":
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2.0) if self.resample == "up" else x

    def forward(self, x, time):
        h = self.conv1(self.move(F.silu(self.norm1(x))))
        time = self.time(time)[:, :, None, None]
        if self.scale_shift:
            scale, shift = time.chunk(2, 1)
            h = self.norm2(h) * (1 + scale) + shift
        else:
            h = self.norm2(h + time)
        return self.skip(self.move(x)) + self.conv2(F.silu(h))


class Attention(nn.Module):
    def __init__(self, width, head, eps):
        super().__init__()
        self.norm = nn.GroupNorm(32, width, eps)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.heads = width // head if head else 1

    def forward(self, x):
        n, c, height, width = x.shape
        h = self.norm(x).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(h).view(n, height * width, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        h = F.scaled_dot_product_attention(q, k, v)
        h = self.out(h.transpose(1, 2).reshape(n, height * width, c))
        return x + h.transpose(1, 2).view(n, c, height, width)


class Down(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x, time):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Up(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x, time):
        return self.conv(F.interpolate(x, scale_factor=2.0))


class Unet(nn.Module):
    """widths: channels by level; attention: the levels with attention; head: channels of a head, 0 for one head."""

    def __init__(self, widths, attention, head=0, scale_shift=False, updown=False, outputs=3, eps=1e-6):
        super().__init__()
        base, time, last = widths[0], 4 * widths[0], len(widths) - 1

        def block(width_in, width_out, resample=None):
            return ResBlock(width_in, width_out, time, scale_shift, resample, eps)

        def attend(level):
            return Attention(widths[level], head, eps) if level in attention else nn.Identity()

        self.base = base
        self.time1, self.time2 = nn.Linear(base, time), nn.Linear(time, time)
        self.first = nn.Conv2d(3, base, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        width, skips = base, [base]
        for level, wide in enumerate(widths):
            for _ in range(2):
                self.down.append(nn.ModuleList([block(width, wide), attend(level)]))
                width = wide
                skips.append(width)
            if level < last:
                self.down.append(nn.ModuleList([block(width, width, "down") if updown else Down(width), nn.Identity()]))
                skips.append(width)
        self.middle1, self.middle2, self.middle3 = block(width, width), Attention(width, head, eps), block(width, width)
        for level in range(last, -1, -1):
            for i in range(3):
                move = None
                if i == 2 and level > 0:
                    move = block(widths[level], widths[level], "up") if updown else Up(widths[level])
                self.up.append(nn.ModuleList([block(width + skips.pop(), widths[level]), attend(level),
                                              move or nn.Identity()]))
                width = widths[level]
        self.norm = nn.GroupNorm(32, width, eps)
        self.last = nn.Conv2d(width, outputs, 3, padding=1)

    def forward(self, x, t):
        half = self.base // 2
        angles = t[:, None] * torch.exp(torch.arange(half, dtype=t.dtype) * (-math.log(10000) / (half - 1)))
        time = self.time1(torch.cat([angles.sin(), angles.cos()], 1))
        time = F.silu(self.time2(F.silu(time)))
        h = self.first(x)
        kept = [h]
        for block, attention in self.down:
            h = attention(block(h, time))
            kept.append(h)
        h = self.middle3(self.middle2(self.middle1(h, time)), time)
        for block, attention, move in self.up:
            h = attention(block(torch.cat([h, kept.pop()], 1), time))
            if not isinstance(move, nn.Identity):
                h = move(h, time)
        return self.last(F.silu(self.norm(h)))


class Ffdnet(nn.Module):
    """FFDNet for colour: 2×2 pixels as channels beside the noise level, twelve 3×3 convolutions of 96 channels."""

    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(15, 96, 3, padding=1), nn.ReLU()]
        for _ in range(10):
            layers += [nn.Conv2d(96, 96, 3, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(96, 12, 3, padding=1))

    def forward(self, x, t):
        h = F.pixel_unshuffle(x, 2)
        sigma = t[:, None, None, None].expand(-1, 3, h.shape[2], h.shape[3])
        return F.pixel_shuffle(self.layers(torch.cat([h, sigma], 1)), 2)


def ddpm_cifar10():
    return Unet([128, 256, 256, 256], [1])


def ddpm_256():
    return Unet([128, 128, 256, 256, 512, 512], [4])


def guided_256():
    return Unet([256, 256, 512, 512, 1024, 1024], [3, 4, 5], 64, True, True, 6, 1e-5)


# name: what makes it, the shape of its input
NETWORKS = {
    "ddpm-cifar10": (ddpm_cifar10, (1, 3, 32, 32)),
    "ddpm-cifar10-batch-8": (ddpm_cifar10, (8, 3, 32, 32)),
    "ddpm-256": (ddpm_256, (1, 3, 256, 256)),
    "guided-256": (guided_256, (1, 3, 256, 256)),
    "ffdnet": (Ffdnet, (1, 3, 1024, 1024)),
}


def make(name):
    """The network in evaluation mode with an input and a time."""
    torch.manual_seed(1)
    builder, shape = NETWORKS[name]
    return builder().eval(), torch.randn(shape), torch.full((shape[0],), 500.0)
