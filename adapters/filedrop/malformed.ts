/** What is wrong with a status file, and in which line. Names columns, never what stands in them. */
export class Malformed extends Error {
  readonly line: number;
  readonly reason: { readonly de: string; readonly en: string };

  constructor(line: number, reason: { de: string; en: string }) {
    super(`line ${line}: ${reason.en}`);
    this.name = 'Malformed';
    this.line = line;
    this.reason = reason;
  }

  /** For whoever opens the folder. */
  note(): string {
    return `Zeile ${this.line}: ${this.reason.de}\nLine ${this.line}: ${this.reason.en}\n`;
  }
}
