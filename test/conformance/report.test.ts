import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, onTestFinished, test } from 'vitest';
import { reportHtml, reportJunit, reportText, runConformance, type Report } from '../../src/conformance/conformance.ts';
import { createRun } from '../../src/conformance/run.ts';
import { createStack } from '../kit/stack.ts';
import broken from './broken/check.healthy.ts';
import { startOffice } from './office.ts';
import { officeSubject } from './subject.ts';

const opened = createStack();
const waiver = { check: 'check.healthy', owner: 'Amt <10>', reason: 'Das Haus wechselt im März', expires: '2026-12-31' };

async function reportAt(day: string): Promise<Report> {
  const office = opened(await startOffice());
  return runConformance(officeSubject(office, broken), { only: ['check.healthy', 'def.*'], waivers: [waiver], now: () => new Date(day) });
}

describe('a waiver', () => {
  test('is shown, leaves its line red, and keeps nobody out before it expires', async () => {
    const report = await reportAt('2026-12-31T12:00:00Z');
    const text = reportText(report);
    expect(text).toContain('FAIL        check.healthy');
    expect(text).toContain('waived by Amt <10> until 2026-12-31: Das Haus wechselt im März');
    expect(report.waivers).toEqual([{ check: 'check.healthy', expires: '2026-12-31' }]);
    expect(reportJunit(report)).toContain('failures="0"');
  });

  test('is a failure the day after', async () => {
    const report = await reportAt('2027-01-01T00:00:00Z');
    expect(reportText(report)).toContain('until 2026-12-31 (EXPIRED)');
    expect(reportJunit(report)).toContain('failures="1"');
  });
});

describe('a report', () => {
  test('of a part of the checks admits nobody', async () => {
    const report = await reportAt('2026-11-24T00:00:00Z');
    expect(report).toMatchObject({
      admitted: false,
      only: ['check.healthy', 'def.*'],
      product: 'good',
      contract: '1.0',
      system: 'Test Office 1.0',
    });
    expect(reportText(report)).toContain('ADMITS NOBODY');
  });

  test('is not made of an adapter whose files changed while the kit ran', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'staedtebund-report-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'index.ts');
    writeFileSync(file, 'export default 1;\n');
    const office = opened(await startOffice());
    const run = createRun({ ...officeSubject(office), module: pathToFileURL(file).href });
    expect(await run.report()).toMatchObject({ product: 'good' });
    writeFileSync(file, 'export default 2;\n');
    await expect(run.report()).rejects.toThrow('changed while the kit ran');
  });

  test('is well-formed XML for build servers, whatever is in its words', async () => {
    const xml = reportJunit(await reportAt('2027-01-01T00:00:00Z'));
    expect(XMLValidator.validate(xml)).toBe(true);
    const { testsuites } = new XMLParser({ ignoreAttributes: false }).parse(xml) as { testsuites: { testsuite: { testcase: object[] } } };
    expect(testsuites.testsuite.testcase).toHaveLength(4);
  });

  test('is a page without anything from elsewhere and without markup from the words in it', async () => {
    const html = reportHtml(await reportAt('2026-11-24T00:00:00Z'));
    expect(html).toContain('Amt &lt;10&gt;');
    expect(html).not.toMatch(/<script|<link|https?:\/\//);
  });
});
