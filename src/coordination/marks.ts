import { spelledAlike, type Json, type RegionalKey, type ServiceKey } from '#contract';
import type { TakenSubmission } from '../applications/applications.ts';
import type { Catalogue, Offer } from '../catalogue/catalogue.ts';
import { placesIn, valueAt, type MarkPlaces } from '../catalogue/forms/marks.ts';
import type { Cities } from '../cities/cities.ts';
import { canonicalJson, sha256 } from '../infra/ids.ts';
import type { Tx } from '../infra/store/store.ts';
import type { CaseKind } from './kind.ts';
import type { Seal } from './seal.ts';

/*
 * The form of an application is gone once its back office has it. What cases between cities need of it is read when it is
 * taken, in the same transaction: marks (keys, ARS, no personal data) in the clear, facts for the partner city sealed.
 *
 * Where they stand in the form is said by the form itself (`x-hub` at a field: `departure`, `keeps-previous`, `fact`, or a list
 * of these) or by the city's file (`coordination`), which goes before.
 */

/** How long sealed facts stay at most, in days. */
const retentionDays = 180;

export interface MarkingDeps {
  readonly catalogue: Catalogue;
  readonly cities: Cities;
  readonly kinds: readonly CaseKind[];
  /** Null: nothing is sealed, and nobody can tell which applications that come through a portal are of one applicant. */
  readonly seal: Seal | null;
}

const kindsOf = ({ catalogue, kinds }: Pick<MarkingDeps, 'catalogue' | 'kinds'>, asked: ServiceKey): readonly CaseKind[] =>
  kinds.filter(({ services }) => services.some((service) => catalogue.keys.concerns(asked, service)));

/** Where marks stand in the data of an offer's form if this was asked for. What a city says of its forms goes before what they say. */
export function createMarkPlaces(deps: Omit<MarkingDeps, 'seal'>): (offer: Offer, asked: ServiceKey) => MarkPlaces {
  return (offer, asked) => {
    const form = placesIn(offer.record.form?.schema ?? null);
    const own = deps.cities.findByArs(offer.ars)?.coordination ?? {};
    const settings = kindsOf(deps, asked).flatMap((kind) => own[kind.id] ?? []);
    const marks = Object.fromEntries(settings.flatMap((one) => Object.entries(one.marks).map(([mark, pointer]) => [mark, [pointer]])));
    return { marks: { ...form.marks, ...marks }, facts: settings.find((one) => one.facts !== undefined)?.facts ?? form.facts };
  };
}

/** Marks applications as they are taken. */
export function createMarking(deps: MarkingDeps): (tx: Tx, submission: TakenSubmission) => Promise<void> {
  const { catalogue, cities, seal } = deps;
  const placesOf = createMarkPlaces(deps);

  /** A municipality that exists, by its ARS of today or of then, or by a postal code that is its alone. */
  function municipality(value: Json | undefined): RegionalKey | null {
    if (typeof value !== 'string') return null;
    if (/^\d{12}$/.test(value)) return catalogue.findMunicipality({ ars: value })?.ars ?? null;
    if (!/^\d{5}$/.test(value)) return null;
    const { items, totalCount } = catalogue.listMunicipalities({ postalCode: value, page: { first: 2, after: null } });
    return totalCount === 1 ? (items[0]?.node.ars ?? null) : null;
  }

  /** The same for the same text, under the key where there is one. */
  const digest = (text: string): string => seal?.pseudonym(text) ?? sha256(text).slice(0, 32);

  /** What a mark may hold, by name. A text of the form's own never gets through: it could be a name. */
  function read(mark: string, value: Json | undefined, { owner }: { readonly owner: string }): string | boolean | null {
    switch (mark) {
      case 'departure':
      case 'registered-in':
        return municipality(value);
      // A secondary dwelling is one beside the previous.
      case 'keeps-previous':
        return typeof value === 'boolean' ? value : value === 'secondary' ? true : null;
      // A key of the client's choice, the same for the applications of one account alone.
      case 'wish-group':
        return typeof value === 'string' && value !== '' && value.length <= 128 ? digest(`${owner} ${value}`) : null;
      case 'wish-rank':
      case 'valid-months':
        return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null;
      case 'valid-from':
        return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : null;
      default:
        return null;
    }
  }

  /** Digest of who applies; null if a portal does not say for whom, or there is no key for it. */
  function applicantOf({ principal, applicant }: TakenSubmission): string | null {
    if (principal.roles.includes('citizen')) return sha256(principal.owner).slice(0, 32);
    const ids = Object.entries(applicant.ids ?? {}).filter(([, id]) => id !== '');
    // Ids of people are few enough to be guessed from a digest: only one under a key says nothing.
    return ids.length === 0 || !seal ? null : seal.pseudonym(`${principal.owner} ${canonicalJson(Object.fromEntries(ids))}`);
  }

  return async function mark(tx, submission) {
    const { id, offer, asked, formData, principal, at, askedIn } = submission;
    const { keys } = catalogue;
    if (kindsOf(deps, asked).length === 0) return;
    const places = placesOf(offer, asked);
    const marks: Record<string, string | boolean> = {};
    for (const [mark, pointers] of Object.entries(places.marks)) {
      const value = pointers.map((pointer) => read(mark, valueAt(formData, pointer), principal)).find((one) => one !== null);
      if (value !== undefined && value !== null) marks[mark] = value;
    }
    // Which city it belongs to was decided when it was taken: its form may stand in another city's words.
    if (!spelledAlike(asked, offer.serviceKey)) marks['asked'] = asked;
    if (askedIn) Object.assign(marks, { 'asked-in': askedIn, 'registered-in': offer.ars });
    await tx
      .insertInto('application_mark')
      .values({ application_id: id, applicant: applicantOf(submission), marks: canonicalJson(marks) })
      .execute();

    const partners = Object.values(marks).filter(
      (value) => typeof value === 'string' && !keys.sameMunicipality(value, offer.ars) && cities.findByArs(value),
    );
    const facts = places.facts.flatMap((pointer) => {
      const value = valueAt(formData, pointer);
      return value === undefined ? [] : [[pointer, value] as const];
    });
    if (!seal || partners.length === 0 || facts.length === 0) return;
    await tx
      .insertInto('case_facts')
      .values({
        application_id: id,
        sealed: seal.seal(JSON.stringify(Object.fromEntries(facts)), id),
        sealed_at: at.getTime(),
        erase_at: at.getTime() + retentionDays * 24 * 3_600_000,
      })
      .execute();
  };
}
