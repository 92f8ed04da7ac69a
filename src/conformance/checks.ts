import type { Check } from './check.ts';

/** Every check there is, in the order in which they run and are reported. Each group is a file in checks/. */
export const checks: readonly Check[] = [];
