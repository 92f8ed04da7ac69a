import type { OfferRecord, RegionalKey } from '#contract';
import type { Known } from '../../../cities/load/known.ts';

/** Whose catalogue is read. */
export interface FormatContext {
  readonly ars: RegionalKey;
  /** Services that there are; without it, any key passes that is written like one. */
  readonly known?: Known | undefined;
}

/** A format in which cities publish their offers. */
export interface CatalogueFormat {
  readonly id: string;
  /** Names of the files under `catalogue.files`: those it must have and those it may have. */
  readonly parts: { readonly needed: readonly string[]; readonly optional: readonly string[] };
  /**
   * Every offer of the source; files by part, each a path.
   * @throws HubError IMPORT_REFUSED with everything that is wrong, by place
   */
  read(files: Readonly<Record<string, string>>, context: FormatContext): Promise<readonly OfferRecord[]>;
}
