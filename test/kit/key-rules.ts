import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { createKeyRules, type RegionalKey, type ServiceKey } from '#contract';

const read = (name: string): unknown => parse(readFileSync(join(import.meta.dirname, '../../reference', name), 'utf8'));
const pairs = (read('equivalences.yaml') as { keys: [ServiceKey, ServiceKey] }[]).map(({ keys }) => keys);
const changes = read('municipality-changes.yaml') as { from: RegionalKey; to: RegionalKey }[];

/** The rules with what the shipped reference records say, without a hub. */
export const shippedKeys = createKeyRules({
  equivalentsOf: (key) => pairs.flatMap(([one, other]) => (one === key ? [other] : other === key ? [one] : [])),
  keysOf: (ars) => [ars, ...changes.flatMap(({ from, to }) => (from === ars ? [to] : to === ars ? [from] : []))],
});
