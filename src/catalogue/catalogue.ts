import type { AssuranceLevel, Localised, MunicipalityKey, OfferRecord, PostalCode, Problem, RegionalKey, ServiceKey } from '#contract';

export interface Municipality {
  readonly ars: RegionalKey;
  readonly ags: MunicipalityKey;
  readonly name: string;
  readonly kind: string;
  readonly federalState: string;
  readonly district: string | null;
  readonly population: number | null;
  readonly areaHectares: number | null;
  readonly postalCodes: readonly PostalCode[];
}

export interface ServiceEquivalence {
  readonly key: ServiceKey;
  readonly provenance: string;
  readonly source: string;
  readonly asOf: string;
}

/** A service of the catalogue (Leistung). */
export interface CatalogueEntry {
  readonly key: ServiceKey;
  readonly name: Localised;
  readonly summary: Localised | null;
  readonly typing: string | null;
  readonly ozgId: string | null;
  readonly lifeSituations: readonly string[];
  readonly legalBasis: readonly string[];
  readonly equivalents: readonly ServiceEquivalence[];
}

export interface Offer {
  readonly id: string;
  readonly serviceKey: ServiceKey;
  readonly ars: RegionalKey;
  readonly area: RegionalKey;
  readonly record: OfferRecord;
  readonly source: string;
  readonly asOf: Date;
  /** True where the last attempt to refresh the source failed or it is older than its source promises. */
  readonly stale: boolean;
}

/** Exactly one of the three. */
export type Place = { readonly ars: string } | { readonly ags: string } | { readonly postalCode: string };

export type Competence =
  | { readonly found: true; readonly offer: Offer; readonly resolvedFrom: RegionalKey; readonly path: readonly RegionalKey[] }
  | { readonly found: false; readonly problem: Problem; readonly candidates?: readonly Municipality[] };

export interface PageRequest {
  readonly first: number;
  /** Opaque position after which to go on; null for the beginning. */
  readonly after: string | null;
}

export interface Listing<T> {
  readonly items: readonly { readonly node: T; readonly cursor: string }[];
  readonly totalCount: number;
  readonly hasNextPage: boolean;
}

/** Services, offers, municipalities and who is responsible for what where. Answers from memory, filled from the store. */
export interface Catalogue {
  findMunicipality(key: { ars: string } | { ags: string }): Municipality | null;
  listMunicipalities(filter: {
    search?: string | null;
    postalCode?: string | null;
    federalState?: string | null;
    connected?: boolean | null;
    page: PageRequest;
  }): Listing<Municipality>;
  findService(key: string): CatalogueEntry | null;
  listServices(filter: {
    search?: string | null;
    lifeSituation?: string | null;
    offeredIn?: string | null;
    minimumMaturity?: number | null;
    page: PageRequest;
  }): Listing<CatalogueEntry>;
  findOffer(id: string): Offer | null;
  /** Offer of a service or of an equivalent of it, in the municipality or a region above it, valid on the day. */
  findOfferFor(ars: RegionalKey, service: ServiceKey, on?: Date): Offer | null;
  listOffers(filter: {
    service?: ServiceKey;
    in?: readonly string[] | null;
    ars?: RegionalKey;
    search?: string | null;
    page: PageRequest;
  }): Listing<Offer>;
  /** Who is responsible, on a day (today where absent). */
  competence(service: string, place: Place, on?: Date): Competence;
  assuranceNeeded(offer: Offer): AssuranceLevel;
  /** Freshness of a city's offers. */
  freshness(ars: RegionalKey): { asOf: Date | null; source: string; stale: boolean };
  /** Fills memory from the store again. */
  reload(): Promise<void>;
}
