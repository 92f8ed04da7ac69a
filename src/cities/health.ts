import { inLanguage, type Health, type Language, type Localised } from '#contract';
import type { Cache } from '../infra/cache/cache.ts';
import type { CallOutcome } from './calls.ts';
import type { AdapterStatus, CityAdapter } from './cities.ts';
import { CityCallError } from './failure.ts';
import type { Log } from '../infra/log.ts';

export interface HealthOptions {
  readonly city: string;
  readonly adapter: CityAdapter;
  readonly cache: Cache;
  readonly language: Language;
  readonly now: () => Date;
  readonly log: Log;
  /** Asks the back office, read-only and with a deadline. */
  readonly ask: () => Promise<Health>;
  /** False while the breaker is open. */
  readonly accepts: () => boolean;
  readonly onState: (up: boolean) => void;
}

/** What is known of one adapter's health. */
export interface AdapterHealth {
  /** Asks now; who comes while one check runs gets the same answer. */
  check(): Promise<Health>;
  /** The last known state, refreshed where it is older than 30 s. Waits a second at most: the answer then comes with the next question. */
  status(): Promise<AdapterStatus>;
  /** How a call ended. A harmless question may be answered while real work is refused for want of rights or a setting. */
  note(kind: 'read' | 'write', outcome: CallOutcome): void;
}

const FRESH_MS = 30_000;
/** A state that nobody could refresh is better than none. */
const KEPT_MS = 24 * 3_600_000;
const PATIENCE_MS = 1_000;

interface Known {
  readonly ok: boolean;
  readonly checkedAt: number;
  readonly hint: string | null;
}

/** What to do about a failed call, for the city's staff. */
const hints: Readonly<Record<CityCallError['failure']['kind'], Localised>> = {
  retryable: {
    de: 'Es bittet um eine Pause (überlastet oder in Wartung); der Hub versucht es von selbst wieder.',
    en: 'It asks for a pause (overloaded or under maintenance); the hub tries again by itself.',
  },
  unavailable: {
    de: 'Es ist nicht erreichbar: Läuft es, und darf der Hub seine Adresse erreichen?',
    en: 'It cannot be reached: is it running, and may the hub reach its address?',
  },
  rejected: {
    de: 'Es hat eine harmlose Frage abgelehnt: Prüfen Sie die Rechte des Hub-Kontos.',
    en: 'It refused a harmless question: check the rights of the hub’s account.',
  },
  misconfigured: {
    de: 'Es nimmt Zugangsdaten oder Einstellungen nicht an: Prüfen Sie Schlüssel, Pfade und Kennungen in der Datei der Stadt.',
    en: 'It does not accept the credentials or settings: check key, paths and ids in the city’s file.',
  },
  unsupported: {
    de: 'Es kann nicht, was der Adapter braucht: Prüfen Sie seine Version.',
    en: 'It does not support what the adapter needs: check its version.',
  },
  malformed: {
    de: 'Es antwortet mit etwas, das der Adapter nicht versteht: Stimmt die Adresse, steht eine Anmeldeseite oder ein Proxy davor?',
    en: 'It answers with something the adapter does not understand: is the address right, is there a login page or proxy in front?',
  },
  'breaker-open': {
    de: 'Es ist wiederholt ausgefallen und wird kurz in Ruhe gelassen; der Hub versucht es von selbst wieder.',
    en: 'It failed repeatedly and is left alone for a moment; the hub tries again by itself.',
  },
  busy: {
    de: 'Zu viele Aufrufe warten; erhöhen Sie limits.concurrency, wenn es mehr verträgt.',
    en: 'Too many calls to it are waiting; raise limits.concurrency if it can take more.',
  },
  deadline: {
    de: 'Es hat nicht rechtzeitig geantwortet: Ist es überlastet, oder ist limits.timeoutMs zu kurz?',
    en: 'It did not answer in time: is it overloaded, or is limits.timeoutMs too short?',
  },
};

export function createHealth({ city, adapter, cache, language, now, log, ask, accepts, onState }: HealthOptions): AdapterHealth {
  const key = `city-health:${city}:${adapter.id}`;
  let last: Known | null = null;
  let asking: Promise<Health> | null = null;
  /** Kinds of calls whose last answer was that credentials, rights or a setting are wrong. */
  const misconfigured = new Set<'read' | 'write'>();

  async function askNow(): Promise<Health> {
    const since = performance.now();
    const health = await ask().catch((error: unknown): Health => {
      const failure = error instanceof CityCallError ? error : null;
      const hint = failure ? `${inLanguage(hints[failure.failure.kind], language)} (${failure.message})` : 'The check itself failed.';
      return { ok: false, probes: [{ name: 'answer', ok: false, ms: Math.round(performance.now() - since), hint }] };
    });
    const hint = health.probes.find((probe) => !probe.ok)?.hint ?? null;
    if (last?.ok !== health.ok)
      log[health.ok ? 'info' : 'warn']({ city, adapter: adapter.id, hint }, health.ok ? 'back office answers' : 'back office is down');
    last = { ok: health.ok, checkedAt: now().getTime(), hint };
    onState(health.ok);
    await cache.set(key, JSON.stringify(last), KEPT_MS);
    return health;
  }

  const check = (): Promise<Health> => {
    asking ??= askNow().finally(() => (asking = null));
    return asking;
  };

  const isFresh = (known: Known | null): known is Known => known !== null && now().getTime() - known.checkedAt < FRESH_MS;

  async function recall(): Promise<Known | null> {
    if (isFresh(last)) return last;
    const text = await cache.get(key);
    const shared = text === null ? null : parseKnown(text);
    // Read again after the pause: a check may have ended meanwhile.
    const own = last as Known | null;
    return shared && shared.checkedAt > (own?.checkedAt ?? 0) ? shared : own;
  }

  return {
    check,
    note(kind, outcome) {
      if (outcome === 'misconfigured') {
        // Once: every delivery says so again, for as long as it takes somebody to put it right.
        if (misconfigured.size === 0)
          log.error(
            { city, adapter: adapter.id, kind, hint: inLanguage(hints.misconfigured, language) },
            'a back office does not let the hub work',
          );
        misconfigured.add(kind);
      } else if (outcome === 'ok' && misconfigured.delete(kind) && misconfigured.size === 0)
        log.info({ city, adapter: adapter.id }, 'the back office lets the hub work again');
    },
    async status() {
      let known = await recall();
      if (!isFresh(known)) {
        let timer: NodeJS.Timeout | undefined;
        const patience = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)));
        await Promise.race([check(), patience]);
        clearTimeout(timer);
        known = last ?? known;
      }
      const open = !accepts();
      const answered = known === null ? 'UNKNOWN' : known.ok ? 'UP' : 'DOWN';
      const degraded = !open && answered !== 'DOWN' && misconfigured.size > 0;
      const ownHint = open ? hints['breaker-open'] : degraded ? hints.misconfigured : null;
      return {
        adapter: adapter.id,
        product: adapter.product,
        state: open ? 'DOWN' : degraded ? 'DEGRADED' : answered,
        checkedAt: known ? new Date(known.checkedAt) : null,
        hint: ownHint ? inLanguage(ownHint, language) : (known?.hint ?? null),
      };
    },
  };
}

/** Another process or version may have written it. */
function parseKnown(text: string): Known | null {
  try {
    const value = JSON.parse(text) as Partial<Known>;
    if (typeof value.ok !== 'boolean' || typeof value.checkedAt !== 'number') return null;
    return { ok: value.ok, checkedAt: value.checkedAt, hint: typeof value.hint === 'string' ? value.hint : null };
  } catch {
    return null;
  }
}
