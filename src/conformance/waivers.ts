import { createShapeCheck } from '../cities/load/shape.ts';
import { say, type Complaint } from '../cities/load/complaint.ts';
import { readSource } from '../cities/load/source.ts';
import { checks } from './checks.ts';
import type { Waiver } from './report/report.ts';

const complaintsOfWaivers = createShapeCheck('waivers.schema.json');

/** Reads waivers.yaml; every complaint with its place where it is wrong. */
export async function readWaivers(path: string): Promise<readonly Waiver[] | { readonly complaints: readonly Complaint[] }> {
  const source = await readSource(path);
  if (!('complain' in source)) return { complaints: source };
  const shape = complaintsOfWaivers(source);
  if (shape.length > 0) return { complaints: shape };
  const waivers = source.value as unknown as readonly Waiver[];
  const ids = checks.map(({ id }) => id);
  const unknown = waivers.flatMap(({ check }, index) =>
    ids.includes(check) ? [] : [source.complain([index, 'check'], say.notOneOf(check, ids))],
  );
  return unknown.length > 0 ? { complaints: unknown } : waivers;
}
