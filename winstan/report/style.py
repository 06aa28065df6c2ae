"""The style of a report's page: narrow and wide screens, light and dark, and paper."""

CSS = """
:root { color-scheme: light dark; --text: #1b1b1b; --soft: #555; --line: #ccc; --back: #fff;
  --shade: #f4f4f4; --good: #00734f; --bad: #b34700; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8e8e8; --soft: #b0b0b0; --line: #555; --back: #16181b; --shade: #23262b;
    --good: #35c896; --bad: #ff9455; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1.25rem 4rem; background: var(--back);
  color: var(--text); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-bottom: .2rem;
  border-bottom: 1px solid var(--line); }
p, figure { margin: .6rem 0; }
.soft, figcaption, caption { color: var(--soft); font-size: .9rem; }
.verdict { border-left: 6px solid var(--good); background: var(--shade); padding: .7rem 1rem;
  margin: 1rem 0; }
.verdict.bad { border-color: var(--bad); }
.verdict.bad strong { color: var(--bad); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; text-align: left; padding-top: .3rem; }
th, td { padding: .22rem .7rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; overflow-wrap: normal; }
thead th { border-bottom: 2px solid var(--line); }
tbody th, td.text, th.text { text-align: left; font-weight: normal; }
td.text { white-space: normal; min-width: 9rem; }
code, pre { font: .88em/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
pre { background: var(--shade); padding: .8rem; overflow-x: auto; overflow-wrap: normal; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; padding: .5rem;
  border: 1px solid var(--line); }
nav a { margin-right: 1rem; color: inherit; white-space: nowrap; }
li { margin: .25rem 0; }
@media print {
  :root { color-scheme: light; --text: #000; --soft: #333; --line: #999; --back: #fff;
    --shade: #fff; --good: #00734f; --bad: #b34700; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, #program { display: none; }
  h2 { break-after: avoid; }
  figure, .verdict, tr { break-inside: avoid; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  th, td { white-space: normal; padding: .15rem .4rem; }
  figure img { border: none; padding: 0; max-width: 13cm; max-height: 20cm; }
}
"""
