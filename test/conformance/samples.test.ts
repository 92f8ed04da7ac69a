import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { complaintText } from '../../src/cities/load/complaint.ts';
import { readSamples, readWaivers } from '../../src/conformance/conformance.ts';

const folder = mkdtempSync(join(tmpdir(), 'samples-'));
afterAll(() => rmSync(folder, { recursive: true }));

const written = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const right = `services:
  - { key: '1', name: Eins, localKey: eins }
  - { key: '2', name: Zwei, localKey: zwei, formRevision: '7' }
valid:
  - service: '1'
    applicant: { name: Erika }
    formData: { a: 1 }
    attachments: [{ name: a.pdf, mediaType: application/pdf, base64: SGFsbG8= }]
invalid: []
advance:
  statuses: [open]
  run: ./move.sh {case}
count: { http: { url: 'http://127.0.0.1/{key}', at: /total } }
notifications: [{ at: 2026-11-20T10:00:00Z, headers: { a: b }, body: ü }]
`;

describe('samples', () => {
  test('are read with their defaults, contents as bytes', async () => {
    const samples = await readSamples(written('samples.yaml', right));
    expect(samples).toEqual({
      services: [
        { key: '1', name: 'Eins', localKey: 'eins', formRevision: '1' },
        { key: '2', name: 'Zwei', localKey: 'zwei', formRevision: '7' },
      ],
      valid: [
        {
          service: '1',
          applicant: { name: 'Erika' },
          formData: { a: 1 },
          attachments: [{ name: 'a.pdf', mediaType: 'application/pdf', bytes: new Uint8Array(Buffer.from('Hallo')) }],
        },
      ],
      invalid: [],
      advance: { run: './move.sh {case}', statuses: ['open'] },
      count: { http: { method: 'GET', headers: {}, url: 'http://127.0.0.1/{key}', at: '/total' } },
      notifications: [{ at: new Date('2026-11-20T10:00:00Z'), headers: { a: 'b' }, body: new TextEncoder().encode('ü') }],
    });
  });

  test.each([
    ['a misspelt name', 'unknownCase: "9"\n', 'unknwonCase: "9"\n', /:1:1 unknwonCase: .*Did you mean “unknownCase”/],
    ['a service nobody listed', "service: '1'", "service: '3'", /:5:\d+ valid\.0\.service: .*“3” is not a possible value.*1, 2/],
    ['a service twice', "key: '2'", "key: '1'", /:3:\d+ services\.1\.key: .*each service once/],
    ['no content', ', base64: SGFsbG8=', '', /:8:\d+ valid\.0\.attachments\.0: .*exactly one of text/],
    ['two ways to move', '  run: ./move.sh {case}', '  run: x\n  http: { url: "http://x" }', /advance: .*exactly one of run and http/],
    ['a number for a key', "key: '1'", 'key: 1', /:2:\d+ services\.0\.key: .*a service key in quotation marks/],
    ['a moment that is none', '2026-11-20T10:00:00Z', 'yesterday', /:14:\d+ notifications\.0\.at: .*a moment/],
  ])('complain about %s with file, line and remedy', async (_, from, to, complaint) => {
    const text = right.includes(from) ? right.replace(from, to) : to + right;
    const result = await readSamples(written('wrong.yaml', text));
    expect(Array.isArray(result) ? result.map((one) => complaintText(one, 'EN')) : result).toEqual([expect.stringMatching(complaint)]);
  });
});

describe('waivers', () => {
  const waiver = `- { check: fault.matrix, owner: Amt 10, reason: Das Haus wechselt im März, expires: 2027-03-31 }\n`;

  test('are read', async () => {
    expect(await readWaivers(written('waivers.yaml', waiver))).toEqual([
      { check: 'fault.matrix', owner: 'Amt 10', reason: 'Das Haus wechselt im März', expires: '2027-03-31' },
    ]);
  });

  test.each([
    ['a check that is none', 'fault.matrix', 'fault.matrx', /0\.check: .*Did you mean “fault\.matrix”/],
    ['no owner', ' owner: Amt 10,', '', /0\.owner: .*who takes responsibility/],
    ['no day', '2027-03-31', 'never', /0\.expires: .*a day/],
  ])('complain about %s', async (_, from, to, complaint) => {
    const result = await readWaivers(written('waivers.yaml', waiver.replace(from, to)));
    expect('complaints' in result ? result.complaints.map((one) => complaintText(one, 'EN')) : result).toEqual([
      expect.stringMatching(complaint),
    ]);
  });
});
