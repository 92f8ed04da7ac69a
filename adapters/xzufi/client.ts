import { AdapterError, breathe, type Adapter, type Call, type Host, type OfferRecord } from '#contract';
import type { XzufiConfig } from './config.ts';
import { offersOf } from './mapping.ts';
import { createTransfer, takeObject, type Transfer } from './objects.ts';
import { createReader, type TransferHead } from './reader.ts';
import { messagesOf, type Message } from './source.ts';

/** Offers per page. */
const PAGE = 500;

/*
 * A catalogue source: everything is read before the first page goes out, because a competence or an online service may stand
 * anywhere in the export, and because half an export would look like deleted offers. Nothing is kept between two listings.
 */
export function createXzufi(config: XzufiConfig, host: Host): Adapter {
  async function read(message: Message, take: Parameters<typeof createReader>[1], call: Call, headOnly = false): Promise<TransferHead> {
    const reader = createReader(message.name, take);
    for await (const text of message.open(call)) {
      call.signal.throwIfAborted();
      reader.write(text);
      const head = reader.head();
      if (head && headOnly) return head;
    }
    return reader.end();
  }

  async function readAll(call: Call): Promise<{ transfer: Transfer; names: string }> {
    const transfer = createTransfer();
    const names: string[] = [];
    for await (const message of messagesOf(config, host, call)) {
      names.push(message.name);
      await read(message, (object) => takeObject(message.name, object, transfer, config.assuranceLevels), call);
    }
    return { transfer, names: names.length === 1 ? (names[0] ?? '') : `${names.length} messages` };
  }

  // The beginning says what it is; the whole is read when it is imported.
  async function readHead(call: Call): Promise<TransferHead | null> {
    for await (const message of messagesOf(config, host, call)) return await read(message, () => {}, call, true);
    return null;
  }

  return {
    start: async () => {},
    stop: async () => {},
    async check(call) {
      const since = performance.now();
      const head = await readHead(call);
      const probe = { name: 'export', ok: true, ms: Math.round(performance.now() - since) };
      return { ok: true, system: `XZuFi ${head?.version ?? ''}${head?.product ? ` (${head.product.slice(0, 60)})` : ''}`, probes: [probe] };
    },
    catalogue: {
      async *listOffers(call) {
        const { transfer, names } = await readAll(call);
        const { services, passedOver, odd } = transfer;
        const offers: OfferRecord[] = [];
        for (const offer of offersOf(names, transfer, host.ars)) {
          offers.push(offer);
          // Its texts may be long, and there may be thousands.
          await breathe();
        }
        const passed = Object.fromEntries([...passedOver].map(([kind, count]) => [`passedOver_${kind}`, count]));
        host.log('info', 'XZuFi export read', {
          files: names,
          services: services.size,
          offers: offers.length,
          setAside: odd.size,
          ...passed,
        });
        const [first] = odd.values();
        if (offers.length === 0 && first) throw new AdapterError('malformed', 'none', first.reason);
        if (services.size === 0)
          throw new AdapterError('malformed', 'none', `${names}: no leistung; a catalogue without services is not taken`);
        if (offers.length === 0)
          throw new AdapterError(
            'misconfigured',
            'none',
            `${names}: none of its ${services.size} services holds for ${host.ars}: is it this city's export?`,
          );
        for (let at = 0; at < offers.length; at += PAGE)
          yield {
            items: offers.slice(at, at + PAGE),
            ...(at === 0 ? { malformed: [...odd.values()] } : {}),
            next: String(Math.min(at + PAGE, offers.length)),
          };
      },
    },
  };
}
