"""Draws references as an HTML page: no script, no font, no address; light or dark as the reader's system is."""

from collections.abc import Sequence
from html import escape
from math import isnan

from agent.baselines.bars import Bars, bars
from agent.reference_view import FeatureView, ReferenceView, StateView, summary
from agent.terminal import clean

WIDTH, HEIGHT = 320, 72
_STEPS, _MOST_LABELS = 48, 12
_GAP = 1

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1b1f;--soft:#5f6368;--rule:#d7dae0;--bar:#0b62c4;--ground:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6ea;--soft:#a0a4ab;--rule:#3a3d44;--bar:#6cb2ff;--ground:#16171a}}
body{font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--ground);margin:24px auto;max-width:1080px;padding:0 16px}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:32px 0 4px}p{margin:4px 0}.soft{color:var(--soft)}
.features{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:18px 24px;margin-top:14px}
h3{font-size:14px;margin:0 0 4px;overflow-wrap:anywhere}figure{margin:0;border-top:1px solid var(--rule);padding-top:8px}
svg{width:100%;height:auto;display:block}.bar{fill:var(--bar)}.axis{stroke:var(--rule)}text{font-size:10px;fill:var(--soft)}
dl{display:grid;grid-template-columns:auto 1fr;gap:0 10px;margin:6px 0 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
li{margin:2px 0}
""".replace("\n", "")


def page(title: str, parts: Sequence[tuple[str, Sequence[str], StateView]]) -> str:
    """Return the whole page; each part is a heading, lines below it, and what it shows."""
    body = "\n".join(_part(heading, lines, seen) for heading, lines, seen in parts)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{_safe(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><h1>{_safe(title)}</h1>\n{body}\n</body></html>\n'


def _part(heading: str, lines: Sequence[str], seen: StateView) -> str:
    told = "".join(f'<p class="soft">{_safe(line)}</p>' for line in lines)
    aside = "".join(f'<p class="soft">not watched: {_safe(f"{name} ({reason})")}</p>' for name, reason in seen.aside)
    drawn = "\n".join(_reference(one) for one in seen.references) or "<p>nothing fixed yet: fewer than 2,000 rows</p>"
    return f"<section><h2>{_safe(heading)}</h2>{told}{aside}\n{drawn}</section>"


def _reference(one: ReferenceView) -> str:
    lines = "".join(f"<p>{_safe(line.strip())}</p>" for line in summary(one))
    usual = f'<p class="soft">What is seen, and the lines, are those of a window of {one.rows} rows.</p>' if one.rows else ""
    days = "".join(f"<li>{_safe(entry)}</li>" for entry in one.deciding)
    deciding = f"<p>Most unusual windows of the reference itself:</p><ul>{days}</ul>" if days else ""
    features = "\n".join(_feature(feature) for feature in one.features)
    return f'{lines}{usual}{deciding}\n<div class="features">\n{features}\n</div>'


def _feature(one: FeatureView) -> str:
    shown = bars(one.known, one.counts, _STEPS if one.known.measured_as == "numeric" else _MOST_LABELS)
    facts = {
        "missing": "no rows" if isnan(one.missing) else _share(one.missing),
        "sees": one.sees or "nothing: blind",
        "line": "none" if isnan(one.line) else f"{one.line:.4g} ({one.test})",
    }
    listed = "".join(f"<dt>{name}</dt><dd>{_safe(value)}</dd>" for name, value in facts.items())
    return f"<figure><h3>{_safe(one.known.name)}</h3>{svg(one.known.name, shown)}<dl>{listed}</dl></figure>"


def svg(name: str, shown: Bars) -> str:
    """Return a picture of the bars; each says its share when it is pointed at."""
    top, number = max(shown.shares, default=0.0), max(len(shown.shares), 1)
    base, step = HEIGHT - 14, WIDTH / number
    parts = [f'<line class="axis" x1="0" x2="{WIDTH}" y1="{base + 0.5}" y2="{base + 0.5}"/>']
    for place, share in enumerate(shown.shares):
        high = share / top * (base - 2) if top else 0.0
        words = _share(share) if shown.numeric else f"{shown.labels[place]}: {_share(share)}"
        at = f'x="{place * step:.1f}" y="{base - high:.1f}" width="{max(step - _GAP, 0.5):.1f}" height="{high:.1f}"'
        parts.append(f'<rect class="bar" {at}><title>{_safe(words)}</title></rect>')
    parts += _axis(shown, step)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_safe(f"distribution of {name}")}">{"".join(parts)}</svg>'


def _axis(shown: Bars, step: float) -> list[str]:
    if not shown.shares:
        return [f'<text x="{WIDTH / 2}" y="{HEIGHT / 2}" text-anchor="middle">no value</text>']
    if shown.numeric:
        ends = (("0", "start", shown.labels[0]), (str(WIDTH), "end", shown.labels[1]))
        return [f'<text x="{x}" y="{HEIGHT - 2}" text-anchor="{anchor}">{_safe(label)}</text>' for x, anchor, label in ends]
    room = max(int(step / 5.5), 1)
    return [
        f'<text x="{(place + 0.5) * step:.1f}" y="{HEIGHT - 2}" text-anchor="middle">{_safe(label[:room])}</text>'
        for place, label in enumerate(shown.labels)
    ]


def _share(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _safe(text: str) -> str:
    return escape(clean(text))
