/**
 * @file Reads a Python pickle that holds one text and nothing else, as LiveCodeBench stores its private tests. A pickle is a
 * program for a stack machine that can call anything; this reads the opcodes that one text needs and refuses the others by
 * name. Opcodes: Python's pickletools, protocols 2 to 5.
 */

/** The text, or why the bytes are no pickle of one. */
export type PickleReading =
  | { readonly status: "ok"; readonly text: string }
  | { readonly status: "error"; readonly reason: string };

class Refusal extends Error {}

const PROTO = 0x80;
const FRAME = 0x95;
const SHORT_BINUNICODE = 0x8c;
const BINUNICODE = 0x58;
const BINUNICODE8 = 0x8d;
const MEMOIZE = 0x94;
const BINPUT = 0x71;
const LONG_BINPUT = 0x72;
const STOP = 0x2e;

/** Every other opcode by its code, for the message that refuses it. */
const REFUSED: Readonly<Record<number, string>> = {
  40: "MARK", 41: "EMPTY_TUPLE", 48: "POP", 49: "POP_MARK", 50: "DUP", 66: "BINBYTES", 67: "SHORT_BINBYTES",
  70: "FLOAT", 71: "BINFLOAT", 73: "INT", 74: "BININT", 75: "BININT1", 76: "LONG", 77: "BININT2", 78: "NONE",
  80: "PERSID", 81: "BINPERSID", 82: "REDUCE", 83: "STRING", 84: "BINSTRING", 85: "SHORT_BINSTRING", 86: "UNICODE",
  93: "EMPTY_LIST", 97: "APPEND", 98: "BUILD", 99: "GLOBAL", 100: "DICT", 101: "APPENDS", 103: "GET", 104: "BINGET",
  105: "INST", 106: "LONG_BINGET", 108: "LIST", 111: "OBJ", 112: "PUT", 115: "SETITEM", 116: "TUPLE", 117: "SETITEMS",
  125: "EMPTY_DICT", 129: "NEWOBJ", 130: "EXT1", 131: "EXT2", 132: "EXT4", 133: "TUPLE1", 134: "TUPLE2",
  135: "TUPLE3", 136: "NEWTRUE", 137: "NEWFALSE", 138: "LONG1", 139: "LONG4", 142: "BINBYTES8", 143: "EMPTY_SET",
  144: "ADDITEMS", 145: "FROZENSET", 146: "NEWOBJ_EX", 147: "STACK_GLOBAL", 150: "BYTEARRAY8", 151: "NEXT_BUFFER",
  152: "READONLY_BUFFER",
}; // biome-ignore format: a table

/** Reads a pickle of one text. Takes time linear in the bytes and runs nothing. */
export function readPickledText(bytes: Uint8Array): PickleReading {
  try {
    return { status: "ok", text: run(bytes) };
  } catch (error) {
    if (error instanceof Refusal) return { status: "error", reason: error.message };
    throw error;
  }
}

function run(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text: string | undefined;
  let at = 0;
  const take = (count: number): number => {
    const start = at;
    if (count > bytes.length - start) throw new Refusal(`cut off at byte ${bytes.length}`);
    at += count;
    return start;
  };
  const takeText = (length: number): void => {
    if (text !== undefined) throw new Refusal(`a second text at byte ${at}`);
    const start = take(length);
    text = decodeText(bytes.subarray(start, at), start);
  };
  for (let isFirst = true; ; isFirst = false) {
    const opcode = view.getUint8(take(1));
    if (isFirst !== (opcode === PROTO)) throw new Refusal(`opcode PROTO stands first and only there (byte ${at - 1})`);
    switch (opcode) {
      case PROTO:
        checkProtocol(view.getUint8(take(1)));
        break;
      case FRAME:
        if (view.getBigUint64(take(8), true) > BigInt(bytes.length - at))
          throw new Refusal("a frame longer than the bytes");
        break;
      case SHORT_BINUNICODE:
        takeText(view.getUint8(take(1)));
        break;
      case BINUNICODE:
        takeText(view.getUint32(take(4), true));
        break;
      case BINUNICODE8:
        takeText(Number(view.getBigUint64(take(8), true)));
        break;
      case MEMOIZE:
        break;
      case BINPUT:
        take(1);
        break;
      case LONG_BINPUT:
        take(4);
        break;
      case STOP:
        return atEnd(text, bytes.length - at);
      default:
        throw new Refusal(`opcode ${REFUSED[opcode] ?? `0x${opcode.toString(16)}`} at byte ${at - 1} is refused`);
    }
  }
}

function checkProtocol(version: number): void {
  if (version < 2 || version > 5) throw new Refusal(`protocol ${version}; 2 to 5 are read`);
}

function atEnd(text: string | undefined, left: number): string {
  if (text === undefined) throw new Refusal("it holds no text");
  if (left > 0) throw new Refusal(`${left} bytes after its end`);
  return text;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeText(bytes: Uint8Array, start: number): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Refusal(`the text at byte ${start} is not UTF-8`);
  }
}
