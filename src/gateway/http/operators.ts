import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import type { Exchange } from './exchange.ts';

const thisMachine = new BlockList();
thisMachine.addSubnet('127.0.0.0', 8, 'ipv4');
thisMachine.addAddress('::1', 'ipv6');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const isHere = (address = ''): boolean => {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(plain) !== 0 && thisMachine.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
};

/** Headers by which a proxy says for whom it asks. */
const forwarding = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'];

/**
 * Whether a caller may see how the hub is doing: by the token, where one is set; without one, from this machine alone. A proxy on this
 * machine is not taken for the machine: what it passes on says in a header for whom it asks.
 */
export function operatorCheck(token: string | null): (exchange: Pick<Exchange, 'request'>) => boolean {
  const expected = token === null ? null : digest(`Bearer ${token}`);
  return ({ request }) => {
    if (expected) return timingSafeEqual(digest(request.headers.authorization ?? ''), expected);
    return isHere(request.socket.remoteAddress) && forwarding.every((name) => request.headers[name] === undefined);
  };
}
