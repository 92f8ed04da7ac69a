import type { HubEvent } from '#contract';
import type { Applications } from '../applications/applications.ts';
import type { Tx } from '../infra/store/store.ts';
import type { CaseCommand, EndReason } from './kind.ts';

/** What a back office reads where a case ends an application. */
const reasons: Readonly<Record<EndReason, string>> = {
  MOVED_AWAY: 'Wegzug aus der Gemeinde',
  PLACE_ACCEPTED_ELSEWHERE: 'Ein anderer Betreuungsplatz wurde angenommen',
};

/**
 * Carries out a command in the transaction of the decision: it becomes a delivery to the back office under the key
 * `<case>:<step>`, with all that deliveries have. @returns events to append
 */
export const carryOut = (
  applications: Pick<Applications, 'end'>,
  tx: Tx,
  caseId: string,
  { step, do: { application, reason, byHand = false } }: CaseCommand,
  cause: string,
): Promise<readonly HubEvent[]> => applications.end(tx, { application, key: `${caseId}:${step}`, reason: reasons[reason], byHand }, cause);
