/** @file Python: what crosses between the tests and the tested code, which never share an object. */

/** First third of the judge: values by content, anything else by number, requests in both directions. */
export const BOUNDARY_SOURCE = String.raw`import json, os, sys

class Gone(BaseException):
    "The tested code's process has ended, or may be waited for no longer."

class Remote:
    "Stands for an object of the other side. It equals nothing but objects of that side, whatever its class claims."
    def __init__(self, peer, number):
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", number)
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self._peer.ask("get", self, name)
    def __setattr__(self, name, value):
        self._peer.ask("set", self, name, value)
    def __call__(self, *args, **named):
        return self._peer.ask("call", self, list(args), named)
    def __getitem__(self, key):
        return self._peer.ask("item", self, key)
    def __len__(self):
        return self._peer.ask("len", self)
    def __iter__(self):
        return iter(self._peer.ask("iter", self))
    def __bool__(self):
        return self._peer.ask("bool", self) is True
    def __instancecheck__(self, value):
        return type(value) is Remote and self._peer.ask("isinstance", value, self) is True
    def __str__(self):
        return str(self._peer.ask("str", self))
    def __eq__(self, other):
        return type(other) is Remote and self._peer.ask("eq", self, other) is True
    def __hash__(self):
        return hash(self._number)

class Peer:
    "One side of the boundary. What crosses it is JSON: plain values by content, anything else as a number that stands for it."
    def __init__(self, isTrusted):
        self.isTrusted = isTrusted
        self.objects = {}
        self.exchange = None

    def encode(self, value):
        if value is None or value is True or value is False:
            return value
        for kind, tag in SCALARS:
            if isinstance(value, kind):
                return tag(value)
        for kind, tag in SEQUENCES:
            if isinstance(value, kind):
                return {tag: [self.encode(item) for item in kind.__iter__(value)]}
        if isinstance(value, dict):
            return {"dict": [[self.encode(key), self.encode(item)] for key, item in dict.items(value)]}
        if type(value) is Remote:
            return {"yours": value._number}
        if hasattr(type(value), "__next__"):  # of the object, not of a class of iterators
            return {"iterator": [self.encode(item) for _, item in zip(range(100000), value)]}
        number = len(self.objects)
        self.objects[number] = value
        return {"mine": number}

    def decode(self, node):
        if not isinstance(node, dict):
            return node
        (tag, content), = node.items()
        if tag == "yours":
            return self.objects[content]
        if tag == "mine":
            return Remote(self, content)
        if tag == "dict":
            return {self.decode(key): self.decode(item) for key, item in content}
        if tag in BUILDERS:
            return BUILDERS[tag](content)
        return CONTAINERS[tag](self.decode(item) for item in content)

    def ask(self, verb, *args):
        args = list(args)
        sent = [self.encode(item) for item in args]
        answer = json.loads(self.exchange(json.dumps([verb, sent])))
        if answer[0] == "error":
            kind = getattr(builtins_module, answer[1], None)
            isKnown = isinstance(kind, type) and issubclass(kind, Exception)
            try:
                error = kind(answer[2]) if isKnown else RuntimeError(answer[1] + ": " + answer[2])
            except Exception:
                error = RuntimeError(answer[1] + ": " + answer[2])
            raise error
        for index, changed in answer[2]:
            replace(args[1][index], self.decode(changed))
        return self.decode(answer[1])

    def answer(self, text):
        try:
            verb, sent = json.loads(text)
            args = [self.decode(node) for node in sent]
            result = self.perform(verb, args)
            changes = []
            if verb == "call":
                before = sent[1]["list"]
                after = [(index, self.encode(item)) for index, item in enumerate(args[1]) if type(item) in (list, dict, set)]
                changes = [[index, node] for index, node in after if node != before[index]]
            return json.dumps(["value", self.encode(result), changes])
        except Gone:
            raise
        except BaseException as error:
            try:
                words = str(error)[:300]
            except BaseException:
                words = ""
            return json.dumps(["error", str(type(error).__name__), words])

    def perform(self, verb, args):
        if verb == "call":
            return args[0](*args[1], **args[2])
        if self.isTrusted:  # tests may hand out callbacks and records; nothing that leads into this side's memory
            if verb == "get" and args[1] in vars(args[0]) and not callable(args[0]):
                return vars(args[0])[args[1]]
            raise AttributeError(verb)
        if verb == "names":
            return {name: value for name, value in args[0].items() if not name.startswith("__") and type(value) is not type(os)}
        return VERBS[verb](*args)

def replace(target, content):
    if type(target) is list and type(content) is list:
        target[:] = content
    elif type(target) is type(content) and type(target) in (dict, set):
        target.clear()
        target.update(content)

import builtins as builtins_module
from collections import deque
from decimal import Decimal
from fractions import Fraction

SCALARS = (
    (str, lambda value: str.__str__(value)),
    (int, lambda value: int.__int__(value) if -(1 << 4000) < value < 1 << 4000 else {"int": hex(value)}),
    (float, lambda value: float.__float__(value)),
    (complex, lambda value: {"complex": [value.real, value.imag]}),
    ((bytes, bytearray), lambda value: {"bytes": value.hex()}),
    (Decimal, lambda value: {"decimal": str(value)}),
    (Fraction, lambda value: {"fraction": str(value)}),
    (range, lambda value: {"range": [value.start, value.stop, value.step]}),
)
SEQUENCES = ((list, "list"), (tuple, "tuple"), (set, "set"), (frozenset, "frozenset"), (deque, "deque"))
CONTAINERS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque, "iterator": lambda items: iter(list(items))}
BUILDERS = {
    "int": lambda text: int(text, 16),
    "complex": lambda parts: complex(*parts),
    "bytes": bytes.fromhex,
    "decimal": Decimal,
    "fraction": Fraction,
    "range": lambda parts: range(*parts),
}
VERBS = {
    "get": getattr,
    "set": setattr,
    "item": lambda target, key: target[key],
    "len": len,
    "iter": list,
    "bool": bool,
    "str": str,
    "isinstance": isinstance,
    "eq": lambda one, other: one == other,
}

def beginCandidate(here):
    "Runs the tested code as a module of its own and gives what it defines."
    module = type(os)("candidate")
    sys.modules["candidate"] = module
    sys.modules["__main__"] = module
    for name, isNeeded in (("candidate.py", True), ("setup.py", False)):
        try:
            with open(os.path.join(here, name)) as file:
                code = compile(file.read(), name, "exec")
            exec(code, vars(module))
        except BaseException as error:
            if isNeeded:
                raise
    return vars(module)

def serve(peer, namespace):
    "Numbers the namespace 0, so that the other side can ask for its names."
    peer.objects[0] = namespace

`;
