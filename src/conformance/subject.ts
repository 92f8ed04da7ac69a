import type { AdapterDefinition, Json } from '#contract';
import type { Surroundings } from './actions.ts';
import type { Samples } from './samples.ts';

/** What is put to the test: an adapter with the config and samples of one city. */
export interface Subject {
  readonly definition: AdapterDefinition;
  /** URL of its module, whose folder is hashed for the report; absent for an adapter that was made in a test. */
  readonly module?: string;
  /** Id and ARS of the city. */
  readonly city: string;
  readonly ars: string;
  /** References resolved. */
  readonly config: Json;
  /** Native statuses that the city's file translates. */
  readonly mappedStatuses: ReadonlySet<string>;
  /** Those of them that the city's file translates to `withdrawn`. @default unknown */
  readonly withdrawnStatuses?: ReadonlySet<string>;
  readonly limits: { readonly concurrency: number; readonly timeoutMs: number };
  readonly samples: Samples;
  /** Where the actions of the samples run. */
  readonly surroundings: Surroundings;
}
