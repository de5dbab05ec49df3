"""MambaHSI, its Mamba blocks, and the tiling rule that training and prediction share."""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from special.errors import SettingsError
from special.models.mamba import DT_MAX, DT_MIN, Mamba
from special.models.mambahsi import MambaHSI, MambaHSISettings, SpectralMamba, enlarge, halve
from special.models.orientation import COUNT, orient
from special.models.tiling import UNTURNED, _ramp, logits_by_windows, predict_logits, tiles
from special.progress import Progress
from special.settings import load

SMALL = MambaHSISettings(hidden=8, blocks=3, groups=2, state=4, conv=4, expand=2)


def mamba(d_model: int = 6, seed: int = 0) -> Mamba:
    torch.manual_seed(seed)
    return Mamba(d_model, d_state=4, d_conv=3, expand=2)


def classifier(settings: MambaHSISettings = SMALL, bands: int = 5, classes: int = 3, seed: int = 0) -> MambaHSI:
    torch.manual_seed(seed)
    return MambaHSI(bands, classes, settings)


def images(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def scene(rows: int, cols: int) -> tuple[Tensor, Tensor]:
    """Smooth fields with a little noise, (rows, cols, 5), and which of the first three is the largest, (rows, cols)."""
    r, c = torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij")
    fields = torch.stack([torch.sin(r / 6 + 2 * k) + torch.cos(c / (7 + k)) for k in range(5)], dim=-1)
    return fields + 0.1 * images(rows, cols, 5), fields[..., :3].argmax(dim=-1)


# The Mamba block


def test_parameters_have_the_names_and_shapes_of_mambas_own_module() -> None:
    block = Mamba(32, d_state=16, d_conv=4, expand=2)
    assert {name: tuple(p.shape) for name, p in block.named_parameters()} == {
        "A_log": (64, 16),
        "D": (64,),
        "in_proj.weight": (128, 32),
        "conv1d.weight": (64, 1, 4),
        "conv1d.bias": (64,),
        "x_proj.weight": (2 + 2 * 16, 64),
        "dt_proj.weight": (64, 2),
        "dt_proj.bias": (64,),
        "out_proj.weight": (32, 64),
    }


def test_state_space_starts_as_in_mambas_own_module() -> None:
    torch.manual_seed(0)
    block = Mamba(64, d_state=16, d_conv=4, expand=16)
    torch.testing.assert_close(block.A_log.exp(), torch.arange(1.0, 17.0).expand(1024, -1))
    assert torch.equal(block.D, torch.ones(1024))
    bound = block.dt_rank**-0.5
    assert 0.99 * bound < block.dt_proj.weight.abs().max() <= bound
    step = F.softplus(block.dt_proj.bias)
    assert step.min() > DT_MIN * 0.999 and step.max() < DT_MAX * 1.001
    assert abs(step.log().mean() - math.log(DT_MIN * DT_MAX) / 2) < 0.15  # even over the logarithms


def step_by_step(block: Mamba, u: Tensor) -> Tensor:
    """The paper's block for one sequence (l, d_model), without any trick."""
    x, z = (u @ block.in_proj.weight.T).chunk(2, dim=-1)
    k = block.conv1d.weight.shape[-1]
    past = torch.cat([x.new_zeros(k - 1, x.shape[1]), x])
    x = torch.stack([(past[t : t + k] * block.conv1d.weight[:, 0].T).sum(0) + block.conv1d.bias for t in range(len(u))])
    x = x * torch.sigmoid(x)
    h = x.new_zeros(block.d_inner, block.d_state)
    outputs = []
    for t in range(len(u)):
        projected = x[t] @ block.x_proj.weight.T
        dt, B, C = projected.split([block.dt_rank, block.d_state, block.d_state])
        delta = torch.log1p(torch.exp(block.dt_proj(dt)))
        h = torch.exp(-delta[:, None] * block.A_log.exp()) * h + (delta * x[t])[:, None] * B
        y = h @ C + block.D * x[t]
        outputs.append((y * z[t] * torch.sigmoid(z[t])) @ block.out_proj.weight.T)
    return torch.stack(outputs)


def test_block_is_the_papers_block() -> None:
    block = mamba().double()
    u = images(2, 9, 6).double()
    torch.testing.assert_close(block(u), torch.stack([step_by_step(block, sequence) for sequence in u]))


def test_block_works_on_sequences_shorter_than_its_convolution() -> None:
    block = mamba().double()
    u = images(1, 1, 6).double()
    torch.testing.assert_close(block(u)[0], step_by_step(block, u[0]))


# MambaHSI


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 9), (9, 1), (7, 5), (8, 12), (2, 3)])
def test_any_image_size_gives_logits_of_that_size(rows: int, cols: int) -> None:
    logits = classifier()(images(2, 5, rows, cols))
    assert logits.shape == (2, 3, rows, cols)
    assert logits.isfinite().all()


def test_images_of_a_batch_do_not_leak_into_each_other() -> None:
    model = classifier()
    batch = images(3, 5, 7, 6)
    together = model(batch)
    for number in range(3):
        torch.testing.assert_close(model(batch[number : number + 1]), together[number : number + 1])


def test_spatial_context_reaches_across_the_image() -> None:
    image = images(1, 5, 9, 9).requires_grad_()
    classifier()(image)[0, 0, 8, 8].backward()
    assert image.grad is not None and (image.grad != 0).all()


@pytest.mark.parametrize("groups", [3, 4, 10])
def test_groups_that_do_not_divide_the_hidden_channels_work(groups: int) -> None:
    settings = MambaHSISettings(hidden=10, blocks=2, groups=groups, state=4, conv=4, expand=1)
    model = classifier(settings)
    model(images(1, 5, 6, 4)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_spectral_branch_looks_at_each_pixel_alone_and_pads_its_last_group() -> None:
    torch.manual_seed(0)
    branch = SpectralMamba(MambaHSISettings(hidden=10, blocks=1, groups=4, state=4, conv=2, expand=1))
    x = images(1, 3, 2, 10)
    sequences = F.pad(x, (0, 2)).reshape(6, 4, 3)
    expected = F.silu(branch.norm(branch.mamba(sequences).reshape(1, 3, 2, 12)))[..., :10]
    torch.testing.assert_close(branch(x), expected)
    one = branch.mamba(sequences[4:5])
    torch.testing.assert_close(branch.mamba(sequences)[4:5], one)


@pytest.mark.parametrize("size", [(6, 8), (7, 5), (1, 3), (9, 1)])
def test_halving_and_enlarging_are_the_same_from_both_ends(size: tuple[int, int]) -> None:
    x = images(1, *size, 2)
    for axis in (1, 2):
        torch.testing.assert_close(halve(x.flip(axis)), halve(x).flip(axis))
        small = halve(x)
        torch.testing.assert_close(enlarge(small.flip(axis), size), enlarge(small, size).flip(axis))


def test_halving_drops_no_pixel() -> None:
    x = torch.ones(1, 7, 5, 1, requires_grad=True)
    halve(x).sum().backward()
    assert x.grad is not None and (x.grad > 0).all()


@pytest.mark.parametrize(("length", "wobble"), [(16, 1e-5), (17, 0.3)])
def test_halving_and_enlarging_shift_nothing(length: int, wobble: float) -> None:
    ramp = torch.arange(float(length)).view(1, length, 1, 1)
    back = enlarge(halve(ramp), (length, 1))
    torch.testing.assert_close(back[:, 2:-2], ramp[:, 2:-2], rtol=0, atol=wobble)
    torch.testing.assert_close(back.mean(), ramp.mean())


def train(image: Tensor, truth: Tensor, *, seed: int = 0, steps: int) -> tuple[MambaHSI, list[float]]:
    model = classifier(seed=seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(image), truth)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return model, losses


def test_model_learns() -> None:
    cube, truth = scene(12, 15)
    _, losses = train(cube.permute(2, 0, 1)[None], truth[None], steps=30)
    assert losses[-1] < 0.2 * losses[0]


def test_same_seed_gives_the_same_bits() -> None:
    cube, truth = scene(12, 15)
    image, target = cube.permute(2, 0, 1)[None], truth[None]
    first, second, other = (train(image, target, seed=seed, steps=3)[0].state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize(("name", "value"), [("hidden", 0), ("blocks", 0), ("groups", 9), ("state", 257), ("conv", -1)])
def test_settings_without_a_model_are_named(name: str, value: int) -> None:
    small = {f"mambahsi.{key}": given for key, given in asdict(SMALL).items()}
    with pytest.raises(SettingsError, match=rf"^mambahsi\.{name} must be .*, not {value}$"):
        load(changes={**small, f"mambahsi.{name}": value}).build(MambaHSISettings)


# Tiling


@pytest.mark.parametrize("overlap", [0, 1, 7])
@pytest.mark.parametrize("length", [1, 15, 16, 17, 31, 32, 33, 100])
def test_tiles_cover_an_axis_evenly_and_share_the_overlap(length: int, overlap: int) -> None:
    spans = [cols for _, cols in tiles(3, length, 16, overlap)]
    assert spans[0].start == 0 and spans[-1].stop == length
    assert all(before.stop - after.start == overlap for before, after in pairwise(spans))
    sizes = [span.stop - span.start for span in spans]
    assert max(sizes) <= 16 and max(sizes) - min(sizes) <= 1


def test_a_scene_no_larger_than_a_tile_is_one_tile() -> None:
    assert tiles(16, 5, 16, 4) == [(slice(0, 16), slice(0, 5))]


@pytest.mark.parametrize(("tile", "overlap"), [(8, 8), (8, -1), (0, 0)])
def test_an_overlap_must_leave_something_of_the_tile(tile: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        tiles(20, 20, tile, overlap)


def test_one_tile_is_the_model_itself() -> None:
    model, (cube, _) = classifier(), scene(9, 7)
    with torch.no_grad():
        expected = model(cube.permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    for inputs in (cube, cube.numpy()):
        logits = predict_logits(model, inputs, tile=9, overlap=2)
        assert logits.dtype == np.float32
        np.testing.assert_array_equal(logits, expected.numpy())


class FlatTile(nn.Module):
    """Says the mean of its tile at every pixel of it: tiles disagree as much as they can."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(1, 2, 3), keepdim=True).expand(1, 1, *x.shape[2:])


def test_blending_leads_from_one_tile_to_the_next_without_a_jump() -> None:
    cube = np.repeat(np.arange(48.0, dtype=np.float32)[None, :, None], 10, axis=0)
    logits = predict_logits(FlatTile(), cube, tile=16, overlap=8)[5, :, 0]
    between_tiles = logits[-1] - logits[0]
    steps = np.diff(logits)
    assert (steps >= 0).all()
    assert steps.max() < between_tiles / 20


def test_tiled_prediction_shows_no_seam() -> None:
    cube, truth = scene(48, 60)
    model, _ = train(cube.permute(2, 0, 1)[None], truth[None], steps=30)
    whole = predict_logits(model, cube, tile=60, overlap=0)
    tiled = predict_logits(model, cube, tile=40, overlap=16)
    assert (tiled.argmax(-1) == whole.argmax(-1)).mean() > 0.85
    # A seam would be a jump where tiles meet, from column 22 to 38, that the whole prediction does not have there.
    jumps = [np.abs(np.diff(logits, axis=1)).mean(axis=(0, 2))[20:40].max() for logits in (whole, tiled)]
    assert jumps[1] < 1.1 * jumps[0]


@pytest.mark.parametrize(("tile", "overlap"), [(12, 0), (12, 4), (12, 9), (40, 4)])
def test_windows_come_once_each_and_are_the_weighted_mean_of_all_tiles(tile: int, overlap: int) -> None:
    cube = scene(25, 31)[0].numpy()
    turns = [UNTURNED, (partial(torch.flip, dims=(-1,)),) * 2]
    totals, weights, seen = np.zeros((2, 25, 31, 1)), np.zeros((25, 31, 1)), np.zeros((25, 31), dtype=int)
    for window in tiles(25, 31, tile, overlap):
        weight = np.outer(_ramp(window[0], 25, overlap), _ramp(window[1], 31, overlap))[..., None]
        totals[:, *window] += weight * cube[window].mean()
        weights[window] += weight
    expected = totals / weights
    for window, logits in logits_by_windows(FlatTile(), cube, tile, overlap, turns=turns):
        seen[window] += 1
        np.testing.assert_allclose(logits, expected[:, *window], rtol=1e-4, atol=1e-5)
    assert (seen == 1).all()


def test_prediction_reports_every_tile_and_leaves_the_model_as_it_was() -> None:
    class Count(Progress):
        done = 0

        def begin(self, what: str, total: int) -> None:
            self.total = total

        def advance(self, steps: int = 1, **figures: float) -> None:
            self.done += steps

    model, progress = classifier().train(), Count()
    predict_logits(model, scene(20, 20)[0], tile=12, overlap=2, progress=progress)
    assert progress.done == progress.total == 4
    assert model.training


@pytest.mark.parametrize("view", range(COUNT))
def test_a_view_is_a_turn_of_the_image(view: int) -> None:
    model, image = classifier().double(), images(2, 5, 7, 6).double()
    torch.testing.assert_close(model(image, view), model(orient(image, view)))
