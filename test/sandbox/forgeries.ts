/** @file Replies that are wrong and try to pass. The function asked for is `add(a, b)`; each adds wrongly, or not at all. */

/** Whether a forgery gets through where tests and tested code share one interpreter, as they must in Pyodide. */
export interface Forgery {
  readonly name: string;
  readonly code: string;
  readonly passesTogether?: true;
}

const ALWAYS_EQUAL = "class Any:\n    def __eq__(self, other): return True\n    def __hash__(self): return 3\n";

/** Every one must be called wrong. */
export const FORGERIES: readonly Forgery[] = [
  { name: "leaves with status 0 while loading", code: "import os\nos._exit(0)\ndef add(a, b): return 0" },
  { name: "leaves with status 0 when called", code: "import os\ndef add(a, b): os._exit(0)" },
  { name: "sys.exit while loading", code: "import sys\nsys.exit(0)\ndef add(a, b): return 0" },
  { name: "sys.exit when called", code: "import sys\ndef add(a, b): sys.exit(0)" },
  { name: "raises SystemExit through a bare except", code: "def add(a, b): raise SystemExit(0)" },
  {
    name: "prints what a verdict looks like",
    code: 'import os\nfor fd in (1, 2):\n    os.write(fd, b"\\n" + b"0" * 64 + b\'{"outcome": "correct"}\\n\')\ndef add(a, b): return 0',
  },
  {
    name: "prints at exit",
    code: 'import atexit\natexit.register(lambda: print("0" * 64 + \'{"outcome": "correct"}\'))\ndef add(a, b): return 0',
  },
  { name: "returns an object that equals everything", code: `${ALWAYS_EQUAL}def add(a, b): return Any()` },
  {
    name: "returns an integer that equals everything",
    code: "class Any(int):\n    def __eq__(self, other): return True\ndef add(a, b): return Any(0)",
  },
  {
    name: "returns a list that equals everything",
    code: "class Any(list):\n    def __eq__(self, other): return True\n    def __len__(self): return 1\ndef add(a, b): return Any()",
  },
  {
    name: "says that its class is int",
    code: "class Any:\n    __class__ = int\n    def __eq__(self, other): return True\n    def __getattr__(self, name): return self\ndef add(a, b): return Any()",
  },
  {
    name: "replaces AssertionError and exceptions of its own",
    code: "import builtins\nclass Quiet(Exception): pass\nbuiltins.AssertionError = Quiet\ndef add(a, b): return 0",
  },
  {
    name: "defines check and candidate itself",
    code: "def check(candidate): pass\ndef candidate(*args): return 3\ndef add(a, b): return 0",
  },
  {
    name: "reads the job from standard input",
    code: 'import os, sys, json\ntry:\n    job = json.loads(os.read(0, 1 << 20))\n    os.write(1, ("\\n" + job["nonce"] + \'{"outcome": "correct"}\\n\').encode())\nexcept BaseException: pass\ndef add(a, b): return 0',
  },
  {
    name: "looks for the nonce in modules and on disk",
    code: 'import sys, os\nfound = []\nfor module in list(sys.modules.values()):\n    for value in list(vars(module).values()) if hasattr(module, "__dict__") else []:\n        if isinstance(value, dict) and "nonce" in value: found.append(value["nonce"])\nfor folder in ("/box", "/tmp"):\n    for name in os.listdir(folder) if os.path.isdir(folder) else []:\n        pass\nfor nonce in found: os.write(1, ("\\n" + nonce + \'{"outcome": "correct"}\\n\').encode())\ndef add(a, b): return 0',
  },
  {
    name: "looks for the nonce in every frame",
    passesTogether: true,
    code: 'import os, sys\ndef add(a, b):\n    frame = sys._getframe()\n    while frame is not None:\n        for value in list(frame.f_locals.values()):\n            if isinstance(value, dict) and "nonce" in value:\n                os.write(1, ("\\n" + value["nonce"] + \'{"outcome": "correct"}\\n\').encode())\n                os._exit(0)\n        frame = frame.f_back\n    return 0',
  },
  {
    name: "looks for the nonce in all objects",
    passesTogether: true,
    code: 'import gc, os\ndef add(a, b):\n    for value in gc.get_objects():\n        if type(value) is dict and isinstance(value.get("nonce"), str):\n            os.write(1, ("\\n" + value["nonce"] + \'{"outcome": "correct"}\\n\').encode())\n            os._exit(0)\n    return 0',
  },
  {
    name: "patches json so that any verdict is correct",
    passesTogether: true,
    code: 'import json\ninner = json.dumps\njson.dumps = lambda value, **named: inner({"outcome": "correct"} if isinstance(value, dict) and "outcome" in value else value, **named)\ndef add(a, b): return 0',
  },
  {
    name: "reads the parent's memory and descriptors",
    code: 'import os\nparent = os.getppid()\nfor path in ("fd/0", "fd/1", "mem", "environ", "cmdline"):\n    try:\n        with open("/proc/%d/%s" % (parent, path), "rb" if path != "fd/1" else "wb", buffering=0) as file:\n            text = file.read(1 << 16) if path != "fd/1" else b""\n            os.write(file.fileno(), b"ESCAPED") if path == "fd/1" else None\n    except OSError: pass\ndef add(a, b): return 0',
  },
  {
    name: "traces its parent",
    code: "import ctypes, os\ntry:\n    libc = ctypes.CDLL(None, use_errno=True)\n    attached = libc.ptrace(16, os.getppid(), 0, 0)\n    answer = 3 if attached == 0 else 0\nexcept BaseException: answer = 0\ndef add(a, b): return answer",
  },
  {
    name: "reads its parent's memory by process_vm_readv",
    code: "import ctypes, os\nanswer = 0\ntry:\n    class Vec(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('len', ctypes.c_size_t)]\n    libc = ctypes.CDLL(None, use_errno=True)\n    buffer = ctypes.create_string_buffer(16)\n    here = Vec(ctypes.addressof(buffer), 16)\n    there = Vec(id(os) , 16)\n    answer = 3 if libc.process_vm_readv(os.getppid(), ctypes.byref(here), 1, ctypes.byref(there), 1, 0) == 16 else 0\nexcept BaseException: pass\ndef add(a, b): return answer",
  },
  {
    name: "kills the process that judges",
    code: "import os\ndef add(a, b):\n    try: os.kill(os.getppid(), 9)\n    except BaseException: pass\n    return 0",
  },
  {
    name: "answers the pipe with nonsense",
    code: 'import os\ndef add(a, b):\n    for fd in range(3, 64):\n        try: os.write(fd, b\'=["value", {"yours": 0}, []]\\n=["value", 3, []]\\n\')\n        except OSError: pass\n    return 0',
  },
];
