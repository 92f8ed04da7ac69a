import { blocks, tally, type Report, type Result } from './report.ts';

const marks = { pass: 'pass', fail: 'FAIL', unverified: 'UNVERIFIED', 'not-applicable': 'n/a' } as const;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** The first part of a check's id, for example `submit`. */
export const groupOf = ({ id }: Pick<Result, 'id'>): string => id.split('.')[0] ?? id;

/** Results by group, in the order of the checks. */
export const groups = (results: readonly Result[]): ReadonlyMap<string, readonly Result[]> => Map.groupBy(results, groupOf);

/** `7/9`, or `n/a` where nothing of the group applies. */
export function score(results: readonly Result[]): string {
  const applicable = results.filter(({ finding }) => finding.status !== 'not-applicable');
  return applicable.length === 0 ? 'n/a' : `${applicable.filter(({ finding }) => finding.status === 'pass').length}/${applicable.length}`;
}

/** What the person who reads it decides by. */
export function verdict({ results, admitted, only }: Report): string {
  if (only) return 'A PART OF THE CHECKS: ADMITS NOBODY';
  const waived = results.filter((result) => result.waiver && !result.waiver.expired && result.finding.status !== 'pass').length;
  if (!admitted) return 'NOT ADMITTED';
  return waived > 0 ? `ADMITTED, with ${waived} waived` : 'ADMITTED';
}

export const waiverText = ({ waiver }: Result): string | null =>
  waiver ? `waived by ${waiver.owner} until ${waiver.expires}${waiver.expired ? ' (EXPIRED)' : ''}: ${waiver.reason}` : null;

/** The report for a terminal. */
export function reportText(report: Report): string {
  const { product, version, hash, system, tier, at, contract, results, ms } = report;
  const counts = tally(results);
  const head = [
    `Conformance, contract ${contract}   ${product} ${version} (sha256 ${hash.code.slice(0, 8)}…)   against ${system ?? 'a system that does not tell its name'}   tier ${tier}   ${at.slice(0, 16)}Z`,
    [...groups(results)].map(([group, ones]) => `${group} ${score(ones)}`).join('  '),
  ];
  const lines = results
    .filter((result) => result.finding.status === 'fail' || result.finding.status === 'unverified' || result.waiver)
    .flatMap(resultLines);
  const sum = `${counts.pass} pass  ${counts.fail} fail  ${counts.unverified} unverified  ${counts['not-applicable']} n/a  in ${seconds(ms)}  -> ${verdict(report)}`;
  return [...head, '', ...lines, ...(lines.length > 0 ? [''] : []), sum].join('\n');
}

function resultLines(result: Result): readonly string[] {
  const { id, level, finding, ms } = result;
  const said =
    finding.status === 'fail'
      ? [`      expected ${finding.expected}`, `      got ${finding.got}`, `      -> ${finding.remedy}`]
      : finding.status === 'unverified'
        ? [`      ${finding.because}`, `      -> ${finding.remedy}`]
        : [];
  const waiver = waiverText(result);
  const soft = level === 'SHOULD' && !blocks(result) ? '  (SHOULD: does not keep it out)' : '';
  return [`${marks[finding.status].padEnd(11)} ${id}   ${seconds(ms)}${soft}`, ...said, ...(waiver ? [`      ${waiver}`] : [])];
}
