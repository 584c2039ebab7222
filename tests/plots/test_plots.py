"""Figures and animations: lines, texts, and edges."""

from __future__ import annotations

import base64
import importlib.util
import io
import re
import struct
from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import plots

FUNCTIONS = [
    plots.rosenbrock,
    plots.beale,
    plots.himmelblau,
    plots.rastrigin,
    plots.ravine,
    plots.saddle,
]
each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one.name)
COARSE = 3
needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None,
    reason='matplotlib is not installed: pip install "lamb_rs[demo]"',
)


def png_size(figure: Any) -> tuple[int, int]:
    """Draw a figure at a third of its resolution; width and height in pixels at the whole."""
    data = io.BytesIO()
    figure.set_dpi(120 // COARSE)
    figure.savefig(data, format="png", dpi=figure.dpi)
    head = data.getvalue()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">2I", head[16:])
    return COARSE * width, COARSE * height


def texts(figure: Any) -> list[str]:
    """Everything that is written in a figure."""
    from matplotlib.text import Text  # noqa: PLC0415

    return [artist.get_text() for artist in figure.findobj(Text) if artist.get_text()]


def check_figure(figure: Any, *wanted: str) -> None:
    """A picture of sane size, with nothing written outside its edges."""
    width, height = png_size(figure)
    assert 400 <= width <= 2500
    assert 400 <= height <= 4000
    written = texts(figure)
    for words in wanted:
        assert any(words in text for text in written), (words, written)
    renderer = figure.canvas.get_renderer()
    for legend in figure.legends:
        box = legend.get_window_extent(renderer)
        assert -1 <= box.x0 <= box.x1 <= figure.bbox.width + 1
        assert -1 <= box.y0 <= box.y1 <= figure.bbox.height + 1
    for axes in figure.axes:
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
            if axes.get_visible() and text.get_text():
                box = text.get_window_extent(renderer)
                assert -1 <= box.x0 <= box.x1 <= figure.bbox.width + 1, text
                assert -1 <= box.y0 <= box.y1 <= figure.bbox.height + 1, text


def history(layers: int) -> plots.History:
    params = {f"layer_{n}": np.full((3, 2), n + 1, np.float32) for n in range(layers)}
    optimizer = lamb_rs.Lamb(0.1)
    optimizer.exclude_from_layer_adaptation(var_names=["layer_0$"])
    optimizer.build(params)
    found = plots.History(optimizer)
    for _ in range(5):
        optimizer.apply({name: np.ones_like(array) for name, array in params.items()})
        found.record()
    return found


def paths(function: plots.PlaneFunction) -> list[plots.Trajectory]:
    optimizers = [lamb_rs.SGD(1e-3), lamb_rs.Adam(0.05), lamb_rs.SGD(1e3), lamb_rs.Lion(0.01)]
    return [
        plots.descend(function, one, steps=12, label=f"path {n}")
        for n, one in enumerate(optimizers)
    ]


@needs_matplotlib
@pytest.mark.parametrize("function", [plots.rosenbrock, plots.saddle], ids=lambda one: one.name)
@pytest.mark.parametrize("draw", [plots.contour, plots.surface])
def test_functions_are_drawn(draw: Any, function: plots.PlaneFunction) -> None:
    figure = draw(function, paths(function))
    check_figure(figure, function.name, "path 0, rate 0.001: ", "path 3, rate 0.01: ", "path 1")
    assert [axes.get_ylabel() for axes in figure.axes].count("value") == 1  # the color bar
    lines = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 1]
    assert len(lines) == len({line.get_color() for line in lines}) == 4


@needs_matplotlib
@each_function
def test_formulas_are_plain_text(function: plots.PlaneFunction) -> None:
    from lamb_rs.plots.trajectories import heading  # noqa: PLC0415

    assert function.formula
    assert not set("$\\{}_^") & set(heading(function))


@needs_matplotlib
@pytest.mark.parametrize("draw", [plots.contour, plots.surface])
def test_functions_are_drawn_alone(draw: Any) -> None:
    check_figure(draw(plots.beale), "Beale", "minimum")
    check_figure(draw(plots.saddle, title="mine"), "mine")


@needs_matplotlib
@pytest.mark.parametrize("count", [1, 4, 11])
def test_panels_are_drawn(count: int) -> None:
    some = (paths(plots.beale) * 3)[:count]
    check_figure(
        plots.panels(plots.beale, some), "Beale", "path 0\nrate 0.001, value ", "after 12 updates"
    )
    check_figure(plots.panels(plots.saddle, some[:2], title="mine"), "mine", "start")


@needs_matplotlib
def test_landscapes_are_drawn() -> None:
    steps = np.linspace(-1, 1, 5)
    for scale in (1.0, 1e4):
        losses = scale * (steps[:, None] ** 2 + steps**2) + 0.1
        losses[0, 0] = np.inf
        found = plots.Landscape(steps, losses)
        check_figure(plots.landscape_contour(found), "loss 0.1", "first direction")
        check_figure(plots.landscape_surface(found, title="mine"), "mine", "second direction")


@needs_matplotlib
@pytest.mark.parametrize("draw", [plots.landscape_contour, plots.landscape_surface])
def test_paths_are_drawn_on_landscapes(draw: Any) -> None:
    steps = np.linspace(-3, 3, 7)
    losses = np.add.outer(steps**2, (steps - 2) ** 2)
    path = np.array([[-4.0, 0.0], [-2.0, 1.0], [0.0, 0.0]])
    found = plots.Landscape(
        steps, losses, (-2.0, 0.0), path, ("one, 80 % of the variance", "two"), trained=0.25
    )
    figure = draw(found)
    check_figure(figure, "one", "80 %", "path of the training", "start", "loss 0.25")
    line = next(one for one in figure.axes[0].get_lines() if one.get_label().startswith("path"))
    if draw is plots.landscape_contour:
        assert np.array_equal(np.array(line.get_data()).T, path)
    else:
        # On the grid, the surface at a point of the path is the loss there.
        assert line.get_data_3d()[2] == pytest.approx(np.log1p([16 + 0, 4 + 1, 0 + 0]))


@needs_matplotlib
@pytest.mark.parametrize("layers", [2, 8, 9, 40])
def test_trust_ratios_are_drawn(layers: int) -> None:
    figure = plots.trust_ratios(history(layers))
    check_figure(figure, "Trust ratio per layer, learning rate 0.1", "layer_1")
    if layers > 9:
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert labels == [f"layer_{n}" for n in range(1, layers)]


@needs_matplotlib
def test_learning_rates_are_drawn() -> None:
    scans = [
        plots.Scan(f"one {n}", np.array([0.01, 0.1, 1]), np.array([1.0, 0.5 + n, np.inf]))
        for n in range(9)
    ]
    for draw in (plots.learning_rates, plots.learning_rate_panels):
        check_figure(draw(scans, initial_loss=2.0), "one 0", "one 8", "learning rate")
        check_figure(draw(scans[:1], title="mine"), "mine")
        lost = plots.Scan("lost", np.array([1.0, 2.0]), np.array([np.inf, np.inf]))
        check_figure(draw([lost]), "lost")


@needs_matplotlib
def test_lines_can_be_told_apart() -> None:
    rates, losses = np.array([0.1, 1.0]), np.array([1.0, 0.5])
    figure = plots.learning_rates([plots.Scan(f"one {n}", rates, losses) for n in range(36)])
    lines = [line for line in figure.axes[0].lines if line.get_label().startswith("one ")]
    colours = {line.get_color() for line in lines}
    assert len(lines) == len(colours) == 36
    for colour in colours:
        assert re.fullmatch("#[0-9A-F]{6}", colour)


@needs_matplotlib
@pytest.mark.parametrize("draw", [plots.race, plots.race_surface])
def test_races_are_recorded(draw: Any, tmp_path: Any) -> None:
    from PIL import Image, ImageChops  # noqa: PLC0415

    ticks: list[int] = []
    race = draw(plots.saddle, paths(plots.saddle), frames=5)
    assert race.counts == [0, 3, 6, 9, 12]
    movie = plots.record(race, tick=lambda: ticks.append(1))
    assert len(ticks) == len(movie.pictures) == 5
    movie.save(tmp_path / "race.gif")
    with Image.open(tmp_path / "race.gif") as read:
        assert read.n_frames == 5
        assert read.size == tuple(100 * np.array(race.figure.get_size_inches()))
        assert read.info["loop"] == 0
        for index, picture in enumerate(movie.pictures):
            read.seek(index)
            wanted = picture.convert("RGB")
            assert ImageChops.difference(read.convert("RGB"), wanted).getbbox() is None
    page = plots.player([movie, movie], "Two & more")
    assert page.count("data:image/png;base64,") == 10
    assert "<title>Two &amp; more</title>" in page
    assert 'src="http' not in page
    assert "$" not in page.partition("<script>")[0]  # no TeX in the captions
    assert "<figcaption>Saddle point: x² − y²</figcaption>" in page
    assert "value" in [axes.get_ylabel() for axes in race.figure.axes]
    legend = [text.get_text() for text in race.figure.legends[0].get_texts()]
    assert "path 1, rate 0.05" in legend
    again = plots.record(draw(plots.saddle, paths(plots.saddle), frames=5))
    assert plots.player([again, again], "Two & more") == page


@needs_matplotlib
def test_pictures_of_a_page_are_what_changed() -> None:
    from PIL import Image  # noqa: PLC0415

    movie = plots.record(plots.race(plots.beale, paths(plots.beale), frames=4))
    page = plots.player([movie], "a title")
    pictures = re.findall('src="data:image/png;base64,(.*?)"', page)
    shown = None
    for picture, wanted in zip(pictures, movie.pictures, strict=True):
        with Image.open(io.BytesIO(base64.b64decode(picture))) as read:
            layer = read.convert("RGBA")
        shown = layer if shown is None else Image.alpha_composite(shown, layer)
        assert shown.convert("RGB").tobytes() == wanted.convert("RGB").tobytes()


@needs_matplotlib
def test_a_race_is_an_animation_of_matplotlib_too(tmp_path: Any) -> None:
    race = plots.race(plots.beale, paths(plots.beale), frames=3)
    race.animation().save(tmp_path / "race.gif", writer="pillow")
    assert (tmp_path / "race.gif").read_bytes()[:6] == b"GIF89a"
