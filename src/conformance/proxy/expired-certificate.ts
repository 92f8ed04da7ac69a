import { generateKeyPairSync, sign } from 'node:crypto';

/*
 * A self-signed certificate for 127.0.0.1 that expired in 2020, made when it is first needed: no private key lies in the
 * repository. X.509 v3 (RFC 5280) in DER, as far as a server certificate needs it.
 */

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const length =
    content.length < 128
      ? Buffer.of(content.length)
      : content.length < 256
        ? Buffer.of(0x81, content.length)
        : Buffer.of(0x82, content.length >> 8, content.length & 0xff);
  return Buffer.concat([Buffer.of(tag), length, content]);
};

const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts);
/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2 */
const ecdsaSha256 = sequence(der(0x06, Buffer.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)));
const utcTime = (text: string) => der(0x17, Buffer.from(text));
/** commonName, 2.5.4.3 */
const name = (text: string) => sequence(der(0x31, sequence(der(0x06, Buffer.of(0x55, 0x04, 0x03)), der(0x0c, Buffer.from(text)))));
/** subjectAltName, 2.5.29.17: the IP address */
const altName = sequence(der(0x06, Buffer.of(0x55, 0x1d, 0x11)), der(0x04, sequence(der(0x87, Buffer.of(127, 0, 0, 1)))));

let made: { readonly key: string; readonly cert: string } | null = null;

/** Key and certificate in PEM. */
export function expiredCertificate(): { readonly key: string; readonly cert: string } {
  if (made) return made;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    ecdsaSha256,
    name('expired'),
    sequence(utcTime('190101000000Z'), utcTime('200101000000Z')),
    name('expired'),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(altName)),
  );
  const signature = der(0x03, Buffer.of(0), sign('sha256', body, privateKey));
  const certificate = sequence(body, ecdsaSha256, signature).toString('base64');
  made = {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.replaceAll(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`,
  };
  return made;
}
