import type { CaseKind } from './kind.ts';
import { certificate } from './kinds/certificate.ts';
import { craftPermit } from './kinds/craft-permit.ts';
import { kita } from './kinds/kita.ts';
import { moving } from './kinds/moving.ts';

/** Every kind of case, as the runtime sees it: each knows the form of its own state alone. */
export const kinds: readonly CaseKind[] = [moving, certificate, craftPermit, kita];

/** A kind by its id; null if this version has none such. */
export const findKind = (id: string): CaseKind | null => kinds.find((kind) => kind.id === id) ?? null;
