import type { OfferRecord, RegionalKey } from '#contract';

/** Whose catalogue is read. */
export interface FormatContext {
  readonly ars: RegionalKey;
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
