import { spelledAlike, type Json, type RegionalKey, type ServiceKey } from '#contract';
import type { CaseEvent, Waiting } from '../kind.ts';

type Stage = 'TOLD' | 'RECOGNISED' | 'REVOKING' | 'ENDED';

/** A city that recognises the permit. */
export type Partner = {
  readonly city: RegionalKey;
  /** The partner's key of the service. */
  readonly service: ServiceKey;
  readonly stage: Stage;
  /** Until when a confirmation is expected, ISO 8601; null if none is, or once it was told that it is overdue. */
  readonly dueAt: string | null;
};

/** What is known of the permit. */
export type CraftPermitState = {
  readonly phase: 'NONE' | 'VALID' | 'REVOKED' | 'CLOSED';
  readonly issuer: RegionalKey | null;
  readonly service: ServiceKey | null;
  readonly application: string | null;
  /** From this moment on it is not valid any more, ISO 8601; null if its form does not say. */
  readonly endsAt: string | null;
  readonly partners: readonly Partner[];
  readonly outcome: string | null;
};

export const initial: CraftPermitState = {
  phase: 'NONE',
  issuer: null,
  service: null,
  application: null,
  endsAt: null,
  partners: [],
  outcome: null,
};

const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);

/** What is awaited from a partner; null if nothing is. */
export const stepOf = ({ city, stage }: Partner): string | null =>
  stage === 'TOLD' ? `recognise-${city}` : stage === 'REVOKING' ? `take-back-${city}` : null;

const withPartner = (state: CraftPermitState, city: RegionalKey | undefined, change: Partial<Partner>): CraftPermitState => ({
  ...state,
  partners: state.partners.map((partner) => (city !== undefined && spelledAlike(partner.city, city) ? { ...partner, ...change } : partner)),
});

export function evolve(state: CraftPermitState, { type, of, to, facts }: CaseEvent): CraftPermitState {
  const city = to?.[0];
  const service = facts['service'] as ServiceKey;
  const dueAt = text(facts['dueAt']);
  switch (type) {
    case 'case.opened':
      return { ...state, phase: 'VALID', issuer: of, service, application: text(facts['application']) };
    case 'permit.recognised': {
      const endsAt = text(facts['endsAt']);
      return city === undefined ? state : { ...state, endsAt, partners: [...state.partners, { city, service, stage: 'TOLD', dueAt }] };
    }
    case 'permit.revoked':
      return { ...withPartner(state, city, { stage: 'REVOKING', dueAt }), phase: 'REVOKED' };
    case 'permit.ended':
      return withPartner(state, city, { stage: 'ENDED', dueAt: null });
    case 'case.step-taken': {
      const partner = state.partners.find(({ city: one }) => spelledAlike(one, of));
      if (partner && facts['step'] === stepOf(partner))
        return withPartner(state, of, { stage: partner.stage === 'TOLD' ? 'RECOGNISED' : 'ENDED', dueAt: null });
      return state;
    }
    case 'case.overdue':
      return {
        ...state,
        partners: state.partners.map((partner) => (stepOf(partner) === facts['step'] ? { ...partner, dueAt: null } : partner)),
      };
    case 'case.closed':
      return { ...state, phase: 'CLOSED', outcome: text(facts['outcome']) };
    default:
      return state;
  }
}

export function waiting({ phase, issuer, endsAt, application, partners }: CraftPermitState): readonly Waiting[] {
  if (phase === 'NONE' || phase === 'CLOSED' || issuer === null || application === null) return [];
  const confirmations = partners.flatMap((partner): Waiting[] => {
    const step = stepOf(partner);
    const { city, stage, dueAt } = partner;
    if (step === null) return [];
    const code = stage === 'TOLD' ? 'RECOGNISE' : 'TAKE_BACK';
    return [{ step, city, by: 'city', code, choices: ['APPLIED'], dueAt: dueAt === null ? null : new Date(dueAt) }];
  });
  if (phase === 'REVOKED') return confirmations;
  const own = { city: issuer, application } as const;
  return [
    ...confirmations,
    { ...own, step: 'revoke', by: 'city', code: 'REVOKE', choices: ['WITHDRAW'], dueAt: null },
    ...(endsAt === null ? [] : [{ ...own, step: 'expire', by: 'time', code: 'EXPIRE', choices: [], dueAt: new Date(endsAt) } as const]),
  ];
}
