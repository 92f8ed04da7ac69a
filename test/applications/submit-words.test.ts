import { afterAll, beforeAll, expect, test } from 'vitest';
import { problemText } from '#contract';
import type { SubmitInput } from '../../src/applications/applications.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { newSqliteDatabase } from '../kit/databases.ts';
import { openOffice, owner } from './office.ts';

const right: SubmitInput = {
  idempotencyKey: 'k',
  service: '99108001001000',
  place: { ars: '051110000000' },
  formRevision: '1',
  channel: 'ONLINE',
  applicant: { name: 'Erika Mustermann' },
  formData: {},
};

const database = newSqliteDatabase();
let store: Store;
beforeAll(async () => {
  store = await openStore(database.url);
});
afterAll(async () => {
  await store.close();
  await database.remove();
});

test.each<[Partial<SubmitInput>, string]>([
  [
    { idempotencyKey: '' },
    'Ein idempotencyKey besteht aus 1 bis 128 sichtbaren ASCII-Zeichen, ohne Leerzeichen und Umlaute; eine UUID passt.',
  ],
  [
    { idempotencyKey: 'ä' },
    'Ein idempotencyKey besteht aus 1 bis 128 sichtbaren ASCII-Zeichen, ohne Leerzeichen und Umlaute; eine UUID passt.',
  ],
  [{ formData: null }, 'Die Angaben fehlen: formData enthält, was in das Formular eingetragen wurde.'],
  [
    { sealedFormData: 'x' },
    'Verschlüsselte Angaben (sealedFormData) werden auf diesem Weg noch nicht angenommen. Bitte senden Sie formData.',
  ],
  [{ attachmentIds: ['a'] }, 'Anlagen lassen sich auf diesem Weg noch nicht einreichen. Bitte lassen Sie attachmentIds weg.'],
  [{ applicant: { name: ' ' } }, 'Der Name fehlt. Bitte geben Sie einen Text mit höchstens 200 Zeichen an.'],
  [{ applicant: { name: 'x'.repeat(201) } }, 'Der Name hat 201 Zeichen, erlaubt sind höchstens 200. Bitte kürzen Sie den Text.'],
  [
    { applicant: { name: 'E', email: `${'x'.repeat(250)}@a.de` } },
    'Die E-Mail-Adresse hat 255 Zeichen, erlaubt sind höchstens 254. Bitte kürzen Sie den Text.',
  ],
  [{ applicant: { name: 'E', email: 'erika' } }, 'Das ist keine E-Mail-Adresse. Ein Beispiel: name@example.org.'],
  [{ applicant: { name: 'E', phone: 'mobil' } }, 'Das ist keine Telefonnummer. Ein Beispiel: +49 211 123456.'],
])('%# what no offer could take is told in words that say what to do', async (change, german) => {
  const result = await openOffice(store, { cases: {} }).submit({ ...right, ...change }, owner, '');
  expect(result.ok ? 'taken' : problemText(result.problem, 'DE')).toBe(german);
  expect(result.ok ? 'taken' : problemText(result.problem, 'EN')).not.toMatch(/[äöüß]| – |\{|\d: /);
});
