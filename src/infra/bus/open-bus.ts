import { HubError } from '#contract';
import type { Bus } from './bus.ts';
import type { EmbeddedBusOptions } from './embedded.ts';
import type { KafkaBusOptions } from './kafka.ts';

/**
 * The bus of a URL: `embedded:` or `kafka://host:port,host:port?replicationFactor=3&minInsyncReplicas=2`. Comes back at once,
 * even if the brokers are away.
 * @throws HubError CONFIG_INVALID
 */
export async function openBus(url: string, options: EmbeddedBusOptions & KafkaBusOptions): Promise<Bus> {
  // Drivers are loaded only where they are used.
  if (url === 'embedded:') return (await import('./embedded.ts')).createEmbeddedBus(options);
  if (url.startsWith('kafka:')) return (await import('./kafka.ts')).openKafkaBus(url, options);
  throw new HubError('CONFIG_INVALID', {
    de: 'BUS_URL muss embedded: oder kafka://<Rechner>:<Port>,<Rechner>:<Port> sein.',
    en: 'BUS_URL must be embedded: or kafka://<host>:<port>,<host>:<port>.',
  });
}
