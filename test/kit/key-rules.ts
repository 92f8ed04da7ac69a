import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { createKeyRules, type RegionalKey, type ServiceKey } from '#contract';

const read = (name: string): unknown => parse(readFileSync(join(import.meta.dirname, '../../reference', name), 'utf8'));
const pairs = (read('equivalences.yaml') as { keys: [ServiceKey, ServiceKey] }[]).map(({ keys }) => keys);
const { later, earlier } = read('municipality-changes.yaml') as {
  later: { from: RegionalKey; to: RegionalKey }[];
  earlier: { keys: Record<RegionalKey, RegionalKey | RegionalKey[]> }[];
};
const changes = [
  ...later,
  ...earlier.flatMap(({ keys }) =>
    Object.entries(keys).flatMap(([from, to]) => (Array.isArray(to) ? [] : [{ from: from as RegionalKey, to }])),
  ),
];

/** The rules with what the shipped reference records say, without a hub. */
export const shippedKeys = createKeyRules({
  equivalentsOf: (key) => pairs.flatMap(([one, other]) => (one === key ? [other] : other === key ? [one] : [])),
  keysOf: (ars) => [ars, ...changes.flatMap(({ from, to }) => (from === ars ? [to] : to === ars ? [from] : []))],
});
