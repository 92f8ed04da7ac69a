import type { Json, RegionalKey, ServiceKey } from '#contract';
import { craftPermit } from './kinds/craft-permit.ts';
import type { CraftPermitState } from './kinds/craft-permit-state.ts';

/** Where a permit is recognised, and how far that is known there. */
export interface Recognition {
  readonly ars: RegionalKey;
  /** The key under which that city files it. */
  readonly serviceKey: ServiceKey;
  readonly state: 'PENDING' | 'RECOGNISED' | 'REVOCATION_PENDING' | 'ENDED';
}

/** A permit that partner cities recognise. */
export interface RecognisedPermit {
  readonly revoked: boolean;
  /** From this moment on it is over; null if its form does not say. */
  readonly endsAt: Date | null;
  readonly recognitions: readonly Recognition[];
}

const states = {
  TOLD: 'PENDING',
  RECOGNISED: 'RECOGNISED',
  REVOKING: 'REVOCATION_PENDING',
  ENDED: 'ENDED',
} as const satisfies Record<CraftPermitState['partners'][number]['stage'], Recognition['state']>;

/** The permit that a case is about; null for cases of other kinds. */
export function permitOf(kind: string, state: Json): RecognisedPermit | null {
  if (kind !== craftPermit.id) return null;
  const { phase, endsAt, outcome, partners } = state as CraftPermitState;
  return {
    revoked: phase === 'REVOKED' || outcome === 'REVOKED',
    endsAt: endsAt === null ? null : new Date(endsAt),
    recognitions: partners.map(({ city, service, stage }) => ({ ars: city, serviceKey: service, state: states[stage] })),
  };
}

/** True while the permit holds, in the city that issued it and in every partner city, whoever has taken over what. */
export const isValid = ({ revoked, endsAt }: RecognisedPermit, now: Date): boolean => !revoked && (endsAt === null || now < endsAt);
