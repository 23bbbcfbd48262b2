# SPDX-License-Identifier: GPL-3.0-or-later
"""The same networks in PyTorch, for training.py: training_peer.py CONFIG BATCH SIZE LAYOUT PRECISION."""
import json
import math
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


def conv(ins, outs, kernel, circular=False, stride=1, pad=None):
    pad = kernel // 2 if pad is None else pad
    return nn.Conv2d(ins, outs, kernel, stride, pad, padding_mode="circular" if circular and pad else "zeros")


class Block(nn.Module):
    """A residual block, with whatever changes of size come with it."""

    def __init__(self, config, ins, outs, time, move=0):
        super().__init__()
        groups, eps = config["norm_num_groups"], config["norm_eps"]
        circular = config.get("padding_mode") == "circular"
        self.move = move
        self.adaptive = config["resnet_time_scale_shift"] == "scale_shift"
        self.norm1 = nn.GroupNorm(groups, ins, eps)
        self.conv1 = conv(ins, outs, 3, circular)
        self.time = nn.Linear(time, 2 * outs if self.adaptive else outs)
        self.norm2 = nn.GroupNorm(groups, outs, eps)
        self.conv2 = conv(outs, outs, 3, circular)
        self.skip = conv(ins, outs, 1) if ins != outs else nn.Identity()

    def resize(self, x):
        if self.move < 0:
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2) if self.move > 0 else x

    def forward(self, x, t):
        h = self.conv1(self.resize(F.silu(self.norm1(x))))
        t = self.time(t)[:, :, None, None]
        if self.adaptive:
            scale, shift = t.chunk(2, 1)
            h = self.norm2(h) * (1 + scale) + shift
        else:
            h = self.norm2(h + t)
        return self.skip(self.resize(x)) + self.conv2(F.silu(h))


class Attention(nn.Module):
    def __init__(self, config, channels):
        super().__init__()
        size = config.get("attention_head_dim")
        self.heads = config.get("num_attention_heads") or (channels // size if size else 1)
        self.norm = nn.GroupNorm(config["norm_num_groups"], channels, config["norm_eps"])
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x):
        n, c, h, w = x.shape
        y = self.qkv(self.norm(x).flatten(2).transpose(1, 2))
        q, k, v = y.view(n, h * w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, h * w, c)
        return x + self.out(y).transpose(1, 2).reshape(n, c, h, w)


class Resample(nn.Module):
    def __init__(self, config, channels, up):
        super().__init__()
        circular = config.get("padding_mode") == "circular"
        self.up, self.pad = up, config["downsample_padding"]
        self.conv = conv(channels, channels, 3, circular) if up else conv(channels, channels, 3, circular, 2, self.pad)

    def forward(self, x, t):
        if self.up:
            return self.conv(F.interpolate(x, scale_factor=2))
        return self.conv(x if self.pad else F.pad(x, (0, 1, 0, 1)))


class Unet(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, layers = config["block_out_channels"], config["layers_per_block"]
        factor, circular = config.get("pixel_unshuffle", 1), config.get("padding_mode") == "circular"
        self.factor = factor
        self.features = config.get("time_embedding_channels") or widths[0]
        time = 4 * self.features
        self.time1, self.time2 = nn.Linear(self.features, time), nn.Linear(time, time)
        self.classes = nn.Embedding(config["num_class_embeds"], time) if config.get("num_class_embeds") else None
        self.first = conv(config["in_channels"] * factor ** 2, widths[0], 3, circular)
        self.down, self.middle, self.up = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        now, skips, last = widths[0], [widths[0]], len(widths) - 1
        for level, width in enumerate(widths):
            for _ in range(layers):
                stage = nn.ModuleList([Block(config, now, width, time)])
                if config["down_block_types"][level].startswith("Attn"):
                    stage.append(Attention(config, width))
                self.down.append(stage)
                now = width
                skips.append(now)
            if level < last:
                resnet = config["downsample_type"] == "resnet"
                self.down.append(nn.ModuleList([Block(config, now, now, time, -1) if resnet
                                                else Resample(config, now, False)]))
                skips.append(now)
        self.middle.append(Block(config, now, now, time))
        if config["add_attention"]:
            self.middle.append(Attention(config, now))
        self.middle.append(Block(config, now, now, time))
        for level, width in enumerate(reversed(widths)):
            for number in range(layers + 1):
                stage = nn.ModuleList([Block(config, now + skips.pop(), width, time)])
                now = width
                if config["up_block_types"][level].startswith("Attn"):
                    stage.append(Attention(config, width))
                if number == layers and level < last:
                    resnet = config["upsample_type"] == "resnet"
                    stage.append(Block(config, now, now, time, 1) if resnet else Resample(config, now, True))
                self.up.append(stage)
        self.norm = nn.GroupNorm(config["norm_num_groups"], now, config["norm_eps"])
        self.last = conv(now, config["out_channels"] * factor ** 2, 3, circular)

    def forward(self, x):
        t = torch.full((x.shape[0], 1), 500.0)
        frequencies = torch.exp(-math.log(10000) * torch.arange(self.features // 2) / (self.features // 2))
        t = torch.cat([torch.sin(t * frequencies), torch.cos(t * frequencies)], 1)
        t = self.time2(F.silu(self.time1(t)))
        if self.classes is not None:
            t = t + self.classes(torch.zeros(x.shape[0], dtype=torch.long))
        t = F.silu(t)
        h = self.first(F.pixel_unshuffle(x, self.factor) if self.factor > 1 else x)
        skips = [h]
        for stage in self.down:
            h = run_stage(stage, h, t)
            skips.append(h)
        h = run_stage(self.middle, h, t)
        for stage in self.up:
            h = run_stage(stage, torch.cat([h, skips.pop()], 1), t)
        h = self.last(F.silu(self.norm(h)))
        return F.pixel_shuffle(h, self.factor) if self.factor > 1 else h


def run_stage(stage, h, t):
    for module in stage:
        h = module(h) if isinstance(module, Attention) else module(h, t)
    return h


def pixel_norm(x, film=None):
    """Over each pixel's channels; by layer_norm, which is PyTorch's fastest way to it."""
    h = F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), eps=1e-6).permute(0, 3, 1, 2)
    if film is None:
        return h
    scale, shift = film[:, :, None, None].chunk(2, 1)
    return h * (1 + scale) + shift


class Gated(nn.Module):
    def __init__(self, c, time):
        super().__init__()
        self.film1, self.film2 = nn.Linear(time, 2 * c), nn.Linear(time, 2 * c)
        self.expand1, self.project1 = nn.Conv2d(c, 2 * c, 1), nn.Conv2d(c, c, 1)
        self.depthwise = nn.Conv2d(2 * c, 2 * c, 3, padding=1, groups=2 * c)
        self.expand2, self.project2 = nn.Conv2d(c, 2 * c, 1), nn.Conv2d(c, c, 1)

    def forward(self, x, t):
        a, b = self.depthwise(self.expand1(pixel_norm(x, self.film1(t)))).chunk(2, 1)
        x = x + self.project1(a * b)
        a, b = self.expand2(pixel_norm(x, self.film2(t))).chunk(2, 1)
        return x + self.project2(a * b)


class Photo(nn.Module):
    def __init__(self, config):
        super().__init__()
        c, time, blocks = config["widths"], config["time_width"], config["blocks"]
        self.time1, self.time2 = nn.Linear(17, time), nn.Linear(time, time)
        self.stem = nn.Conv2d(24, c[0], 3, padding=1)
        self.stages = nn.ModuleList(nn.ModuleList(Gated(width, time) for _ in range(number))
                                    for width, number in zip((c[0], c[1], c[2], c[1], c[0]), blocks))
        self.down1, self.down2 = nn.Conv2d(c[0], c[1], 2, 2), nn.Conv2d(c[1], c[2], 2, 2)
        self.up2, self.up1 = nn.Conv2d(c[2], 4 * c[1], 1), nn.Conv2d(c[1], 4 * c[0], 1)
        self.head = nn.Conv2d(c[0], 12, 3, padding=1)

    def forward(self, x):
        t = F.silu(self.time2(F.silu(self.time1(torch.randn(x.shape[0], 17)))))
        high = x - F.avg_pool2d(F.pad(x, (2, 2, 2, 2), "reflect"), 5, 1)
        h = self.stem(F.pixel_unshuffle(torch.cat([x, high], 1), 2))
        first = self.stage(0, h, t)
        second = self.stage(1, self.down1(first), t)
        h = self.stage(2, self.down2(second), t)
        h = self.stage(3, F.pixel_shuffle(self.up2(h), 2) + second, t)
        h = self.stage(4, F.pixel_shuffle(self.up1(h), 2) + first, t)
        return F.pixel_shuffle(self.head(pixel_norm(h)), 2)

    def stage(self, number, h, t):
        for block in self.stages[number]:
            h = block(h, t)
        return h


def main():
    config, batch, size = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    layout, precision = sys.argv[4:6]
    network = (Photo if "blocks" in config else Unet)(config)
    x = torch.randn(batch, 3, size, size)
    if layout == "channels-last":
        network, x = network.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    target = torch.randn(batch, config.get("out_channels", 3), size, size)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-4, weight_decay=0, fused=True)
    print(json.dumps({"parameters": sum(p.numel() for p in network.parameters())}), flush=True)
    for _ in sys.stdin:
        start = time.monotonic()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            output = network(x)
            loss = F.mse_loss(output.float(), target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        print("%.6f %d" % (time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss), flush=True)


if __name__ == "__main__":
    main()
