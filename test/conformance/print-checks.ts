import { readFileSync, writeFileSync } from 'node:fs';
import { checks } from '../../src/conformance/conformance.ts';

/** The page of the reference that lists the checks. */
export const page = new URL('../../docs/reference/conformance.md', import.meta.url);

const MARK = '<!-- checks -->';
const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

/** The page with its table as the checks are. */
export function withTable(text: string): string {
  const rows = checks.map(
    ({ id, level, title, remedy, port }) => `| \`${id}\` | ${level} | ${port ?? '–'} | ${cell(title)} | ${cell(remedy)} |`,
  );
  const table = ['| id | level | port | promise | remedy |', '|---|---|---|---|---|', ...rows].join('\n');
  return `${text.slice(0, text.indexOf(MARK) + MARK.length)}\n${table}\n`;
}

if (import.meta.main) writeFileSync(page, withTable(readFileSync(page, 'utf8')));
