/** The style sheet, as it is served: one accent, a short type scale, both colour schemes. */
export const style = `
:root {
  color-scheme: light dark;
  --bg: #f6f7f9; --surface: #fff; --sunken: #f6f7f9; --line: #e3e5ea; --line-strong: #c3c7d1; --field: #868c9b;
  --text: #1a1c23; --muted: #5a6070; --placeholder: #6b7180; --accent: #4a42d6; --accent-hover: #3a32bf; --on-accent: #fff; --accent-soft: #eeedfc;
  --ok: #0b6b3a; --ok-soft: #e2f5ea; --bad: #b3261e; --bad-soft: #fdebe9; --wait: #7a5200; --wait-soft: #fcf1d9;
  --off: #565b69; --off-soft: #eceef2; --run: #4a42d6; --run-soft: #eeedfc;
  --shadow: 0 1px 2px rgb(16 18 27 / .05);
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #0f1014; --surface: #17181e; --sunken: #101116; --line: #2a2c35; --line-strong: #474a57; --field: #666a79;
    --text: #eceef3; --muted: #a3a8b8; --placeholder: #8f94a4; --accent: #a5a0ff; --accent-hover: #bdb9ff; --on-accent: #14132b; --accent-soft: #26244a;
    --ok: #74dba3; --ok-soft: #12301f; --bad: #ff9f96; --bad-soft: #3b1815; --wait: #efc36b; --wait-soft: #332710;
    --off: #b2b7c5; --off-soft: #262933; --run: #b4b0ff; --run-soft: #26244a; --shadow: none;
  }
}
*, ::before, ::after { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--bg); color: var(--text); font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
h1, h2, h3, p, ul, ol, dl, dd, figure, pre { margin: 0; padding: 0 }
ul, ol { list-style: none }
h1 { font-size: 22px; line-height: 1.25; letter-spacing: -.01em; overflow-wrap: anywhere }
h1 .mono { font-size: 18px }
h2 { font-size: 15px; line-height: 1.4 }
h3 { font-size: 14px; font-weight: 600; overflow-wrap: anywhere }
a { color: var(--accent); text-decoration: none }
a:hover { text-decoration: underline }
p a, .hint a { text-decoration: underline; text-underline-offset: 2px }
code, .mono { font-family: var(--mono); font-size: .93em }
.narrow { display: none }
.muted { color: var(--muted) } .small { font-size: 13px } .break { overflow-wrap: anywhere }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.num { text-align: right; font-variant-numeric: tabular-nums }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px }
main:focus-visible { outline: none }
.skip { position: absolute; left: 8px; top: -60px; z-index: 2; padding: 8px 12px; background: var(--surface); border-radius: 6px }
.skip:focus { top: 8px }

.shell { display: grid; grid-template-columns: 216px minmax(0, 1fr); min-height: 100vh }
.side { position: sticky; top: 0; height: 100vh; display: flex; flex-direction: column; gap: 20px; padding: 20px 12px; border-right: 1px solid var(--line); background: var(--surface) }
.brand { display: inline-flex; align-items: center; gap: 8px; padding: 0 8px; color: var(--text); font-weight: 650; font-size: 16px; letter-spacing: -.01em }
.brand svg { color: var(--accent) } .brand:hover { text-decoration: none }
.side nav ul { display: grid; gap: 2px }
.side nav a { display: block; padding: 7px 10px; border-radius: 6px; color: var(--muted); font-weight: 500 }
.side nav a:hover { background: var(--sunken); color: var(--text); text-decoration: none }
.side nav a[aria-current] { background: var(--accent-soft); color: var(--accent) }
.who { margin-top: auto; display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px; padding: 0 8px } .who a { width: 100% }
.who strong { color: var(--text) }
main { padding: 28px 32px 64px; width: 100%; max-width: 1120px; display: grid; gap: 16px; align-content: start; grid-template-columns: minmax(0, 1fr) }
#live, .cards { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr) }
section { display: grid; gap: 12px; grid-template-columns: minmax(0, 1fr) }
.bare { min-height: 100vh; margin: 0 auto; max-width: 440px; align-content: center; gap: 20px; padding: 24px 16px }
.crumbs { margin-bottom: -12px; font-size: 13px }
.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 16px }
.head > :first-child { min-width: 0 }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: 8px }

.card { display: grid; gap: 14px; grid-template-columns: minmax(0, 1fr); padding: 18px 20px; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; box-shadow: var(--shadow) }
.card.table, .card:has(> .table:only-child) { padding: 0; overflow: auto }
.login.card { padding: 28px }
.empty { justify-items: center; text-align: center; gap: 4px; padding: 48px 24px }
.empty .title { font-size: 15px; font-weight: 600 } .empty p { max-width: 46ch }
.toolbar { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 12px }
.tabs ul { display: flex; flex-wrap: wrap; gap: 4px }
.tabs a { display: block; padding: 5px 10px; border-radius: 6px; border: 1px solid transparent; color: var(--muted); font-weight: 500 }
.tabs a:hover { background: var(--off-soft); text-decoration: none }
.tabs a[aria-current] { color: var(--text); background: var(--surface); border-color: var(--line-strong) }
.search { display: flex; gap: 8px } .search input { width: 210px } .search select { width: auto }
.pager { display: flex; gap: 8px; justify-content: flex-end }

table { width: 100%; border-collapse: collapse }
th, td { padding: 10px 16px; text-align: left; font-weight: 400; vertical-align: middle; white-space: nowrap }
.num { text-align: right }
thead th { padding-block: 8px; color: var(--muted); font-size: 12px; font-weight: 550; border-bottom: 1px solid var(--line); background: var(--sunken) }
tbody tr + tr > * { border-top: 1px solid var(--line) }
tbody tr:hover { background: var(--sunken) }
td.grow { width: 45% }
.card > .table:not(:only-child), details .table { border: 1px solid var(--line); border-radius: 8px; overflow: auto }
details > summary { cursor: pointer; color: var(--muted); font-weight: 500; width: fit-content }
details[open] > summary { margin-bottom: 12px }

.pill { display: inline-block; padding: 1px 8px; border-radius: 5px; font-size: 12.5px; font-weight: 500; line-height: 1.55; white-space: nowrap }
.ok.pill { color: var(--ok); background: var(--ok-soft) } .bad.pill { color: var(--bad); background: var(--bad-soft) }
.wait.pill { color: var(--wait); background: var(--wait-soft) } .run.pill { color: var(--run); background: var(--run-soft) }
.off.pill { color: var(--off); background: var(--off-soft) }

.bar { display: flex; align-items: center; gap: 12px; width: 100% }
.bar .number { min-width: 56px; text-align: right; font-variant-numeric: tabular-nums }
progress { --fill: var(--accent); appearance: none; flex: 1; min-width: 40px; height: 6px; border: 0; border-radius: 3px; overflow: hidden; background: var(--off-soft) }
progress.ok { --fill: var(--ok) } progress.bad { --fill: var(--bad) } progress.off { --fill: var(--off) } progress.wait { --fill: var(--wait) }
progress::-webkit-progress-bar { background: var(--off-soft) }
progress::-webkit-progress-value { background: var(--fill); border-radius: 3px; transition: inline-size .5s ease-out }
progress::-moz-progress-bar { background: var(--fill); border-radius: 3px }
.state { display: flex; align-items: center; gap: 14px }

.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(190px, 45%), 1fr)); gap: 12px 20px }
.facts div:has(.pairs) { grid-column: 1 / -1 } .pairs li + li { margin-top: 2px }
.facts dt { color: var(--muted); font-size: 12.5px } .facts dd { overflow-wrap: anywhere }
.notice { padding: 10px 14px; border-radius: 8px; border: 1px solid currentColor; overflow-wrap: anywhere }
.notice.ok { color: var(--ok); background: var(--ok-soft) } .notice.bad { color: var(--bad); background: var(--bad-soft) }
.notice.ok, #stale { position: sticky; top: 8px; z-index: 1 } article { scroll-margin-top: 84px }
.notice.long { max-height: 240px; overflow: auto }
.code { padding: 14px 16px; max-height: 340px; overflow: auto; background: var(--sunken); border: 1px solid var(--line); border-radius: 8px; font-size: 13px; line-height: 1.55 }
.code code { font-size: 1em } .code.wrap { white-space: pre-wrap; overflow-wrap: anywhere }

.attempts { display: grid; gap: 12px } .attempts li { display: grid; gap: 8px; grid-template-columns: minmax(0, 1fr) }
.attempts li + li { padding-top: 12px; border-top: 1px solid var(--line) }
.attempt { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px } .attempt .end { margin-left: auto }

.button { display: inline-flex; align-items: center; justify-content: center; min-height: 34px; padding: 5px 14px; border: 1px solid var(--line-strong); border-radius: 7px; background: var(--surface); color: var(--text); font: inherit; font-weight: 550; cursor: pointer; white-space: nowrap }
.button:hover { border-color: var(--muted); text-decoration: none }
.button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent) }
.button.primary:hover { background: var(--accent-hover); border-color: var(--accent-hover) }
.button.quiet { min-height: 28px; padding: 2px 8px; border-color: transparent; background: none; color: var(--muted); font-size: 13px }
.button.quiet:hover { color: var(--text); background: var(--off-soft) }
.button:disabled { opacity: .5; cursor: not-allowed }
.login .button { width: 100% }
.field { display: grid; gap: 4px; align-content: start; grid-template-columns: minmax(0, 1fr) }
label { font-weight: 550 } label .muted { font-weight: 400; font-size: 12.5px }
input, textarea, select { width: 100%; min-height: 34px; padding: 6px 10px; font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--field); border-radius: 7px }
input.mono, textarea.mono { font-family: var(--mono); font-size: 13px }
::placeholder { color: var(--placeholder); opacity: 1 }
[aria-invalid] { border-color: var(--bad) }
.hint { color: var(--muted); font-size: 12.5px } .fault { color: var(--bad); font-size: 13px }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)) auto; gap: 12px 16px; align-items: start }
.row .button { margin-top: 25px }
.halves { grid-template-columns: repeat(2, minmax(0, 1fr)) } .halves > :not(.half) { grid-column: 1 / -1 }
.split { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 16px; align-items: start }
.split aside { position: sticky; top: 20px }

.chart { display: grid; gap: 6px }
.plot { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 8px; height: 180px } .latency .plot { height: 90px }
.axis { display: flex; justify-content: space-between; color: var(--muted); font-size: 12px; font-variant-numeric: tabular-nums }
.axis.y { flex-direction: column; text-align: right; min-width: 46px; margin-block: -6px 9px } .latency .axis.y { margin-block: 0 } .axis.x { padding-left: 54px }
.chart svg { width: 100%; height: 100%; border-radius: 6px; background: var(--sunken) }
.chart path { fill: none; vector-effect: non-scaling-stroke }
.chart .grid { stroke: var(--line-strong); stroke-dasharray: 3 4 }
.chart .line { stroke: var(--accent); stroke-width: 2 } .chart .area { fill: var(--accent); fill-opacity: .12 }
.chart .good { fill: var(--accent) } .chart .poor { fill: var(--bad) }
.band-1 { fill: #6aa9e0; background: #6aa9e0 } .band-2 { fill: #b3b8c5; background: #b3b8c5 } .band-3 { fill: var(--accent); background: var(--accent) } .band-4 { fill: #45b3a8; background: #45b3a8 }
.band-ok { fill: var(--ok); background: var(--ok) } .band-bad { fill: var(--bad); background: var(--bad) }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; padding-left: 54px } .legend li { display: flex; align-items: center; gap: 6px; font-size: 13px }
.swatch { width: 10px; height: 10px; border-radius: 3px }

@media (max-width: 860px) {
  .shell { display: block }
  .side { position: static; height: auto; display: grid; grid-template-columns: 1fr auto; gap: 10px; padding: 12px 12px 0; border-right: 0; border-bottom: 1px solid var(--line) }
  .side nav { grid-column: 1 / -1; grid-row: 2 }
  .side nav ul { display: flex; gap: 0; overflow-x: auto }
  .side nav a { padding: 8px 10px 10px; border-radius: 0; border-bottom: 2px solid transparent }
  .side nav a[aria-current] { background: none; border-bottom-color: var(--accent) }
  .who { margin: 0 } .who a { display: none }
  main { padding: 20px 16px 48px }
  .split { grid-template-columns: minmax(0, 1fr) } .split aside { position: static }
}
@media (max-width: 640px) {
  .wide { display: none } .narrow { display: block }
  th, td { padding: 10px 6px } th:first-child, td:first-child { padding-left: 12px } th:last-child, td:last-child { padding-right: 12px }
  td time { white-space: normal } td .mono, tbody th .mono { font-size: 12px }
  .card { padding: 16px 14px }
  .search { width: 100% } .search input, .search select { flex: 1; width: auto; min-width: 0 }
  .tabs ul { flex-wrap: wrap }
  .button, input, select { min-height: 40px }
  .row { grid-template-columns: minmax(0, 1fr) } .row .button { margin-top: 0 }
  .legend { padding-left: 0 } .bar .number { min-width: 50px }
  h1 .mono { font-size: 15px } .state { align-items: flex-start; flex-direction: column; gap: 8px }
  td .bar { flex-direction: column-reverse; align-items: stretch; gap: 2px } td progress { flex: none; width: 100%; min-width: 60px } td .bar .number { text-align: left; font-size: 13px }
  .halves { grid-template-columns: minmax(0, 1fr) }
}
@media (forced-colors: active) {
  progress, .pill { border: 1px solid CanvasText } progress::-webkit-progress-value { forced-color-adjust: none; background: Highlight }
  .chart { forced-color-adjust: none }
}
@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { transition: none !important; animation: none !important }
}
`
