/** @file Python: the tests themselves, one judge for each shape, and the line that carries the verdict. */

/** Last third: reads the job (tests and nonce) from standard input, judges, and writes the nonce with the verdict. */
export const JUDGE_SOURCE = String.raw`# --- the tests: run on this side, where only the calls cross

class Failed(Exception):
    "A test failed: which one, and how."

def failing(where, error):
    words = str(error)[:300]
    return {"outcome": "incorrect", "where": where, "error": type(error).__name__ + (": " + words if words else "")}

def judgeFunction(job, names):
    "HumanEval: prompt, then the test's check(candidate)."
    space = {"__name__": "tests"}
    try:
        exec(compile(job["prompt"], "prompt", "exec"), space)
    except Exception:
        pass  # a prompt that ends inside a statement; what it defines then comes from the reply alone
    entry = job["entryPoint"]
    if entry not in names:
        return failing("load", NameError(entry + " is not defined"))
    addNames(space, names)
    space[entry] = names[entry]
    try:
        exec(compile(job["test"], "test", "exec"), space)
        check = space["check"]
    except Exception as error:
        return {**failing("test", error), "outcome": "gold_error"}
    try:
        check(names[entry])
    except Exception as error:
        return failing(lineOf(error), error)
    return {"outcome": "correct"}

def judgeAsserts(job, names):
    "MBPP: the set-up, then one statement after the other."
    space = {"__name__": "tests"}
    addNames(space, names)
    try:
        exec(compile(job["setup"], "setup", "exec"), space)
    except Exception as error:
        return failing("setup", error)
    for index, text in enumerate(job["asserts"]):
        try:
            code = compile(text, "test", "exec")
        except SyntaxError as error:
            return {**failing(index, error), "outcome": "gold_error"}
        try:
            exec(code, space)
        except Exception as error:
            return failing(index, error)
    return {"outcome": "correct"}

def judgeCalls(job, names):
    "LiveCodeBench: JSON arguments, one a line; a method gets a new object each time."
    entry = job["entryPoint"]
    for index, test in enumerate(job["tests"]):
        try:
            args = [json.loads(line) for line in test["args"].split("\n") if line.strip()]
            expected = json.loads(test["expected"])
        except ValueError as error:
            return {**failing(index, error), "outcome": "gold_error"}
        try:
            call = names[entry] if entry in names else getattr(names["Solution"](), entry)
            got = asJson(call(*args))
        except KeyError:
            return failing("load", NameError("neither " + entry + " nor Solution is defined"))
        except Exception as error:
            return failing(index, error)
        if not isSame(got, expected):
            return failing(index, Failed(describe(got) + " for " + describe(expected)))
    return {"outcome": "correct"}

def judgePlus(job, names):
    "HumanEval+ and MBPP+: what the canonical solution gives, the reply's must give."
    entry = job["entryPoint"]
    if entry not in names:
        return failing("load", NameError(entry + " is not defined"))
    space = {"__name__": "canonical"}
    for index, text in enumerate(job["inputs"]):
        try:
            if not space.get(entry):
                exec(compile(job["canonicalSolution"], "canonical", "exec"), space)
            expected = space[entry](*readArguments(text))
        except Exception as error:
            return {**failing(index, error), "outcome": "gold_error"}
        args = readArguments(text)
        try:
            got = names[entry](*args)
            if not agrees(job, readArguments(text), got, expected):
                return failing(index, Failed(describe(got) + " for " + describe(expected)))
        except Exception as error:
            return failing(index, error)
    return {"outcome": "correct"}

def addNames(space, names):
    "What the reply defines, without hiding what the tests already have or Python gives."
    for name, value in names.items():
        if name not in space and not hasattr(builtins_module, name):
            space[name] = value

def lineOf(error):
    "Number of the test's line that raised, or null."
    found, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "test":
            found = trace.tb_lineno
        trace = trace.tb_next
    return {"line": found}

def asJson(value):
    if isinstance(value, (list, tuple)):
        return [asJson(item) for item in value]
    if isinstance(value, dict):
        return {(key if isinstance(key, str) else json.dumps(key)): asJson(item) for key, item in value.items()}
    return value

def isSame(got, expected):
    "Equality that tells True from 1, as JSON does."
    if type(got) is bool or type(expected) is bool:
        return got is expected
    if isinstance(got, list) and isinstance(expected, list):
        return len(got) == len(expected) and all(map(isSame, got, expected))
    if isinstance(got, dict) and isinstance(expected, dict):
        return got.keys() == expected.keys() and all(isSame(got[key], expected[key]) for key in got)
    return got == expected

def readArguments(text):
    try:
        return json.loads(text)
    except ValueError:
        import ast
        return list(ast.literal_eval(text))

def agrees(job, args, got, expected):
    oracle, atol = job["oracle"], job["atol"]
    if oracle == "not-none":
        return isValue(got) == isValue(expected)
    if oracle == "unordered":
        return set(got) == set(expected)
    if oracle == "root":
        return abs(sum(factor * got**power for power, factor in enumerate(args[0]))) <= max(atol, 1e-4)
    return got == expected or isClose(got, expected, atol if atol > 0 else 1e-6, atol > 0)

def isValue(result):
    return result if type(result) is bool else result is not None

def isClose(got, expected, atol, isAny):
    "Floats within the tolerance, item by item; where none was stated only floats have one."
    if isinstance(expected, (list, tuple)):
        return type(got) is type(expected) and len(got) == len(expected) and all(
            isClose(one, other, atol, isAny) for one, other in zip(got, expected)
        )
    if type(expected) is float or (isAny and type(expected) is int):
        if type(got) not in (float, int):
            return False
        return got == expected or abs(got - expected) <= atol + 1e-7 * abs(expected) or (got != got and expected != expected)
    return got == expected

def describe(value):
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."

def standInForNumpy():
    "The tests of HumanEval+ and MBPP+ on the hub need allclose, and nothing else, of numpy."
    try:
        import numpy
    except ImportError:
        module = type(os)("numpy")
        module.ndarray = type("ndarray", (), {})
        module.float32 = module.float64 = float
        module.allclose = lambda got, expected, rtol=1e-05, atol=1e-08: near(got, expected, rtol, atol)
        sys.modules["numpy"] = module

def near(got, expected, rtol, atol):
    if isinstance(expected, (list, tuple)):
        return len(got) == len(expected) and all(near(one, other, rtol, atol) for one, other in zip(got, expected))
    return abs(got - expected) <= atol + rtol * abs(expected)

JUDGES = {"function": judgeFunction, "asserts": judgeAsserts, "calls": judgeCalls, "plus": judgePlus}

def judge(job, peer):
    standInForNumpy()
    names = peer.ask("names", Remote(peer, 0))
    return JUDGES[job["kind"]](job, names)

def main():
    here = os.path.dirname(os.path.abspath(__file__))
    if hasattr(os, "fork") and sys.platform != "emscripten":
        job, verdict = judgeApart(here)
    else:
        job, verdict = judgeTogether(here)
    # Past this point nothing of the tested code runs: the line is written past every buffer and hook, and the process ends.
    os.write(1, ("\n" + job["nonce"] + json.dumps(verdict) + "\n").encode())
    os._exit(0)

def judgeApart(here):
    child, source, target = openPipes(here)
    job = json.loads(sys.stdin.read())
    lines = Lines(source, target, job["callSeconds"])
    peer = Peer(True)
    peer.exchange = lambda text: lines.exchange(text, peer)
    try:
        loaded = json.loads(lines.receive())
        if loaded is not None:
            return job, {"outcome": "incorrect", "where": "load", "error": ": ".join(loaded)}
        verdict = judge(job, peer)
    except Gone:
        verdict = None
    finally:
        os.kill(child, 9)
    if lines.ending == "timeout":
        verdict = {"outcome": "timeout", "where": "call", "error": ""}
    elif lines.ending == "gone":
        verdict = {"outcome": "incorrect", "where": "gone", "error": "the tested code ended its process"}
    return job, verdict

def judgeTogether(here):
    "One interpreter for both sides, where there are no processes: code that looks for the nonce in it finds it."
    job = json.loads(sys.stdin.read())
    sys.stdout = sys.stderr = open(os.devnull, "w")  # what the tested code prints is no part of the verdict
    ours, theirs = Peer(True), Peer(False)
    ours.exchange, theirs.exchange = theirs.answer, ours.answer
    try:
        serve(theirs, beginCandidate(here))
    except BaseException as error:
        return job, failing("load", error)
    return job, judge(job, ours)

main()
`;
