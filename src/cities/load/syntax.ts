import type { YAMLError } from 'yaml';
import type { Localised } from '#contract';
import { say, type Saying } from './complaint.ts';

type Both = Localised & { en: string };
const both = (de: string, en: string): Both => ({ de, en });

/** What people do that a YAML reader calls by its code, and what they meant. */
const sayings: Readonly<Record<string, Saying>> = {
  TAB_AS_INDENT: {
    problem: both(
      'Hier ist mit Tabulatoren eingerückt; das ist kein gültiges YAML.',
      'This is indented with tabs, which is not valid YAML.',
    ),
    remedy: both('Rücken Sie mit Leerzeichen ein, zwei je Stufe.', 'Indent with spaces, two for each level.'),
  },
  BAD_INDENT: {
    problem: both('Das ist kein gültiges YAML: Die Einrückung passt nicht.', 'This is not valid YAML: the indentation does not fit.'),
    remedy: both(
      'Was zusammengehört, beginnt in derselben Spalte; wer eine Klammer öffnet, schließt sie.',
      'What belongs together begins in the same column; a bracket that is opened is closed.',
    ),
  },
  DUPLICATE_KEY: {
    problem: both('Das ist kein gültiges YAML: Dieser Name steht hier zweimal.', 'This is not valid YAML: this name stands here twice.'),
    remedy: both('Behalten Sie einen davon.', 'Keep one of them.'),
  },
  MISSING_CHAR: {
    problem: both(
      'Das ist kein gültiges YAML: Ein Anführungszeichen, eine Klammer oder ein Komma fehlt.',
      'This is not valid YAML: a quotation mark, a bracket or a comma is missing.',
    ),
    remedy: both('Ergänzen Sie das Zeichen hier oder davor.', 'Add it here or before.'),
  },
  BLOCK_AS_IMPLICIT_KEY: {
    problem: both(
      'Das ist kein gültiges YAML: In dieser Zeile steht ein zweiter Doppelpunkt.',
      'This is not valid YAML: there is a second colon on this line.',
    ),
    remedy: both('Setzen Sie einen Text mit Doppelpunkt in Anführungszeichen.', 'Put a text that holds a colon in quotation marks.'),
  },
  MULTILINE_IMPLICIT_KEY: {
    problem: both('Das ist kein gültiges YAML: Hier fehlt „Name: Wert“.', 'This is not valid YAML: “name: value” is missing here.'),
    remedy: both(
      'Hinter dem Doppelpunkt steht ein Leerzeichen; ein langer Text braucht Anführungszeichen.',
      'A space follows the colon; a long text needs quotation marks.',
    ),
  },
  MULTIPLE_DOCS: {
    problem: both(
      'Das ist kein gültiges YAML für eine Stadt: Mit --- beginnt ein zweites Dokument.',
      'This is not valid YAML for a city: --- begins a second document.',
    ),
    remedy: both('Entfernen Sie die Zeile ---; jede Stadt hat ihre Datei.', 'Remove the line ---; each city has its file.'),
  },
  TAG_RESOLVE_FAILED: {
    problem: both('Das ist kein gültiges YAML: Dieses ! kennt der Hub nicht.', 'This is not valid YAML: the hub does not know this !.'),
    remedy: both('Lassen Sie es weg, oder setzen Sie den Text in Anführungszeichen.', 'Leave it out, or put the text in quotation marks.'),
  },
};

/** An alias to nothing, or so many of them that they are refused. */
export const aliasSaying = (why: 'unknown' | 'too many'): Saying =>
  why === 'unknown'
    ? {
        problem: both(
          'Das ist kein gültiges YAML: * verweist auf etwas, das es nicht gibt.',
          'This is not valid YAML: * refers to something that there is not.',
        ),
        remedy: both(
          'Setzen Sie einen Text, der mit * beginnt, in Anführungszeichen.',
          'Put a text that begins with * in quotation marks.',
        ),
      }
    : {
        problem: both('Das ist kein gültiges YAML: zu viele Verweise mit *.', 'This is not valid YAML: too many aliases with *.'),
        remedy: both('Schreiben Sie die Werte aus.', 'Write the values out.'),
      };

/** What is to be said of a mistake in the YAML itself. */
export const syntaxSaying = ({ code, message }: YAMLError): Saying => sayings[code] ?? say.syntax(message.split('\n')[0] ?? '');
