import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Payload } from '../../src/applications/records.ts';
import { deliveryKeyOf } from '../../src/applications/delivery-key.ts';
import { toRefusal } from '../../src/applications/refusal.ts';

const payload: Payload = {
  applicant: { name: 'Erika Mustermann', email: 'erika@example.org', phone: '+49 211 899-1' },
  formData: { licencePlate: 'D-EM 1234', birth: { date: '1964-08-12', place: 'Köln' }, notes: ['eins', 40221] },
  serviceName: 'Bewohnerparkausweis',
  localKey: 'parken',
};

describe('what a back office said against an application', () => {
  test('keeps the reason and the field, without what it repeated of the application', () => {
    const kept = toRefusal(
      'Kennzeichen D-EM 1234 von MUSTERMANN, Erika (geb. 12.08.1964, 0211 8991, erika@example.org) ist in 40221 schon vergeben',
      { '/licencePlate': 'D-EM 1234 ist vergeben', '/birth/place': 'Köln ist unbekannt' },
      payload,
    );
    expect(kept).toEqual({
      message: 'Kennzeichen […] von […], […] (geb. […], […], […]) ist in […] schon vergeben',
      fields: [
        { pointer: '/licencePlate', message: '[…] ist vergeben' },
        { pointer: '/birth/place', message: '[…] ist unbekannt' },
      ],
    });
  });

  test('does not take words apart for a value that stands within them', () => {
    const person = { ...payload, applicant: { name: 'Ina Ein' }, formData: null };
    expect(toRefusal('Eine Angabe fehlt: Finanzamt', {}, person).message).toBe('Eine Angabe fehlt: Finanzamt');
  });

  test.each([
    ['王伟', '王伟 ist unbekannt', '[…] ist unbekannt'],
    ['Xi Li', 'Frau Li, Xi: unbekannt', 'Frau […], […]: unbekannt'],
    ['Eva Schmidt-Meyer', 'Frau Schmidt ist unbekannt', 'Frau […] ist unbekannt'],
    ['Anna zu Salm', 'Salm ist zu lang', '[…] ist zu lang'],
    ['İbrahim Yıldız', 'İbrahim, YILDIZ: unbekannt', '[…], […]: unbekannt'],
    ['Jörg Großmüller', 'GROSSMUELLER ist unbekannt', '[…] ist unbekannt'],
    ['Joerg Mueller', 'Jörg Müller ist unbekannt', '[…] ist unbekannt'],
    ['Zoe\u0308 Klee', 'Zo\u00eb ist unbekannt', '[…] ist unbekannt'],
  ])('holds no part of the name %s, and the words around it', (name, said, kept) => {
    expect(toRefusal(said, {}, { ...payload, applicant: { name }, formData: null }).message).toBe(kept);
  });

  test('holds none of the values, whatever they are and wherever they stand', () => {
    const value = fc.string({ minLength: 3, maxLength: 30, unit: 'grapheme' }).filter((text) => text.trim().length >= 3);
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        const { message } = toRefusal(`refused: ${values.join(' , ')} !`, {}, { ...payload, formData: values });
        for (const one of values)
          expect(message.replaceAll('[…]', '')).not.toMatch(new RegExp(`(^| )${RegExp.escape(one.trim())}( |$)`, 'u'));
      }),
    );
  });

  test('keeps no word once the application is erased: nothing tells any more which of them are a name', () => {
    const kept = toRefusal('Vorgang von Friederike Zugvogel ist entschieden', { '/name': 'Zugvogel' }, null);
    expect(kept).toEqual({ message: '[…]', fields: [] });
  });

  test('is short, however much was said', () => {
    const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`/f${index}`, 'x'.repeat(10_000)]));
    const kept = toRefusal('y'.repeat(1_000_000), fields, payload);
    expect(JSON.stringify(kept).length).toBeLessThan(30_000);
  });
});

describe('the key of a submission at the back office', () => {
  test('is the same for the same owner and idempotency key, another for every other, and tells neither', () => {
    const text = fc.string({ minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(text, text, text, text, (owner, key, otherOwner, otherKey) => {
        const made = deliveryKeyOf(owner, key);
        expect(made).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
        expect(deliveryKeyOf(owner, key)).toBe(made);
        const same = owner === otherOwner && key === otherKey;
        expect(deliveryKeyOf(otherOwner, otherKey) === made).toBe(same);
      }),
    );
    expect(deliveryKeyOf('a', 'bc')).not.toBe(deliveryKeyOf('ab', 'c'));
  });
});
