"""Very many iPhones in one process: each asks the web service what changed as soon as it is pushed
to, and fetches its card, as real ones do. Connections stay open; requests are written by hand, for
it is not the phones that are to be measured.

Phone n has the push token `token(n)`, the device `device(n)` and the pass `serial(n)`. It stands
behind a proxy, which names an address of its own for each."""

import json
import queue
import socket
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import BytesIO
from urllib.request import urlopen

from wallet.configuration.keyring import KeyRing

CONNECTIONS = 16
LOOK_S = 0.2
AT_A_TIME = 20_000
LOOKED_INTO = 1_000  # each so manyth card is opened
PATIENCE_S = 60.0


def token(number: int) -> str:
    return f"{number:064x}"


def device(number: int) -> str:
    return f"{number:032x}"


def serial(number: int) -> str:
    return f"{number:032x}"


def address(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@dataclass(frozen=True)
class Order:
    """What the phones need to know. `apns` is the control port that tells of pushes."""

    apns: str
    port: int
    pass_type: str
    secret: str
    words: str


@dataclass
class Tally:
    heard: int = 0
    fetched: int = 0
    repeated: int = 0  # asked again, for the answer was none
    wrong: int = 0  # a card without the words


class Line:
    """One connection to the web service, made anew when it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._read = b""

    def get(self, path: str, headers: str) -> tuple[int, bytes]:
        """Status and body. Raises OSError."""
        if self._socket is None:
            self._socket, self._read = socket.create_connection(("127.0.0.1", self._port), 30), b""
        try:
            self._socket.sendall(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()
            )
            head = self._until(lambda: self._read.find(b"\r\n\r\n") + 4, 4)
            lines = head.lower().split(b"\r\n")
            length = next((int(one[15:]) for one in lines if one.startswith(b"content-length:")), 0)
            body = self._until(lambda: length, length)
        except OSError:
            self.close()
            raise
        if b"connection: close" in lines:
            self.close()
        return int(lines[0].split()[1]), body

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _until(self, end: Callable[[], int], least: int) -> bytes:
        """What was read as far as `end`, which is at `least` there once it is known."""
        while (place := end()) < least or len(self._read) < place:
            assert self._socket is not None
            more = self._socket.recv(1 << 18)
            if not more:
                raise ConnectionResetError("the web service hung up")
            self._read += more
        found, self._read = self._read[:place], self._read[place:]
        return found


class Phones:
    def __init__(self, order: Order) -> None:
        self.tally = Tally()
        self._order = order
        self._key = KeyRing((order.secret,)).first
        self._pushed: queue.Queue[int] = queue.Queue()
        self._lock = threading.Lock()

    def live(self) -> None:
        """Until standard input ends; a line of figures each second."""
        for work in [self._listen, self._tell, *[self._answer] * CONNECTIONS]:
            threading.Thread(target=work, daemon=True).start()
        sys.stdin.read()

    def _listen(self) -> None:
        heard = 0
        while True:
            address = f"{self._order.apns}/pushes?tokens=1&since={heard}&limit={AT_A_TIME}"
            with urlopen(address, timeout=60) as answer:  # noqa: S310 - ours
                news = json.load(answer)
            heard = news["next"]
            self.tally.heard += len(news["pushes"])
            for one in news["pushes"]:
                self._pushed.put(int(one, 16))
            if len(news["pushes"]) < AT_A_TIME:
                time.sleep(LOOK_S)

    def _tell(self) -> None:
        while True:
            sys.stdout.write(json.dumps(asdict(self.tally)) + "\n")
            sys.stdout.flush()
            time.sleep(1)

    def _answer(self) -> None:
        line, pass_type = Line(self._order.port), self._order.pass_type
        while True:
            number = self._pushed.get()
            behind = f"X-Forwarded-For: {address(number)}\r\n"
            known = self._key.derive("apple pass", pass_type, serial(number))
            listed = f"/apple/v1/devices/{device(number)}/registrations/{pass_type}"
            self._ask(line, f"{listed}?passesUpdatedSince=0", behind)
            card = self._ask(
                line,
                f"/apple/v1/passes/{pass_type}/{serial(number)}",
                f"{behind}Authorization: ApplePass {known}\r\n",
            )
            with self._lock:
                self.tally.fetched += 1
                self.tally.wrong += number % LOOKED_INTO == 0 and not self._speaks(card)

    def _ask(self, line: Line, path: str, headers: str) -> bytes:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                status, body = line.get(path, headers)
                if status == 200:
                    return body
            except OSError:
                status = 0
            with self._lock:
                self.tally.repeated += 1
            time.sleep(0.2)
        raise TimeoutError(f"{path}: {status}")

    def _speaks(self, card: bytes) -> bool:
        with zipfile.ZipFile(BytesIO(card)) as archive:
            return self._order.words in archive.read("pass.json").decode()


if __name__ == "__main__":
    Phones(Order(**json.loads(sys.argv[1]))).live()
