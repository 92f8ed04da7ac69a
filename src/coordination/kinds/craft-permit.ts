import type { Json, KeyRules, RegionalKey, ServiceKey } from '#contract';
import { isFor, nothing, type CaseApplication, type CaseEvent, type CaseKind, type Decision, type SeenEvent, type World } from '../kind.ts';
import { evolve, initial, stepOf, waiting, type CraftPermitState } from './craft-permit-state.ts';
import { caseClosed, caseOpened, caseOverdue, stepTaken } from '../words.ts';

/*
 * A parking permit for craftsmen is issued by one city (A) and recognised by those that have a treaty with it, each under its
 * own key of the service. A recognition follows from the permit and the treaty: no city is asked, all are told, and each says
 * when its back office, its app for wardens or its list knows (`APPLIED`).
 *
 *   application granted in A, with partners
 *        │ case.opened, one permit.recognised per partner
 *        ▼
 *   VALID     per partner: TOLD ──APPLIED──▶ RECOGNISED
 *        │ A's back office takes the decision back, or A answers `revoke`: one permit.revoked per partner
 *        ▼
 *   REVOKED   per partner: REVOKING ──APPLIED──▶ ENDED; all ended: closed as REVOKED
 *
 *   VALID ──the last day is over──▶ one permit.ended per partner, closed as EXPIRED: the day was known to all, so nobody confirms
 *
 * Issuing is the pivot: the hub takes no permit back, it only carries on. A partner that is away stays visible as TOLD or
 * REVOKING until it has confirmed; what takes longer than agreed is overdue, and waits on. The permit itself is void from the
 * moment of its revocation, whoever has applied it: `permitRecognition` answers by the case, not by the partners.
 *
 * A permit that is granted again after a revocation is a new decision and needs a new application.
 */

const id = 'craft-permit';

/** Its LeiKa key; 99108010000000, under which cities file it too, is stated to be the same. */
const craftPermitService = '99108003001001' as ServiceKey;

/** Also where a city has a key of its own for it: only this form marks from when it is valid. */
const isCraftPermit = (keys: KeyRules, application: CaseApplication): boolean =>
  isFor(keys, application, craftPermitService) || 'valid-from' in application.marks;

/** Statuses with which a back office takes a permit back. CLOSED is none: many systems close what is done. */
const takenBack = new Set<Json | undefined>(['REFUSED', 'WITHDRAWN']);

/** The kind of case of a craftsmen's parking permit that partner cities recognise. */
export const craftPermit: CaseKind<CraftPermitState> = {
  id,
  name: { de: 'Handwerkerparkausweis in Partnerstädten', en: "Craftsmen's parking permit in partner cities" },
  services: [craftPermitService],
  listens: ['application.status-changed', 'application.withdrawn'],
  initial,
  texts: {
    RECOGNISE: {
      de: 'Die Partnerstadt nimmt die Anerkennung in ihr Verfahren auf.',
      en: 'The partner city is taking the recognition over.',
    },
    TAKE_BACK: { de: 'Die Partnerstadt nimmt den Widerruf in ihr Verfahren auf.', en: 'The partner city is taking the revocation over.' },
    REVOKE: {
      de: 'Gültig. Die ausstellende Stadt kann den Ausweis widerrufen.',
      en: 'Valid. The city that issued the permit can revoke it.',
    },
    EXPIRE: { de: 'Gültig bis zum letzten Tag des Ausweises.', en: 'Valid until the last day of the permit.' },
    APPLIED: { de: 'Übernommen', en: 'Taken over' },
    WITHDRAW: { de: 'Widerrufen', en: 'Revoke' },
    REVOKED: {
      de: 'Der Ausweis ist widerrufen; alle Partnerstädte haben das übernommen.',
      en: 'The permit has been revoked, and all partner cities have taken that over.',
    },
    EXPIRED: { de: 'Die Gültigkeit des Ausweises ist abgelaufen.', en: 'The permit has expired.' },
  },

  correlate: (event, application, keys) => (application && isGranted(event) && isCraftPermit(keys, application) ? application.id : null),

  decide(state, input, world, application): Decision {
    const { phase, issuer } = state;
    if (phase === 'NONE') return input.kind === 'event' && isGranted(input.event) && application ? issue(application, world) : nothing;
    if (phase === 'CLOSED' || issuer === null) return nothing;
    const own = input.kind === 'event' && input.event.aggregate.id === state.application;
    if (phase === 'VALID' && own && takenBack.has(input.event.facts['status'])) return revoke(state, issuer, world, []);
    if (input.kind === 'answer') return answered(state, issuer, input, world);
    if (input.kind === 'due') return overdue(state, issuer, input.step, world.now);
    return nothing;
  },

  evolve,
  waiting,
};

const isGranted = ({ type, facts }: SeenEvent): boolean => type === 'application.status-changed' && facts['status'] === 'GRANTED';

function issue(application: CaseApplication, world: World): Decision {
  const { id: applicationId, ars: issuer, service } = application;
  const end = endOf(application);
  const partners = end !== null && end <= world.now ? [] : world.partners(issuer, service);
  if (partners.length === 0) return nothing;
  const told = { from: issuer, ...(end && { endsAt: end.toISOString() }), dueAt: world.answerDue(issuer).toISOString() };
  return {
    events: [
      caseOpened(id, { of: issuer, to: partners.map(({ city }) => city), service, application: applicationId }),
      ...partners.map(({ city, service: theirs }): CaseEvent => ({
        type: 'permit.recognised',
        of: issuer,
        to: [city],
        facts: { ...told, service: theirs },
      })),
    ],
  };
}

/** Midnight (UTC) after the permit's last day: `valid-from` and `valid-months` of its form; null if it says neither. */
function endOf({ marks }: CaseApplication): Date | null {
  const from = /^(\d{4})-(\d{2})-(\d{2})$/.exec(String(marks['valid-from'] ?? ''));
  const months = Number(marks['valid-months'] ?? Number.NaN);
  if (!from || !Number.isInteger(months)) return null;
  const [year, month, day] = [Number(from[1]), Number(from[2]) - 1 + months, Number(from[3])];
  // 31 January and one month: the last day of February.
  const lastOfMonth = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return new Date(Date.UTC(year, month, Math.min(day, lastOfMonth)));
}

function revoke({ partners }: CraftPermitState, issuer: RegionalKey, world: World, before: readonly CaseEvent[]): Decision {
  const dueAt = world.answerDue(issuer).toISOString();
  return {
    events: [
      ...before,
      ...partners.map(({ city, service }): CaseEvent => ({
        type: 'permit.revoked',
        of: issuer,
        to: [city],
        facts: { from: issuer, service, dueAt },
      })),
    ],
  };
}

function answered(
  state: CraftPermitState,
  issuer: RegionalKey,
  { step, by }: { readonly step: string; readonly by: RegionalKey },
  world: World,
): Decision {
  if (step === 'revoke' && world.keys.sameMunicipality(by, issuer) && state.phase === 'VALID')
    return revoke(state, issuer, world, [stepTaken(id, step, { by })]);
  const partner = state.partners.find(({ city }) => world.keys.sameMunicipality(city, by));
  if (!partner || stepOf(partner) !== step) return nothing;
  const taken = stepTaken(id, step, { by, to: [issuer] });
  const isLast = partner.stage === 'REVOKING' && state.partners.every((one) => one === partner || one.stage === 'ENDED');
  return { events: isLast ? [taken, caseClosed('REVOKED', { of: issuer, to: state.partners.map(({ city }) => city) })] : [taken] };
}

function overdue({ phase, partners, endsAt }: CraftPermitState, issuer: RegionalKey, step: string, now: Date): Decision {
  if (step === 'expire') {
    if (phase !== 'VALID' || endsAt === null || now < new Date(endsAt)) return nothing;
    const ended = partners.map(({ city, service }): CaseEvent => ({
      type: 'permit.ended',
      of: issuer,
      to: [city],
      facts: { from: issuer, service, reason: 'EXPIRED' },
    }));
    return { events: [...ended, caseClosed('EXPIRED', { of: issuer, to: partners.map(({ city }) => city) })] };
  }
  const late = partners.find((partner) => stepOf(partner) === step);
  if (!late || late.dueAt === null) return nothing;
  return { events: [caseOverdue(step, { of: issuer, to: [late.city], dueAt: new Date(late.dueAt) })] };
}
