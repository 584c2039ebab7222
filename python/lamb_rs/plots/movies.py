"""Animations as GIF files and as self-contained HTML pages."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs.plots._matplotlib import COLOURS, need
from lamb_rs.plots.animations import MILLISECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lamb_rs.plots.animations import Race

# Milliseconds that a GIF shows its last picture.
_REST = 2000
# An index of the palette that no color uses.
_CLEAR = 255
_NEAR = 8


@dataclass(frozen=True)
class Movie:
    """The pictures of an animation.

    Attributes
    ----------
    title : str
        Caption on the page, as plain text.
    pictures : list of PIL.Image.Image
        All have the same size and palette.
    milliseconds : int
        Time between two pictures.
    """

    title: str
    pictures: list[Any]
    milliseconds: int

    def save(self, path: str | Path) -> None:
        """Write a GIF that repeats.

        Parameters
        ----------
        path : str or Path
            Overwritten if it exists.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        first, *others = self.pictures
        durations = [self.milliseconds] * len(others) + [_REST]
        first.save(
            path, format="GIF", save_all=True, append_images=others, duration=durations, loop=0
        )


def record(race: Race, *, tick: Callable[[], object] = lambda: None) -> Movie:
    """Draw every picture of an animation once.

    Parameters
    ----------
    race : Race
        As `lamb_rs.plots.race` or `race_surface` returns it.
    tick : callable, default does nothing
        Called after each picture.

    Returns
    -------
    Movie
    """
    image = need("PIL.Image")
    canvas = race.figure.canvas
    moving = race.figure.findobj(lambda artist: artist.get_animated())
    moving.sort(key=lambda artist: artist.get_zorder())
    # Artists that do not move are drawn once; they are most of the work.
    canvas.draw()
    ground = canvas.copy_from_bbox(race.figure.bbox)
    frames = []
    for count in race.counts:
        race.show(count)
        canvas.restore_region(ground)
        for artist in moving:
            artist.axes.draw_artist(artist)
        frames.append(image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()))
        tick()
    palette = _palette(frames[-1])
    pictures = [frame.quantize(palette=palette, dither=image.Dither.NONE) for frame in frames]
    return Movie(race.title, pictures, MILLISECONDS)


def player(movies: Sequence[Movie], title: str = "Animations") -> str:
    """Return an HTML page that plays movies and needs no other file.

    Parameters
    ----------
    movies : sequence of Movie
        As `record` returns them.
    title : str, default "Animations"
        Title of the page.

    Returns
    -------
    str
    """
    parts = "\n".join(_part(movie) for movie in movies)
    page = Path(__file__).with_name("player.html").read_text(encoding="utf-8")
    return page.replace("<!-- title -->", html.escape(title)).replace("<!-- movies -->", parts)


def _palette(frame: Any) -> Any:
    """Return one palette for all pictures, so that colors do not flicker.

    The last picture contains every color that occurs. The colors of the lines are added
    unchanged, because they cover too small an area for the quantization to keep them.
    """
    image = need("PIL.Image")
    own = np.array([_channels(colour) for colour in ("#FFFFFF", *COLOURS)])
    found = frame.quantize(_CLEAR - len(own), dither=image.Dither.NONE).getpalette()
    ground = np.array(found).reshape(-1, 3)[: _CLEAR - len(own)]
    # Colors close to one of them are dropped, since they could be used in its place.
    far = np.abs(ground[:, None] - own).max(axis=2).min(axis=1) > _NEAR
    colours = np.concatenate([own, ground[far]])
    palette = image.new("P", (1, 1))
    # Full length: an index without a color could not be made transparent.
    palette.putpalette(np.resize(colours, (_CLEAR + 1, 3)).ravel().tolist())
    return palette


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _part(movie: Movie) -> str:
    pictures = "\n".join(
        f'    <img alt="" src="data:image/png;base64,{_base64(picture)}">'
        for picture in _changes(movie.pictures)
    )
    words = html.escape(movie.title)
    width, height = movie.pictures[0].size
    return (
        f'<figure data-milliseconds="{movie.milliseconds}">\n'
        f"  <figcaption>{words}</figcaption>\n"
        f'  <canvas width="{width}" height="{height}" role="img" aria-label="{words}"></canvas>\n'
        f'  <div class="pictures">\n{pictures}\n  </div>\n'
        '  <div class="controls">\n'
        '    <button type="button">Pause</button>\n'
        f'    <input type="range" min="0" max="{len(movie.pictures) - 1}" value="0" '
        'aria-label="picture">\n'
        "  </div>\n"
        "</figure>"
    )


def _changes(pictures: list[Any]) -> Iterator[Any]:
    """Yield the first picture, then only the changed pixels of each next one."""
    image = need("PIL.Image")
    yield pictures[0]
    for before, after in pairwise(pictures):
        old, new = np.asarray(before), np.asarray(after)
        change = image.fromarray(np.where(old == new, np.uint8(_CLEAR), new))
        change.putpalette(after.getpalette())
        change.info["transparency"] = _CLEAR
        yield change


def _base64(picture: Any) -> str:
    data = io.BytesIO()
    picture.save(data, format="PNG", optimize=True)
    return base64.b64encode(data.getvalue()).decode("ascii")
