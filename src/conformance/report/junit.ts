import { blocks, type Report, type Result } from './report.ts';
import { groupOf, waiverText } from './text.ts';

/** Text inside XML, without the characters that XML 1.0 has no place for. */
export const escaped = (text: string): string =>
  text
    .replaceAll(/(?![\t\n\r])\p{Cc}|[\uFFFE\uFFFF]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

/** The report as JUnit XML: what keeps the adapter out is a failure, what does not is skipped. */
export function reportJunit({ product, version, results, at, ms }: Report): string {
  const failures = results.filter(blocks).length;
  const skipped = results.filter((result) => !blocks(result) && result.finding.status !== 'pass').length;
  const head = `name="${escaped(`conformance ${product} ${version}`)}" tests="${results.length}" failures="${failures}" skipped="${skipped}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite ${head} errors="0" timestamp="${at.slice(0, 19)}" time="${(ms / 1000).toFixed(3)}">`,
    ...results.flatMap(testcase),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testcase(result: Result): readonly string[] {
  const { id, title, finding, ms } = result;
  const open = `    <testcase classname="conformance.${escaped(groupOf(result))}" name="${escaped(`${id}: ${title}`)}" time="${(ms / 1000).toFixed(3)}"`;
  const words = wordsOf(result);
  if (blocks(result)) return [`${open}>`, `      <failure type="${finding.status}" message="${escaped(words)}"/>`, '    </testcase>'];
  if (finding.status === 'pass') return [`${open}/>`];
  return [`${open}>`, `      <skipped message="${escaped(words)}"/>`, '    </testcase>'];
}

/** What was found, on one line. */
function wordsOf(result: Result): string {
  const { finding } = result;
  const said = {
    pass: () => 'pass',
    fail: () => (finding.status === 'fail' ? `expected ${finding.expected}; got ${finding.got}; remedy: ${finding.remedy}` : ''),
    unverified: () => (finding.status === 'unverified' ? `unverified: ${finding.because}; remedy: ${finding.remedy}` : ''),
    'not-applicable': () => (finding.status === 'not-applicable' ? `not applicable: ${finding.because}` : ''),
  }[finding.status]();
  const waiver = waiverText(result);
  return waiver ? `${said} (${waiver})` : said;
}
