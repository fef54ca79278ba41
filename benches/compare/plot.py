"""How do the CPU figures look as bars? An SVG that is legible on light and on dark pages, made by hand."""

import statistics
from html import escape

from plan import FASTAPI, GATEPASS
from rows import Sample

WIDTH, LEFT, RIGHT, TOP, STEP, BAR = 760, 290, 90, 62, 28, 18
STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de }
  text { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .small { font-size: 12px; fill: #59636e }
  .theirs { fill: #8c959f }
  .ours { fill: #0969da }
  .bold { font-weight: 600 }
  .gap { stroke: #ffffff; stroke-width: 4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d }
    text { fill: #f0f6fc }
    .small { fill: #9198a1 }
    .theirs { fill: #656c76 }
    .ours { fill: #4493f8 }
    .gap { stroke: #0d1117 }
  }
"""


def bars(samples: dict[str, list[Sample]]) -> str:
    """One bar for each way through a proxy; an application's, many times as long, is cut."""
    found = {name: statistics.median(one.cpu_micros for one in rounds) for name, rounds in samples.items()}
    found = {name: value for name, value in found.items() if value}
    longest = max(value for name, value in found.items() if name != FASTAPI)
    height = TOP + STEP * len(found) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        "<title>CPU time of a request through Gatepass and its neighbours</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        '<text class="title" x="16" y="28">CPU time of a proxied request, in microseconds</text>',
        '<text class="small" x="16" y="47">one core; shorter is better; Gatepass writes an access log unless it says otherwise, the others write none</text>',
    ]
    for number, (name, value) in enumerate(found.items()):
        y = TOP + STEP * number
        room = WIDTH - LEFT - RIGHT
        cut = value > longest
        width = room if cut else room * value / longest
        ours = name.startswith("Gatepass")
        bold = ' class="bold"' if name == GATEPASS else ""
        parts.append(f'<text{bold} x="{LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        parts.append(
            f'<rect class="{"ours" if ours else "theirs"}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        )
        if cut:
            middle = LEFT + room * 0.9
            parts.append(f'<path class="gap" d="M{middle:.1f} {y + BAR + 3} l8 -{BAR + 6}"/>')
        parts.append(f'<text{bold} x="{LEFT + width + 8:.1f}" y="{y + 14}">{value:.1f}</text>')
    parts.append(
        f'<text class="small" x="16" y="{height - 14}">Compare within this run only; benches/compare/RESULTS.md has the'
        " machine, versions and ratios.</text>"
    )
    return "\n".join([*parts, "</svg>", ""])
