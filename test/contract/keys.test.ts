import { describe, expect, test } from 'vitest';
import { broaderKeys, createKeyRules, isWithin, type RegionalKey, type ServiceKey } from '#contract';
import { shippedKeys } from '../kit/key-rules.ts';

const key = (text: string) => text as ServiceKey;
const ars = (text: string) => text as RegionalKey;

describe('keys of services', () => {
  test('drop the detail, then the action, and stop at the object', () => {
    expect(broaderKeys(key('99115005104001'))).toEqual(['99115005104000', '99115005000000']);
    expect(broaderKeys(key('99115005000000'))).toEqual([]);
    expect(broaderKeys(key('L051110000000.x'))).toEqual([]);
  });

  test('are answered by their own, then by what is stated to be the same, then by broader ones, each once', () => {
    const keys = createKeyRules({ equivalentsOf: () => [key('99115005000000')], keysOf: (one) => [one] });
    expect(keys.keysAnswering(key('99115005104000'))).toEqual(['99115005104000', '99115005000000']);
  });

  test.each([
    ['the same', '99108001001000', '99108001001000', true, true],
    ['the object key holds for its actions', '99108001000000', '99108001001000', true, true],
    ['an action for its details', '99115005104000', '99115005104002', true, true],
    ['a detail not for the whole action', '99115005104002', '99115005104000', false, true],
    ['stated to be the same', '99108010000000', '99108003001001', true, true],
    ['another action of one object', '99115005070000', '99115005104000', false, false],
    ['another object of one group', '99108001000000', '99108010000000', false, false],
    ['what is below a key that is stated to be the same', '99108010056001', '99108003001001', false, false],
    ['a key of a city’s own', 'L051110000000.7', 'L051110000000.7', true, true],
    ['its beginning', 'L051110000000.7', 'L051110000000.70', false, false],
  ])('%s', (_, filed, asked, answers, concerns) => {
    expect(shippedKeys.answers(key(filed), key(asked))).toBe(answers);
    expect([shippedKeys.concerns(key(filed), key(asked)), shippedKeys.concerns(key(asked), key(filed))]).toEqual([concerns, concerns]);
  });
});

describe('keys of municipalities', () => {
  test('a former key and the one of today are of one municipality, whichever comes first', () => {
    expect(shippedKeys.sameMunicipality('064350014014', '064150000000')).toBe(true);
    expect(shippedKeys.sameMunicipality('064150000000', '064350014014')).toBe(true);
    expect(shippedKeys.sameMunicipality('064150000000', '064350000000')).toBe(false);
    expect(shippedKeys.sameMunicipality(null, null)).toBe(false);
  });

  test('are within the regions above them', () => {
    for (const region of ['051110000000', '051110000', '05111', '051', '05']) expect(isWithin(ars('051110000000'), ars(region))).toBe(true);
    expect(isWithin(ars('051110000000'), ars('05112'))).toBe(false);
  });
});
