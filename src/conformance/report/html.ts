import { escaped } from './junit.ts';
import { blocks, tally, type Report, type Result } from './report.ts';
import { groups, score, verdict, waiverText } from './text.ts';

const marks = { pass: 'pass', fail: 'fail', unverified: 'unverified', 'not-applicable': 'not applicable' } as const;

const style = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); --good: #1a7f37; --bad: #c2210f; --open: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff7b72; --open: #d4a72c; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.verdict { font-size: 1.25rem; font-weight: 600; } .good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .4rem .6rem .4rem 0; border-top: 1px solid var(--line); }
td.id { font-family: ui-monospace, monospace; font-size: .9rem; white-space: nowrap; } td.ms { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.more { margin: .25rem 0 0; font-size: .95rem; } .more b { font-weight: 600; }
`;

/** The report as one page that needs nothing else. */
export function reportHtml(report: Report): string {
  const { product, version, contract, hash, tier, system, at, ms, results, admitted, only } = report;
  const counts = tally(results);
  const facts = [
    ['Adapter', `${product} ${version}`],
    ['Contract', contract],
    ['Against', system ?? 'a system that does not tell its name'],
    ['Tier', tier === 'live' ? 'live: the city’s own test system' : 'kit: a simulated system'],
    ['When', `${at} (${(ms / 1000).toFixed(1)} s)`],
    ['Code (SHA-256)', hash.code],
    ['Config schema (SHA-256)', hash.config],
    ...(only ? [['Only', only.join(', ')]] : []),
  ];
  const sum = `${counts.pass} pass, ${counts.fail} fail, ${counts.unverified} unverified, ${counts['not-applicable']} not applicable`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(`Conformance of ${product} ${version}`)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escaped(`Conformance of ${product} ${version}`)}</h1>
<p class="verdict ${admitted ? 'good' : 'bad'}">${escaped(verdict(report))}</p>
<p>${sum}</p>
<dl>${facts.map(([name, fact]) => `<dt>${escaped(name ?? '')}</dt><dd>${escaped(fact ?? '')}</dd>`).join('')}</dl>
${[...groups(results)].map(([group, ones]) => section(group, ones)).join('\n')}
</body>
</html>
`;
}

const section = (group: string, results: readonly Result[]): string => `<h2>${escaped(group)} <small>${score(results)}</small></h2>
<table>
<thead><tr><th scope="col">Check</th><th scope="col">Status</th><th scope="col">Promise</th><th scope="col">Time</th></tr></thead>
<tbody>
${results.map(row).join('\n')}
</tbody>
</table>`;

function row(result: Result): string {
  const { id, level, title, finding, ms } = result;
  const tone = finding.status === 'pass' ? 'good' : finding.status === 'fail' ? 'bad' : finding.status === 'unverified' ? 'open' : '';
  const waiver = waiverText(result);
  const said =
    finding.status === 'fail'
      ? [
          `<b>Expected:</b> ${escaped(finding.expected)}`,
          `<b>Got:</b> ${escaped(finding.got)}`,
          `<b>Remedy:</b> ${escaped(finding.remedy)}`,
        ]
      : finding.status === 'unverified'
        ? [`<b>Because:</b> ${escaped(finding.because)}`, `<b>Remedy:</b> ${escaped(finding.remedy)}`]
        : finding.status === 'not-applicable'
          ? [escaped(finding.because)]
          : [];
  const more = [...said, ...(waiver ? [`<b>Waiver:</b> ${escaped(waiver)}`] : [])].map((text) => `<p class="more">${text}</p>`).join('');
  const soft = level === 'SHOULD' && !blocks(result) && finding.status === 'fail' ? ' (SHOULD)' : '';
  return `<tr><td class="id">${escaped(id)}</td><td class="${tone}">${marks[finding.status]}${soft}</td><td>${escaped(title)}${more}</td><td class="ms">${ms} ms</td></tr>`;
}
