/** @file Python: tests and tested code in two processes, where the platform has processes. */

/** Second third: the tested code's process has neither tests nor nonce, and no way to the memory of the one that has. */
export const PROCESSES_SOURCE = String.raw`# --- the two sides in two processes: the tested code's has neither the tests nor the nonce, and no way to our memory

def openPipes(here):
    toChild, toParent = os.pipe(), os.pipe()
    hideMemory()
    child = os.fork()
    if child == 0:
        os.close(toChild[1])
        os.close(toParent[0])
        runChild(here, toChild[0], toParent[1])
    os.close(toChild[0])
    os.close(toParent[1])
    return child, toParent[0], toChild[1]

def hideMemory():
    "Forbids processes of the same user to read this one through ptrace or /proc (PR_SET_DUMPABLE)."
    try:
        import ctypes
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
    except Exception:
        pass

def runChild(here, source, target):
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    try:
        peer = Peer(False)
        lines = Lines(source, target, None)
        peer.exchange = lambda text: lines.exchange(text, peer)
        try:
            serve(peer, beginCandidate(here))
        except BaseException as error:
            lines.send(json.dumps([type(error).__name__, str(error)[:300]]))
            os._exit(0)
        lines.send("null")
        while True:
            lines.send("=" + peer.answer(lines.receive()[1:]))
    finally:
        os._exit(0)

class Lines:
    "Requests start with ?, answers with =; while one side waits it serves the other's requests."
    def __init__(self, source, target, seconds):
        self.source, self.target, self.seconds = source, target, seconds
        self.rest = b""
        self.ending = None

    def stop(self, why):
        self.ending = why  # kept: a test may swallow the exception
        raise Gone(why)

    def send(self, text):
        data = text.encode("utf-8", "surrogatepass") + b"\n"
        while data:
            try:
                data = data[os.write(self.target, data):]
            except OSError:
                self.stop("gone")

    def receive(self):
        import select, time
        parts = [self.rest]
        end = None if self.seconds is None else time.monotonic() + self.seconds
        while b"\n" not in parts[-1]:
            if end is not None and not select.select([self.source], [], [], max(0, end - time.monotonic()))[0]:
                self.stop("timeout")
            part = os.read(self.source, 65536)
            if part == b"":
                self.stop("gone")
            parts.append(part)
        line, _, self.rest = b"".join(parts).partition(b"\n")
        return line.decode("utf-8", "surrogatepass")

    def exchange(self, text, peer):
        self.send("?" + text)
        while True:
            line = self.receive()
            if line[:1] == "=":
                return line[1:]
            self.send("=" + peer.answer(line[1:]))
`;
