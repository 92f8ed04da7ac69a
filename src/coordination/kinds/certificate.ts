import type { Json, RegionalKey, ServiceKey } from '#contract';
import { nothing, type CaseEvent, type CaseKind, type Decision, type SeenEvent, type Waiting } from '../kind.ts';
import { caseClosed, caseOpened, caseOverdue, stepTaken } from '../words.ts';

/*
 * A certificate of birth, marriage or death is asked for where the citizen lives (A), and issued where the event was registered
 * (B): the form says where that is, and the application belongs to B from its first moment. The case tells A and the citizen
 * what becomes of it there.
 *
 *   application submitted, marked `registered-in` B by a form of A
 *        │ case.opened, certificate.handed-over
 *        ▼
 *   HANDED_OVER: waits for B's back office to have it (`deliver`)
 *        │ application.delivered: case.step-taken
 *        ▼
 *   IN_WORK: waits for B's decision (`decide`), which is due by B's file
 *        │ granted: ISSUED   partly: ISSUED_IN_PART   refused: REFUSED   withdrawn: WITHDRAWN   closed: ENDED
 *        ▼
 *   CLOSED
 *
 * The hand-over is the pivot: nothing takes the application out of B again, except the citizen's withdrawal. What is overdue,
 * delivered or not, becomes a task in B, where a clerk may also say that it was settled outside the hub. Nobody is told twice.
 *
 * Where B is not connected there is no case: the application is refused before it is taken, with the address to go to.
 */

type Phase = 'NONE' | 'HANDED_OVER' | 'IN_WORK' | 'CLOSED';

/** What is known of the case. */
export type CertificateState = {
  readonly phase: Phase;
  /** Where it was asked for. */
  readonly from: RegionalKey | null;
  /** Where the event was registered. */
  readonly to: RegionalKey | null;
  readonly application: string | null;
  /** ISO 8601; null once it was told, and afterwards. */
  readonly dueAt: string | null;
  readonly overdue: boolean;
  readonly outcome: string | null;
};

const id = 'certificate';

/** LeiKa keys of the certificates of birth, marriage and death. */
export const certificateServices = ['99027002012000', '99059004012000', '99101004012000'] as readonly string[] as readonly ServiceKey[];

/** What an application's last status means to the case. */
const outcomes: Readonly<Record<string, string>> = {
  GRANTED: 'ISSUED',
  PARTLY_GRANTED: 'ISSUED_IN_PART',
  REFUSED: 'REFUSED',
  WITHDRAWN: 'WITHDRAWN',
  CLOSED: 'ENDED',
  DISCARDED: 'DISCARDED',
};

/** The kind of case of a certificate that another city issues. */
export const certificate: CaseKind<CertificateState> = {
  id,
  name: { de: 'Urkunde aus einer anderen Stadt', en: 'Certificate from another city' },
  services: certificateServices,
  listens: [
    'application.submitted',
    'application.delivered',
    'application.released',
    'application.status-changed',
    'application.withdrawn',
  ],
  initial: { phase: 'NONE', from: null, to: null, application: null, dueAt: null, overdue: false, outcome: null },
  texts: {
    DELIVER: { de: 'Das Standesamt erhält den Antrag.', en: 'The registry office is getting the application.' },
    DECIDE: { de: 'Das Standesamt bearbeitet den Antrag.', en: 'The registry office is working on the application.' },
    OVERDUE: {
      de: 'Ein Antrag auf eine Urkunde, der aus einer anderen Stadt kam, ist nicht rechtzeitig entschieden worden. Bitte entscheiden Sie ihn im Fachverfahren, oder geben Sie an, dass er auf anderem Weg erledigt ist.',
      en: 'An application for a certificate that came from another city was not decided in time. Please decide it in the back office, or say that it was settled in another way.',
    },
    SETTLED: { de: 'Auf anderem Weg erledigt', en: 'Settled in another way' },
    ISSUED: { de: 'Die Urkunde ist ausgestellt.', en: 'The certificate has been issued.' },
    ISSUED_IN_PART: { de: 'Der Antrag ist teilweise bewilligt.', en: 'The application was granted in part.' },
    REFUSED: {
      de: 'Das Standesamt hat den Antrag abgelehnt. Die Gründe stehen in seinem Bescheid.',
      en: 'The registry office has refused the application. Its notice gives the reasons.',
    },
    WITHDRAWN: { de: 'Der Antrag ist zurückgezogen.', en: 'The application has been withdrawn.' },
    ENDED: { de: 'Das Standesamt hat den Vorgang geschlossen.', en: 'The registry office has closed the case.' },
    DISCARDED: {
      de: 'Das Standesamt konnte den Antrag nicht annehmen und bearbeitet ihn nicht. Bitte wenden Sie sich an das Standesamt.',
      en: 'The registry office could not take the application and is not working on it. Please contact the registry office.',
    },
    SETTLED_ELSEWHERE: {
      de: 'Der Antrag ist außerhalb des Hubs erledigt worden. Fragen dazu beantwortet das Standesamt.',
      en: 'The application was settled outside the hub. The registry office answers questions about it.',
    },
  },

  correlate(_, application, keys) {
    if (!application) return null;
    const { 'asked-in': from, 'registered-in': to } = application.marks;
    return typeof from === 'string' && typeof to === 'string' && !keys.sameMunicipality(from, to) ? application.id : null;
  },

  decide(state, input, world, application): Decision {
    const { from, to } = state;
    if (state.phase === 'CLOSED') return nothing;
    if (from === null || to === null)
      return input.kind === 'event' && application ? open(input.event, application, world.answerDue(application.ars)) : nothing;
    switch (input.kind) {
      case 'event':
        return input.event.aggregate.id === state.application ? follow(state.phase, input.event, { from, to }) : nothing;
      case 'answer':
        return input.step === 'overdue' && state.overdue && world.keys.sameMunicipality(input.by, to) && input.choice === 'SETTLED'
          ? {
              events: [
                stepTaken(id, 'overdue', { by: to }, { choice: input.choice }),
                caseClosed('SETTLED_ELSEWHERE', { of: to, to: [from] }),
              ],
            }
          : nothing;
      case 'due':
        return state.dueAt === null || input.step !== stepOf(state.phase)
          ? nothing
          : { events: [caseOverdue(input.step, { of: to, to: [from], dueAt: new Date(state.dueAt) })] };
    }
  },

  evolve(state, { type, of, to, facts }): CertificateState {
    switch (type) {
      case 'case.opened':
        return { ...state, phase: 'HANDED_OVER', from: of, to: to?.[0] ?? null, application: text(facts['application']) };
      case 'certificate.handed-over':
        return { ...state, dueAt: text(facts['dueAt']) };
      case 'case.step-taken':
        return facts['step'] === 'deliver' && state.phase === 'HANDED_OVER' ? { ...state, phase: 'IN_WORK' } : state;
      case 'case.overdue':
        return { ...state, dueAt: null, overdue: true };
      case 'case.closed':
        return { ...state, phase: 'CLOSED', dueAt: null, outcome: text(facts['outcome']) };
      default:
        return state;
    }
  },

  waiting({ phase, to, application, dueAt, overdue }): readonly Waiting[] {
    const step = stepOf(phase);
    if (step === null || to === null || application === null) return [];
    const office = {
      step,
      city: to,
      by: 'office',
      code: step.toUpperCase(),
      choices: [],
      application,
      dueAt: dueAt === null ? null : new Date(dueAt),
    } as const;
    const task = { step: 'overdue', city: to, by: 'clerk', code: 'OVERDUE', choices: ['SETTLED'], application, dueAt: null } as const;
    return overdue ? [office, task] : [office];
  },
};

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const stepOf = (phase: Phase): 'deliver' | 'decide' | null => (phase === 'HANDED_OVER' ? 'deliver' : phase === 'IN_WORK' ? 'decide' : null);

/** The events of the application that is looked at first open the case, whichever they are. */
function open(
  event: SeenEvent,
  application: { readonly id: string; readonly service: ServiceKey; readonly marks: Readonly<Record<string, string | boolean>> },
  dueAt: Date,
): Decision {
  const from = application.marks['asked-in'] as RegionalKey;
  const to = application.marks['registered-in'] as RegionalKey;
  const { id: applicationId, service } = application;
  const opened: CaseEvent[] = [
    caseOpened(id, { of: from, to: [to], service, application: applicationId }),
    {
      type: 'certificate.handed-over',
      of: from,
      to: [to],
      facts: { from, service, application: applicationId, dueAt: dueAt.toISOString() },
    },
  ];
  return { events: [...opened, ...follow('HANDED_OVER', event, { from, to }).events] };
}

/** What an event of the application means where the case stands. */
function follow(phase: Phase, event: SeenEvent, { from, to }: { readonly from: RegionalKey; readonly to: RegionalKey }): Decision {
  const status = text(event.facts['status']);
  const outcome = outcomes[status];
  // Whatever its back office says of it, it has it.
  const delivered = phase === 'HANDED_OVER' && event.type !== 'application.submitted' && !['SUBMITTED', 'PARKED'].includes(status);
  const taken = delivered && event.type !== 'application.withdrawn' ? [stepTaken(id, 'deliver', { by: to, to: [from] })] : [];
  const closed = outcome === undefined ? [] : [caseClosed(outcome, { of: to, to: [from] })];
  return { events: [...taken, ...closed] };
}
